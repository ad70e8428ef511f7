"""The same findings as Markdown and as a page: nothing in a name is more than a name."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from profiler.capture import Frame, ProcessMemory
from tests.unit.leaks.builders import FRAMES, MEGABYTE, capture, container
from tests.unit.viewer.builders import fill
from viewer.cli import main
from viewer.leaks import judge
from viewer.leaks.advice import _RULES, Clues, advise
from viewer.leaks.reports import chart, markdown, page, words

HOUR_NS = 3_600 * 10**9


def leaking(path="app.PRICES", environments=("env-a",), count=40, **changes):
    return [
        capture(
            n,
            [container(5 * n, path, bytes=2350 * n, filled_at=(1,), **changes)],
            of={"environment_id": name, "started_at_ns": (number * 1000 + n) * HOUR_NS // 100},
            process=ProcessMemory(rss_bytes=100 * MEGABYTE + 2350 * n, blocks=90_000),
        )
        for number, name in enumerate(environments)
        for n in range(1, count + 1)
    ]


def finding_of(*args, **kwargs):
    [finding] = judge(leaking(*args, **kwargs)).findings
    return finding


def drawing(text):
    return ET.fromstring(text)


def lines(root, name):
    return [
        tuple(float(line.get(key)) for key in ("x1", "y1", "x2", "y2"))
        for line in root.iter("line")
        if line.get("class") == name
    ]


def corners(root, name):
    [line] = [line for line in root.iter("polyline") if line.get("class") == name]
    return [tuple(map(float, corner.split(","))) for corner in line.get("points").split()]


def test_the_fitted_line_runs_through_steady_growth():
    root = drawing(chart.growth(finding_of()))
    [fit] = lines(root, "fit")
    points = corners(root, "series")
    assert (fit[:2], fit[2:]) == (points[0], points[-1])


def test_each_environment_begins_with_its_cold_start():
    root = drawing(chart.growth(finding_of(environments=("env-a", "env-b", "env-c"))))
    assert len(lines(root, "cold")) == 3
    assert len(lines(root, "fit")) == 1
    curves = [line for line in root.iter("polyline") if line.get("class") == "series"]
    assert len(curves) == 3


def test_the_forecast_ends_at_the_limit():
    finding = finding_of()
    root = drawing(chart.forecast(finding))
    [limit], [forecast] = lines(root, "limit"), lines(root, "forecast")
    assert forecast[3] == limit[1] == limit[3]
    labels = [text.text for text in root.iter("text")]
    assert "limit 256 MB" in labels
    assert f"about {words.rounded(40 + finding.invocations_left):,}" in labels


def test_no_limit_no_forecast():
    finding = replace(finding_of(), limit_bytes=None, invocations_left=None)
    assert chart.forecast(finding) == ""
    assert words.until_the_limit(finding) == ""


def test_hours_follow_the_rate_of_the_environment():
    finding = finding_of()
    assert finding.hours_left == pytest.approx(finding.invocations_left / 100)
    assert re.search(
        r"about 70,000 more invocations \(29 days at the present rate\)", words.sentence(finding)
    )


def test_a_clock_that_went_back_gives_no_hours():
    captures = leaking()
    captures = [
        replace(one, invocation=replace(one.invocation, started_at_ns=10**18 - one.invocation.sequence))
        for one in captures
    ]
    [finding] = judge(captures).findings
    assert finding.hours_left is None
    assert "present rate" not in words.sentence(finding)


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0.001, "1 min"),
        (0.5, "30 min"),
        (1.2, "1 h"),
        (47, "47 h"),
        (100, "4 days"),
        (1e5, "more than a year"),
    ],
)
def test_hours_in_words(hours, text):
    assert words.hours(hours) == text


@pytest.mark.parametrize(
    ("low", "high", "by_1024", "expected"),
    [
        (0, 100, False, [0, 50, 100]),
        (0, 3, False, [0, 1, 2, 3]),
        (95, 105, False, [95, 100, 105]),
        (0, 100 * MEGABYTE, True, [0, 50 * MEGABYTE, 100 * MEGABYTE]),
        (7, 7, False, [7]),
    ],
)
def test_ticks_are_round(low, high, by_1024, expected):
    assert chart.ticks(low, high, by_1024=by_1024) == expected


@pytest.mark.parametrize("path", ["app.<script>alert(1)</script>", 'app."><img>', "app.\x1b[2J", "a|b`c``d"])
def test_a_name_is_only_a_name(path):
    report = judge(leaking(path))
    html = page.render(report)
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        drawing(svg)
    row = next(line for line in markdown.render(report).splitlines() if line.startswith("| `"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 7
    assert "\x1b" not in row


def test_the_page_says_what_the_terminal_says():
    report = judge(leaking())
    html = page.render(report)
    for text in ("app.PRICES", "5.0 entries (2.29 KB)", "app.py:7 in lookup", "it has no bound: give it one"):
        assert text in html
    assert html.count("<svg") == 2
    assert "http" not in html.replace("http-equiv", "")


def test_markdown_of_nothing_found():
    text = markdown.render(judge([capture(n, [container(7)]) for n in range(1, 41)]))
    assert text.startswith("### 🟢 No leak in 39 warm invocations")
    assert "|---|" not in text


def test_the_commands_options(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "profiles", leaking())
    assert main(["leaks", "--markdown", "--html", "report.html"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("### 🔴 1 leak in 39 warm invocations")
    assert "report.html" in err
    assert "<svg" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert main(["leaks", "--html", "report.html"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["leaks", "--html", "report.html", "--force"]) == 1


# ---- advice --------------------------------------------------------------------------------------


def rule(**changes):
    clues = {"kind": "container", "subject": "app.X", "type": "dict", "bound": None, "frames": ()}
    return advise(Clues(**clues | changes)).rule


def frame(name="f", file="/var/task/app.py"):
    return Frame(name, file, 3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "unbounded-container"),
        ({"bound": 10**9}, "bound-beyond-the-memory"),
        ({"type": "lru_cache", "frames": (frame("get"),)}, "cache-without-maxsize"),
        ({"type": "lru_cache", "frames": (frame("Store.get"),)}, "cache-on-a-method"),
        ({"type": "lru_cache", "frames": (frame("make.<locals>.get"),)}, "cache-without-maxsize"),
        ({"subject": "app.f(seen=)"}, "mutable-default"),
        ({"subject": "app.f(seen=)[]"}, "mutable-default"),
        ({"subject": "app.make<memo>"}, "closure"),
        ({"subject": "app.bus.callbacks"}, "callbacks"),
        ({"subject": "app.ERRORS"}, "kept-exceptions"),
        ({"subject": "app.TERRORS"}, "unbounded-container"),
        (
            {"kind": "allocation site", "frames": (frame(file="/opt/python/botocore/client.py"),)},
            "client-per-invocation",
        ),
        ({"kind": "allocation site", "frames": (frame(),)}, "held-by-nothing-known"),
        ({"kind": "process"}, "outside-the-python-heap"),
    ],
)
def test_the_advice_fits(changes, expected):
    assert rule(**changes) == expected


def test_every_rule_is_explained():
    import pathlib

    text = (pathlib.Path(__file__).parents[3] / "docs" / "leaks.md").read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    assert {name for name, _, _ in _RULES} <= headings


def test_lines_of_the_code_are_named():
    assert words.lines(replace(finding_of(), filled_at=(FRAMES[1],))) == "app.py:7 in lookup"
