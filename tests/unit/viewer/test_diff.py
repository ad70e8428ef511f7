"""What changed between two sets: estimates, what is called sure, limits, words and the page."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable

import pytest

from profiler.capture import Frame
from profiler.errors import SelectionError
from viewer.building import ProfileBuilder
from viewer.diff import Change, Comparison, Side, compare, words
from viewer.diff.comparison import Estimate
from viewer.diff.limits import Limit
from viewer.diff.page import render
from viewer.profile import Profile

MS = 1_000_000
HANDLER = Frame("handler", "/var/task/app.py", 3)
Weights = dict[str, float]


def profile(weights: Weights, line: int = 10) -> Profile:
    """Return one invocation: the handler calls each function, which takes so many milliseconds itself."""
    builder = ProfileBuilder()
    frames = [HANDLER, *(Frame(name, "/var/task/app.py", line) for name in weights)]
    stacks = builder.stacks(frames)
    runs = stacks.runs(((0, index), round(ms * MS)) for index, ms in enumerate(weights.values(), 1))
    builder.add(("handler",), "MainThread", "nanoseconds", runs)
    return Profile("app", builder.frames, builder.table, builder.lanes())


def side(name: str, invocations: Iterable[Weights], line: int = 10) -> Side:
    made = Side(name, lambda each: each.lanes)
    for weights in invocations:
        made.add(profile(weights, line))
    return made


def noisy(weights: Weights, count: int, seed: int, spread: float = 0.1) -> list[Weights]:
    chance = random.Random(seed)
    return [{name: ms * chance.gauss(1, spread) for name, ms in weights.items()} for _ in range(count)]


def of(comparison: Comparison, name: str) -> Change:
    [found] = [change for change in comparison.changes if change.frame.name == name]
    return found


def test_a_change_is_found_with_its_size_and_certainty() -> None:
    before = side("old", noisy({"price": 10, "parse": 20}, 30, 3))
    after = side("new", noisy({"price": 15, "parse": 20}, 40, 4), line=99)
    comparison = compare(before, after)
    price, parse, handler = (of(comparison, name) for name in ("price", "parse", "handler"))
    assert price.self_weight.change / MS == pytest.approx(5, abs=1)
    assert price.self_weight.low is not None
    assert price.self_weight.high is not None
    assert price.self_weight.low < 5 * MS < price.self_weight.high
    assert price.is_sure
    assert not parse.is_sure
    # One that only calls others is judged by what it takes with them.
    assert handler.is_sure
    assert handler.total_weight.change / MS == pytest.approx(5, abs=1.5)
    assert comparison.changes[0] in (price, handler)
    # A function stays the same one where its line has moved; the new line is told.
    assert (price.kind, price.frame.line) == ("changed", 99)
    assert comparison.whole.is_sure


def test_everything_is_per_invocation() -> None:
    comparison = compare(side("old", [{"price": 10}] * 3), side("new", [{"price": 10}] * 300))
    assert of(comparison, "price").self_weight.change == 0
    assert not list(comparison.sure())


def test_new_and_gone() -> None:
    before = side("old", noisy({"price": 10, "slow": 5}, 20, 1))
    after = side("new", noisy({"price": 10, "fast": 2}, 20, 2))
    comparison = compare(before, after)
    assert (of(comparison, "slow").kind, of(comparison, "fast").kind) == ("gone", "new")
    assert of(comparison, "fast").self_weight.relative is None
    text = "\n".join(" ".join(words.row(change, comparison.unit)) for change in words.told(comparison, False))
    assert "gone" in text
    assert "new" in text


def test_one_against_one_is_never_sure() -> None:
    comparison = compare(side("old", [{"price": 10}]), side("new", [{"price": 90}]))
    assert not comparison.has_chance
    assert of(comparison, "price").p is None
    assert not list(comparison.sure())
    assert "no telling chance from change" in words.headline(comparison)
    # But it is shown.
    assert [change.frame.name for change in words.told(comparison, False)] == ["price", "handler"]


def test_among_many_functions_that_did_not_change_few_are_called_sure() -> None:
    false_alarms = 0
    for seed in range(40):
        weights = {f"f{n}": 1.0 + n for n in range(30)}
        comparison = compare(
            side("old", noisy(weights, 15, 2 * seed, 0.3)), side("new", noisy(weights, 15, 2 * seed + 1, 0.3))
        )
        false_alarms += any(change.frame.name != "handler" for change in comparison.sure())
    assert false_alarms <= 5  # of 40 comparisons without any change


def test_sides_that_cannot_be_compared() -> None:
    full = side("old", [{"price": 1}])
    with pytest.raises(SelectionError, match="nothing to compare on the side 'new'"):
        compare(full, side("new", []))
    other = side("new", [{"price": 1}])
    other.unit = "bytes"
    with pytest.raises(SelectionError, match="nanoseconds, the other in bytes"):
        compare(full, other)


# ---- limits ---------------------------------------------------------------------------------------


def slower() -> Comparison:
    before = side("old", noisy({"price": 10, "app.parse": 20, "tiny": 0.01}, 30, 1, 0.02))
    after = side("new", noisy({"price": 15, "app.parse": 20, "tiny": 0.05}, 30, 2, 0.02))
    return compare(before, after)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("self>+10%", ["self of price"]),
        ("self > 60 %", []),
        ("self>+3ms", ["self of price"]),
        ("self>6ms", []),
        ("total[handler]>+10%", ["total of handler"]),
        ("total[app.*]>+1%", []),
        ("whole>+5%", ["the whole"]),
        ("whole>+50%", []),
    ],
)
def test_limits(text: str, broken: list[str]) -> None:
    found = Limit.parse(text).broken_by(slower())
    assert [line.partition(":")[0] for line in found] == broken


@pytest.mark.parametrize(
    "text", ["", "self", "self<+10%", "self>-10%", "mean>+10%", "self>+10kg", "whole[a]>+1%"]
)
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(SelectionError, match="is no limit"):
        Limit.parse(text)


def test_what_may_be_chance_breaks_no_limit() -> None:
    before = side("old", noisy({"price": 10}, 4, 1, 0.5))
    after = side("new", noisy({"price": 12}, 4, 2, 0.5))
    assert Limit.parse("self>+1%").broken_by(compare(before, after)) == []


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(10, 15, "+50 %"), (10, 10.2, "+2.0 %"), (10, 9, "−10 %"), (10, 9.9999, "0 %"), (0, 5, "")],
)
def test_percent(before: float, after: float, text: str) -> None:
    assert words.percent(Estimate(before, after, None, None, None)) == text


# ---- how it is told -------------------------------------------------------------------------------


def test_json_holds_everything() -> None:
    record = json.loads(json.dumps(slower().to_json()))
    assert record["before"] == {"name": "old", "invocations": 30}
    [price] = [each for each in record["functions"] if each["name"] == "price"]
    assert price["sure"] is True
    assert price["self"]["low"] < price["self"]["change"] < price["self"]["high"]
    assert record["whole"]["sure"] is True


def test_markdown_cannot_be_broken_by_names() -> None:
    evil = "a|b`c\x1b[31m<img src=x>"
    before = side(evil, noisy({evil: 10}, 10, 1, 0.01))
    after = side("new", noisy({evil: 15}, 10, 2, 0.01))
    text = words.markdown(compare(before, after), False, 30)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows
    assert all(len(line.replace("\\|", "").split("|")) == 9 for line in rows)
    assert "\x1b" not in text
    # Outside of code no bracket, and no other mark, is left to Markdown.
    title = text.partition("\n")[0].removeprefix("### ")
    assert not re.search(r"(?<!\\)[<>|`\[\]*_]", title)


def test_the_page_is_coloured_by_what_is_sure() -> None:
    before = side("old", noisy({"price": 10, "parse": 20, "slow": 9}, 30, 1, 0.02))
    after = side("new", noisy({"price": 15, "parse": 20, "slow": 3}, 30, 2, 0.02))
    page = render(before, after, compare(before, after))
    start = page.index('<script type="application/json"') if '<script type="application/json"' in page else 0
    document = json.loads(page[page.index(">", start) + 1 : page.index("</script>", start)])
    modules = {name: document["modules"][module] for name, _, module in document["frames"]}
    assert modules["price"]["category"] == "more"
    assert modules["slow"]["category"] == "less"
    assert modules["parse"]["category"] == "even"
    assert [lane["name"] for lane in document["lanes"]] == ["after: new", "before: old"]
    assert any(
        "+4" in location or "+5" in location for name, location, _ in document["frames"] if name == "price"
    )
