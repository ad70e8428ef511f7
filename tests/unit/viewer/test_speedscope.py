"""Plain speedscope files: what is read, what is refused, and that writing gives back what was read."""

import contextlib
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.capture import Frame
from profiler.errors import CaptureFormatError
from tests.unit.viewer.builders import capture, memory
from viewer.importers.speedscope import MAX_DEPTH
from viewer.load import ProfileBuilder, load, profile_of
from viewer.profile import Lane, Profile
from viewer.renderers import renderer
from viewer.renderers.collapsed import collapsed

FRAMES = [{"name": "a", "file": "a.py", "line": 1}, {"name": "b"}]


def read(*profiles, frames=FRAMES, **top):
    document = {"shared": {"frames": frames}, "profiles": list(profiles), **top}
    return load(json.dumps(document).encode(), "file.json")


def sampled(samples, weights, unit="milliseconds", **more):
    return {"type": "sampled", "name": "main", "unit": unit, "samples": samples, "weights": weights, **more}


def evented(*events, unit="milliseconds"):
    return {
        "type": "evented",
        "name": "main",
        "unit": unit,
        "events": [{"type": kind, "frame": frame, "at": at} for kind, frame, at in events],
    }


def names(profile, number=0):
    stacks = collapsed(profile, profile.lanes[number])
    return {".".join(frame.name for frame in stack): weight for stack, weight in stacks.items()}


@pytest.mark.parametrize(
    ("unit", "own", "factor"),
    [
        ("none", "none", 1),
        ("nanoseconds", "nanoseconds", 1),
        ("microseconds", "nanoseconds", 10**3),
        ("milliseconds", "nanoseconds", 10**6),
        ("seconds", "nanoseconds", 10**9),
        ("bytes", "bytes", 1),
    ],
)
def test_units(unit, own, factor):
    profile = read(sampled([[0, 1]], [3], unit))
    assert profile.lanes[0].unit == own
    assert names(profile) == {"a.b": 3 * factor}


def test_a_fraction_of_a_second_is_whole_nanoseconds():
    assert names(read(sampled([[0]], [0.1234567894], "seconds"))) == {"a": 123456789}


