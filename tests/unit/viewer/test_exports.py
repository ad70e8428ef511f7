"""What is written for other tools: the numbers in it, and names that could do harm."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings

from profiler.capture import CallEdge, Frame
from tests.unit.viewer.builders import FRAMES, MILLISECOND, capture, memory, thread
from tests.unit.viewer.samples import plain_profile
from tests.unit.viewer.strategies import profiles
from viewer.load import LIVE_MEMORY, merge, profile_of
from viewer.measures import measures_of
from viewer.picture.letters import fitted, width_of
from viewer.picture.panel import MAX_ROWS
from viewer.profile import Lane, Profile, StackTable
from viewer.renderers import renderer
from viewer.renderers.collapsed import collapsed
from viewer.renderers.svg import THEMES, render

NASTY = "</title><script>alert(1)</script>&'\"\x1b[2J\u202e\x00;]]>"


def nasty():
    frames = (Frame(NASTY, NASTY, 3),)
    return profile_of(
        capture(frames=frames, threads=(thread(((0, 0), 5), name=NASTY),), of={"function_name": NASTY})
    )


# ---- measures ------------------------------------------------------------------------------------


def test_time_adds_up_and_each_kind_of_memory_is_a_measure_of_its_own():
    measures = measures_of(plain_profile())
    assert [(measure.name, measure.unit, len(measure.lanes)) for measure in measures] == [
        ("time", "nanoseconds", 2),
        ("retained_space", "bytes", 1),
        ("inuse_space", "bytes", 1),
    ]


def test_measures_are_words_and_no_two_are_the_same():
    lanes = [Lane(name, "bytes", [(-1, 1)]) for name in ("a b", "a-b", "7", "§", LIVE_MEMORY)]
    names = [measure.name for measure in measures_of(Profile("x", [], StackTable(), lanes))]
    assert names == ["a_b", "a_b_2", "weight_7", "weight", "inuse_space"]


# ---- chrome --------------------------------------------------------------------------------------


def test_chrome_events_are_the_calls_in_time_order():
    threads = (thread(((0,), 1), ((0, 1), 2), ((), 1), ((0, 1), 3)),)
    document = json.loads(renderer("chrome")(profile_of(capture(threads=threads, memory=memory()))))
    calls = [event for event in document["traceEvents"] if event["ph"] == "X"]
    assert [(event["name"], event["ts"], event["dur"]) for event in calls] == [
        ("handler", 0, 3000),
        ("price", 1000, 2000),
        ("handler", 4000, 3000),
        ("price", 4000, 3000),
    ]
    assert calls[0]["args"] == {"location": "/var/task/app.py:12"}
    tracks = [event["args"]["name"] for event in document["traceEvents"] if event["name"] == "thread_name"]
    assert tracks == ["MainThread"]


@settings(deadline=None)
@given(profiles())
def test_chrome_events_take_as_long_as_the_samples(profile):
    events = json.loads(renderer("chrome")(profile))["traceEvents"]
    lanes = [lane for lane in profile.lanes if lane.unit == "nanoseconds"]
    for number, lane in enumerate(lanes, 1):
        end = 0.0
        roots = 0.0
        for event in events:
            if event["ph"] == "X" and event["tid"] == number and event["ts"] >= end - 1e-6:
                end = event["ts"] + event["dur"]
                roots += event["dur"]
        expected = sum(weight for node, weight in lane.runs if node >= 0)
        assert roots * 1000 == pytest.approx(expected, rel=1e-6, abs=2)


def test_a_merged_track_says_that_it_is_in_no_order():
    document = json.loads(renderer("chrome")(merge([capture(1), capture(2)])))
    assert document["traceEvents"][1]["args"]["name"] == "MainThread (merged: not in time order)"


# ---- firefox -------------------------------------------------------------------------------------


def column_lengths(table):
    return {len(value) for value in table.values() if isinstance(value, list)} | {table["length"]}


@settings(deadline=None)
@given(profiles())
def test_firefox_tables_hold_together_and_give_back_every_stack(profile):
    document = json.loads(renderer("firefox")(profile))
    assert len(document["threads"]) == len(profile.lanes)
    for lane, made in zip(profile.lanes, document["threads"], strict=True):
        stacks, frames, functions, strings = (
            made[name] for name in ("stackTable", "frameTable", "funcTable", "stringArray")
        )
        for name, table in made.items():
            if isinstance(table, dict):
                assert len(column_lengths(table)) == 1, name
        factor = 1_000_000 if lane.unit == "nanoseconds" else 1
        sums = {}
        for stack, weight in zip(made["samples"]["stack"], made["samples"]["weight"], strict=True):
            path = []
            at = stack
            while at is not None:
                function = frames["func"][stacks["frame"][at]]
                file = functions["fileName"][function]
                path.append((strings[functions["name"][function]], "" if file is None else strings[file]))
                assert stacks["prefix"][at] is None or stacks["prefix"][at] < at
                at = stacks["prefix"][at]
            key = tuple(reversed(path))
            sums[key] = sums.get(key, 0) + weight * factor
        expected = {}
        for stack, weight in collapsed(profile, lane).items():
            key = tuple((frame.name, frame.file) for frame in stack)
            expected[key] = expected.get(key, 0) + weight
        assert sums == pytest.approx(expected)


def test_firefox_threads_keep_time_and_say_what_memory_is():
    document = json.loads(renderer("firefox")(plain_profile()))
    first, _, retained, _ = document["threads"]
    assert (first["name"], first["isMainThread"]) == ("MainThread", True)
    assert first["samples"]["time"] == [0, 100, 300, 303, 353]
    assert first["samples"]["weight"] == [100, 200, 3, 50, 50]
    assert (first["samples"]["weightType"], retained["samples"]["weightType"]) == ("tracing-ms", "bytes")
    assert document["meta"]["categories"][first["frameTable"]["category"][0]]["name"] == "Own code"


# ---- callgrind -----------------------------------------------------------------------------------


def callgrind(profile):
    """Return (name → own costs, (caller, callee) → (calls, costs)) of a callgrind file."""
    names, selves, calls = {}, {}, {}
    function = callee = count = None
    for line in renderer("callgrind")(profile).splitlines():
        if match := re.fullmatch(r"(c?)fn=\((\d+)\)(?: (.+))?", line):
            name = names.setdefault(match[2], match[3])
            function, callee = (function, name) if match[1] else (name, None)
        elif match := re.fullmatch(r"calls=(\d+) \d+", line):
            count = int(match[1])
        elif match := re.fullmatch(r"\d+ ([\d ]+)", line):
            costs = [int(number) for number in match[1].split()]
            if callee is None:
                selves[function] = costs
            else:
                calls[function, callee] = (count, costs)
    return selves, calls


def test_sampled_stacks_add_up_to_a_call_graph():
    threads = (thread(((0, 1), 2), ((0, 1, 1, 2), 3), ((0, 2), 4)),)
    selves, calls = callgrind(profile_of(capture(threads=threads)))
    assert selves == {"price": [2 * MILLISECOND], "parse": [7 * MILLISECOND], "handler": [0]}
    assert calls == {
        ("handler", "price"): (1, [5 * MILLISECOND]),
        ("handler", "parse"): (1, [4 * MILLISECOND]),
        ("price", "price"): (1, [3 * MILLISECOND]),
        ("price", "parse"): (1, [3 * MILLISECOND]),
    }


def test_a_tracing_engines_graph_is_written_as_it_is():
    edges = (CallEdge(None, 0, 1, 10, 100), CallEdge(0, 1, 5, 60, 90), CallEdge(1, 2, 7, 30, 30))
    selves, calls = callgrind(profile_of(capture(threads=(thread(),), call_graph=edges)))
    assert selves == {"handler": [10], "price": [60], "parse": [30]}
    assert calls == {("handler", "price"): (5, [90]), ("price", "parse"): (7, [30])}


def test_functions_of_one_name_in_one_file_are_kept_apart_by_their_lines():
    frames = (Frame("<lambda>", "a.py", 1), Frame("<lambda>", "a.py", 9))
    selves, _ = callgrind(profile_of(capture(frames=frames, threads=(thread(((0,), 1), ((1,), 2)),))))
    assert selves == {"<lambda>:1": [MILLISECOND], "<lambda>:9": [2 * MILLISECOND]}


def test_every_kind_of_memory_is_an_event():
    text = renderer("callgrind")(plain_profile())
    assert "events: time retained_space inuse_space\n" in text
    assert "summary: 415000000 1000 8500\n" in text


# ---- svg -----------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_has_every_lane_and_says_what_a_box_is():
    root = ElementTree.fromstring(renderer("svg")(plain_profile()))
    texts = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    assert any(text.startswith("MainThread") and "403 ms" in text for text in texts)
    assert any(text.startswith("worker-1") for text in texts)
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert "price · app.py:30 · 300 ms · 74.4% · self 250 ms" in titles


def test_a_picture_obeys_no_name_in_it():
    text = renderer("svg")(nasty())
    root = ElementTree.fromstring(text)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "style", "rect", "text", "tspan", "g", "path",
    }  # fmt: skip
    assert not {"\x1b", "\u202e", "\x00"} & set(text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@settings(deadline=None)
@given(profiles())
def test_any_picture_is_well_formed(profile):
    for theme in THEMES:
        ElementTree.fromstring(render(profile, ordered=theme == "dark", theme=theme))


def test_a_theme_is_the_systems_or_the_one_that_is_asked_for():
    profile = plain_profile()
    assert "prefers-color-scheme: dark" in render(profile)
    light, dark = (render(profile, theme=theme) for theme in ("light", "dark"))
    assert "prefers-color-scheme" not in light + dark
    assert "#fbfbfc" in light
    assert "#12151b" in dark


def test_time_order_has_an_axis():
    profile = plain_profile()
    assert ">150 ms</text>" not in render(profile)
    assert ">150 ms</text>" in render(profile, ordered=True)


def test_what_is_too_deep_or_too_much_is_counted():
    deep = profile_of(capture(threads=(thread(((0,) * 1000, 1)),)))
    text = render(deep)
    assert f"{1000 - MAX_ROWS} deeper calls are not shown" in text
    many = profile_of(capture(threads=tuple(thread(((0,), 1), name=f"t{n}") for n in range(20))))
    assert "and 12 lanes more" in render(many)


def test_what_is_thinner_than_a_pixel_is_drawn_together():
    threads = (thread(((0,), 10**6), *(((number % 3, 1), 1) for number in range(3000))),)
    assert len(render(profile_of(capture(frames=FRAMES, threads=threads)), ordered=True)) < 20_000


def test_an_empty_profile_is_a_picture_that_says_so():
    assert "No samples" in render(profile_of(capture(threads=())))


@pytest.mark.parametrize("text", ["handler", "i" * 80, "W" * 80, "漢字" * 30, ""])
@pytest.mark.parametrize("width", [0, 5, 20, 60, 200, 5000])
def test_text_is_cut_to_its_width(text, width):
    shown = fitted(text, width, 12)
    assert shown == text or not shown or shown.endswith("…")
    assert width_of(shown, 12) <= width or not shown


# ---- collapsed -----------------------------------------------------------------------------------


def test_collapsed_stacks_move_no_cursor():
    assert not {"\x1b", "\u202e", "\x00"} & set(renderer("collapsed")(nasty()))
