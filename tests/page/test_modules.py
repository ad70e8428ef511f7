"""The page's ES modules, each loaded as a module by real Chromium over loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import viewer.page
from tests.page.sample import MS, order_service, profile_of
from viewer.page import script
from viewer.profile import Profile
from viewer.renderers.html import document_of

FOLDER = Path(viewer.page.__file__).parent
MODULES = sorted(path.name for path in FOLDER.glob("*.js"))
Evaluate = Callable[..., Any]


def boxes(evaluate: Evaluate, profile: Profile, layout: str, lane: int = 0) -> list[list[Any]]:
    """Return [name, depth, start ms, total ms, self ms] of each box below the lane, in preorder."""
    return list(
        evaluate(
            f"""
            const profile = m.decodeProfile(given[0]), layout = m.{layout}(profile, profile.lanes[{lane}]);
            return [...Array(layout.count).keys()].slice(1).map(box => [
              profile.frames[layout.frame[box]].name, layout.depth[box],
              layout.start[box] / 1e6, layout.total[box] / 1e6, layout.self[box] / 1e6]);
            """,
            document_of(profile),
        )
    )


def test_the_merged_layout_sums_stacks_and_puts_the_largest_first(evaluate: Evaluate) -> None:
    assert boxes(evaluate, order_service(), "mergedLayout") == [
        ["handler", 1, 0, 100, 5],
        ["Client.get_object", 2, 0, 30, 30],
        ["lookup", 2, 30, 25, 25],
        ["loads", 2, 55, 20, 20],
        ["walk", 2, 75, 20, 5],
        ["walk", 3, 75, 15, 10],
        ["lookup", 4, 75, 5, 5],
    ]


def test_the_ordered_layout_keeps_time_and_joins_what_stays(evaluate: Evaluate) -> None:
    assert boxes(evaluate, order_service(), "orderedLayout") == [
        ["handler", 1, 0, 100, 5],
        ["lookup", 2, 5, 15, 15],
        ["Client.get_object", 2, 20, 30, 30],
        ["lookup", 2, 50, 10, 10],
        ["loads", 2, 60, 20, 20],
        ["walk", 2, 80, 20, 5],
        ["walk", 3, 85, 15, 10],
        ["lookup", 4, 95, 5, 5],
    ]


def test_all_threads_are_a_lane_of_their_own(evaluate: Evaluate) -> None:
    lanes = evaluate(
        "return m.decodeProfile(given[0]).lanes.map(l => [l.name, l.unit, l.ordered, l.total])",
        document_of(order_service()),
    )
    assert lanes == [
        ["MainThread", "nanoseconds", True, 100 * MS],
        ["worker_0", "nanoseconds", True, 100 * MS],
        ["memory retained", "bytes", False, 4096],
        ["All threads", "nanoseconds", True, 200 * MS],
    ]


def test_recursion_is_not_counted_twice(evaluate: Evaluate) -> None:
    totals = evaluate(
        """
        const profile = m.decodeProfile(given[0]), layout = m.mergedLayout(profile, profile.lanes[0]);
        return Object.fromEntries(m.functionTotals(layout, profile.frames.length)
          .map(row => [profile.frames[row.frame].name, [row.self / 1e6, row.total / 1e6]]));
        """,
        document_of(order_service()),
    )
    assert totals == {
        "handler": [5, 100],
        "lookup": [30, 30],
        "Client.get_object": [30, 30],
        "loads": [20, 20],
        "walk": [15, 20],
    }


@pytest.mark.parametrize(
    ("query", "share"),
    [
        ("walk", 20),  # a walk inside a walk counts once
        ("LOOKUP", 30),
        ("botocore", 30),  # a module
        ("app.py", 100),  # a file
        ("/^loads$|get_/", 50),
        ('"walk"', 20),
        ('"wal"', 0),  # not the whole name
        ("module:json", 20),
        ("/(/", 0),  # no expression yet: somebody is typing
        ("nothing like it", 0),
    ],
)
def test_search_tells_the_share_matched(evaluate: Evaluate, query: str, share: int) -> None:
    found = evaluate(
        """
        const profile = m.decodeProfile(given[0]), layout = m.mergedLayout(profile, profile.lanes[0]);
        return m.matchedWeight(layout, m.matchFrames(profile.frames, profile.modules, given[1])).total / 1e6;
        """,
        document_of(order_service()),
        query,
    )
    assert found == share


def test_large_arrays_come_back_from_their_packing(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = document_of(order_service())
    monkeypatch.setattr("viewer.renderers.html.LARGE_BYTES", 0)
    packed = document_of(order_service())
    assert packed["lanes"][0]["weights"].startswith("deflate:int32:")
    same = evaluate(
        """
        const told = ({lanes, parents, nodeFrames}) => JSON.stringify(
          [...lanes, {nodes: parents, weights: nodeFrames}]
          .map(({nodes, weights}) => [nodes?.constructor.name, weights?.constructor.name, [...nodes ?? []],
                                      [...weights ?? []]]));
        return m.inflated(given[1]).then(document =>
          told(m.decodeProfile(document)) === told(m.decodeProfile(given[0])));
        """,
        plain,
        packed,
    )
    assert same is True


@pytest.mark.parametrize("weight", [2**31, 2**31 - 1, 2**53 - 1])
def test_weights_that_do_not_fit_into_32_bits_stay_whole(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch, weight: int
) -> None:
    monkeypatch.setattr("viewer.renderers.html.LARGE_BYTES", 0)
    profile = profile_of([("MainThread", "nanoseconds", True, [([0], weight), ([1], 1)])])
    body = "return m.inflated(given[0]).then(d => [...m.decodeProfile(d).lanes[0].weights])"
    assert evaluate(body, document_of(profile)) == [weight, 1]


def test_a_point_finds_its_box(evaluate: Evaluate) -> None:
    names = evaluate(
        """
        const profile = m.decodeProfile(given[0]), layout = m.orderedLayout(profile, profile.lanes[0]);
        const frame = (depth, ms) => layout.frame[m.boxAt(layout, depth, ms * 1e6)];
        const at = (depth, ms) => profile.frames[frame(depth, ms)]?.name ?? null;
        return [at(1, 50), at(2, 4.9), at(2, 5), at(2, 19.9), at(2, 20), at(3, 84), at(3, 99), at(9, 1)];
        """,
        document_of(order_service()),
    )
    assert names == ["handler", None, "lookup", "lookup", "Client.get_object", None, "walk", None]


stacks = st.lists(st.integers(0, 5), max_size=7)
runs = st.lists(st.tuples(stacks, st.integers(1, 1000)), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs)
def test_no_weight_is_lost(evaluate: Evaluate, given_runs: list[tuple[list[int], int]]) -> None:
    profile = profile_of([("MainThread", "nanoseconds", True, given_runs)])
    for layout in ("mergedLayout", "orderedLayout"):
        problems = evaluate(
            f"""
            const profile = m.decodeProfile(given[0]), lane = profile.lanes[0];
            const l = m.{layout}(profile, lane), problems = [];
            const below = new Float64Array(l.count);
            let self = 0;
            for (let box = l.count - 1; box >= 0; box--) {{
              self += l.self[box];
              if (Math.abs(l.self[box] + below[box] - l.total[box]) > 1e-6) problems.push(["sum", box]);
              const parent = l.parent[box];
              if (parent < 0) continue;
              below[parent] += l.total[box];
              if (l.start[box] < l.start[parent]) problems.push(["left of its parent", box]);
              if (l.end[box] > l.end[parent]) problems.push(["ends after its parent", box]);
            }}
            if (self !== lane.total) problems.push(["self", self, lane.total]);
            for (let depth = 0; depth < l.depthCount; depth++)
              for (let place = l.rowStart[depth] + 1; place < l.rowStart[depth + 1]; place++) {{
                const [one, next] = [l.rows[place - 1], l.rows[place]];
                if (l.start[one] + l.total[one] > l.start[next] + 1e-6) problems.push(["overlap", one, next]);
              }}
            return problems;
            """,
            document_of(profile),
        )
        assert problems == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_on_every_colour_can_be_read(evaluate: Evaluate, dark: bool) -> None:
    modules = [
        {"category": category, "name": str(number)}
        for category in ("own", "package", "stdlib", "native")
        for number in range(13)
    ]
    ratios = evaluate(
        """
        const light = text => m.luminance(text.startsWith("#")
          ? [1, 3, 5].map(at => parseInt(text.slice(at, at + 2), 16)) : text.match(/\\d+/g).map(Number));
        const pairs = m.moduleColours(given[0], given[1])
          .flatMap(c => [...c.fills.map(fill => [fill, c.text]), [c.faded, c.fadedText]]);
        return pairs.map(pair => {
          const [one, other] = pair.map(light).sort((a, b) => b - a);
          return (one + 0.05) / (other + 0.05);
        });
        """,
        modules,
        dark,
    )
    assert [round(ratio, 1) for ratio in ratios if ratio < 4.5] == []


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1500, "1.50 µs"),
        (412e6, "412 ms"),
        (999.6e6, "1.00 s"),
        (61e9, "61.0 s"),
    ],
)
def test_durations_read_as_in_the_terminal(evaluate: Evaluate, nanoseconds: float, text: str) -> None:
    from viewer.units import duration

    assert evaluate("return m.formatDuration(given[0])", nanoseconds) == text == duration(nanoseconds)


@pytest.mark.parametrize(
    ("first", "second", "farthest", "step", "texts"),
    [
        (0, 50e6, 344e6, 50e6, ["0", "50 ms"]),
        (300.02e6, 300.04e6, 300.1e6, 0.02e6, ["300.02 ms", "300.04 ms"]),
        (0.5e9, 1e9, 2e9, 0.5e9, ["0.5 s", "1.0 s"]),
        (200, 400, 900, 200, ["200 ns", "400 ns"]),
    ],
)
def test_ticks_are_as_fine_as_their_steps(
    evaluate: Evaluate, first: float, second: float, farthest: float, step: float, texts: list[str]
) -> None:
    body = "return [given[0], given[1]].map(value => m.formatTick(value, given[3], given[2]))"
    assert evaluate(body, first, second, farthest, step) == texts


def test_a_module_keeps_its_colour_from_page_to_page(evaluate: Evaluate) -> None:
    alone, in_company, different = evaluate(
        """
        const make = names => m.moduleColours(names.map(name => ({category: "package", name})), false);
        return [make(["botocore"])[0].fill, make(["zlib", "botocore"])[1].fill,
                new Set(make(["a", "b", "c", "d", "e", "f"]).map(one => one.fill)).size];
        """
    )
    assert alone == in_company
    assert different == 6


@pytest.mark.parametrize("name", MODULES)
def test_every_module_keeps_to_the_convention_that_joins_them(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    imports = re.findall(r"^import .*$", text, re.MULTILINE)
    for line in imports:
        assert re.fullmatch(r'import \{ [\w, ]+ \} from "\./[\w-]+\.js";', line), line
        for imported in re.findall(r"\w+", line[line.index("{") : line.index("}")]):
            target = (FOLDER / re.findall(r'"\./(.*)"', line)[0]).read_text(encoding="utf-8")
            assert re.search(
                rf"^export (?:async )?(?:function|class|const) {imported}\b", target, re.MULTILINE
            )
    assert "export default" not in text
    assert not re.search(r"^export [^fcal]", text, re.MULTILINE)


def test_no_name_is_used_twice_in_the_joined_script() -> None:
    declared = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", script(), re.MULTILINE)
    assert len(declared) == len(set(declared)), sorted(n for n in declared if declared.count(n) > 1)
    assert not re.search(r"^(?:import|export) ", script(), re.MULTILINE)


def test_the_document_cannot_leave_its_element() -> None:
    from viewer.page import assemble

    page = assemble({"title": "</script><!-- {script} \u2028 & <script>"})
    inside = page[page.index('id="profile">') + len('id="profile">') :]
    data = inside[: inside.index("</script>")]
    assert json.loads(data) == {"title": "</script><!-- {script} \u2028 & <script>"}
    assert "<" not in data