def test_events_give_the_time_between_them_to_what_was_open():
    profile = read(evented(("O", 0, 0), ("O", 1, 2), ("C", 1, 5), ("C", 0, 6)))
    assert [weight // 10**6 for _, weight in profile.lanes[0].runs] == [2, 3, 1]
    assert names(profile) == {"a": 3 * 10**6, "a.b": 3 * 10**6}


def test_a_gap_between_events_is_the_empty_stack():
    profile = read(evented(("O", 0, 10), ("C", 0, 11), ("O", 0, 15), ("C", 0, 16)))
    assert [(node, weight // 10**6) for node, weight in profile.lanes[0].runs] == [(0, 1), (-1, 4), (0, 1)]


def test_gzip_is_found_by_content_and_the_files_name_fills_in_for_a_missing_one():
    data = gzip.compress(json.dumps({"shared": {"frames": []}, "profiles": []}).encode())
    assert load(data, "x.json").title == "x.json"
    assert read(name="mine", exporter="py-spy").facts == {"File": "file.json", "Written by": "py-spy"}


def test_several_profiles_are_several_lanes():
    profile = read(sampled([[0]], [1]), sampled([[0]], [7], "bytes"))
    assert [(lane.unit, lane.ordered) for lane in profile.lanes] == [("nanoseconds", True), ("bytes", False)]


DEEP = [0] * (MAX_DEPTH + 1)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (sampled([[2]], [1]), "no frame"),
        (sampled([[-1]], [1]), "no frame"),
        (sampled([[0.0]], [1]), "no frame"),
        (sampled([[True]], [1]), "no frame"),
        (sampled([["a"]], [1]), "no frame"),
        (sampled([0], [1]), "not a list"),
        (sampled([[0]], []), "1 samples and 0 weights"),
        (sampled([[0]], [-1]), "negative"),
        (sampled([[0]], [float("nan")]), "out of range"),
        (sampled([[0]], [float("inf")]), "out of range"),
        (sampled([[0]], [10**400]), "out of range"),
        (sampled([[0]], [None]), "not a number"),
        (sampled([[0]], ["1"]), "not a number"),
        (sampled([[0]], [1e17], "seconds"), "counted exactly"),
        (sampled([DEEP], [1]), "deeper"),
        (sampled([[0]], [1], "fortnights"), "unit"),
        (sampled([[0]], [1]) | {"type": "guessed"}, "type"),
        (sampled([[0]], [1]) | {"name": 5}, "not text"),
        (evented(("O", 0, 0)), "still open"),
        (evented(("C", 0, 0)), "not the one open last"),
        (evented(("O", 0, 0), ("O", 1, 1), ("C", 0, 2)), "not the one open last"),
        (evented(("O", 0, 5), ("C", 0, 4)), "back in time"),
        (evented(("O", 0, 0), ("X", 0, 1)), "not O or C"),
        (evented(("O", 7, 0)), "no frame"),
        (evented(("O", 0, float("nan"))), "out of range"),
        (evented(*[("O", 0, 0)] * (MAX_DEPTH + 1)), "deeper"),
        (evented() | {"events": [7]}, "not an object"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(profile, message):
    with pytest.raises(CaptureFormatError, match=message) as caught:
        read(profile)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "document",
    [
        {"shared": {"frames": [{"file": 3}]}, "profiles": []},
        {"shared": [], "profiles": []},
        {"shared": {"frames": {}}, "profiles": []},
        {"shared": {"frames": []}, "profiles": {}},
        {"shared": {"frames": []}, "profiles": [[]]},
        {"profiles": "x"},
    ],
)
def test_a_document_of_another_shape_is_refused(document):
    with pytest.raises(CaptureFormatError):
        load(json.dumps(document).encode(), "x")


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)
)
def test_fuzzed_values_are_read_or_refused(value):
    for key in ("samples", "weights", "unit", "name", "type"):
        with contextlib.suppress(CaptureFormatError):
            read(sampled([[0]], [1]) | {key: value})


# ---- there and back ----------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
STACKS = st.lists(st.integers(0, 3), max_size=6)
LANES = st.lists(
    st.tuples(
        TEXT.filter(bool),
        st.sampled_from(["nanoseconds", "bytes", "none"]),
        st.lists(st.tuples(STACKS, st.integers(1, 10**12)), max_size=8),
    ),
    max_size=3,
)
FOUR_FRAMES = st.lists(st.builds(Frame, TEXT, TEXT, st.integers(0, 10**6)), min_size=4, max_size=4)


@given(FOUR_FRAMES, LANES, TEXT.filter(bool))
def test_writing_and_reading_give_the_same_stacks(frames, lanes, title):
    builder = ProfileBuilder()
    stacks = builder.stacks(frames)
    made = [
        Lane(name, unit, list(stacks.runs((tuple(stack), weight) for stack, weight in runs)))
        for name, unit, runs in lanes
    ]
    first = Profile(title, builder.frames, builder.table, made)
    again = load(renderer("speedscope")(first).encode(), "x")
    assert again.title == first.title
    assert [(lane.name, lane.unit) for lane in again.lanes] == [
        (lane.name, lane.unit) for lane in first.lanes
    ]
    for left, right in zip(first.lanes, again.lanes, strict=True):
        assert collapsed(first, left) == collapsed(again, right)
        assert [weight for _, weight in left.runs] == [weight for _, weight in right.runs]


def test_a_captures_export_is_a_plain_file_that_reads_the_same():
    first = profile_of(capture(memory=memory()))
    text = renderer("speedscope")(first)
    assert "capture" not in json.loads(text)
    again = load(text.encode(), "x")
    for left, right in zip(first.lanes, again.lanes, strict=True):
        assert collapsed(first, left) == collapsed(again, right)
