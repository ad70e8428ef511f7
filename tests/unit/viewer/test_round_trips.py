"""What is written for other tools and read again is the same, as far as the format has a place for it."""

import gzip
import json
from types import SimpleNamespace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from profiler.errors import CaptureFormatError
from tests.unit.viewer.strategies import NAMES, TEXT, profiles
from viewer.calltree import self_weights, total_weights
from viewer.importers import recognise
from viewer.layout import layout_of
from viewer.load import load, merge_profiles
from viewer.protobuf import bytes_field, fields, number_field, packed, packed_field, signed, varint
from viewer.renderers import rendered, renderer
from viewer.renderers.collapsed import collapsed


def by_lane(profile):
    """Return (name, unit) → stack → weight of all lanes that hold anything."""
    lanes = {(lane.name, lane.unit): collapsed(profile, lane) for lane in profile.lanes}
    return {key: stacks for key, stacks in lanes.items() if stacks}


@settings(deadline=None)
@given(profiles())
def test_pprof(profile):
    again = load(rendered("pprof", profile), "x")
    assert by_lane(again) == by_lane(profile)
    assert all(not lane.ordered for lane in again.lanes)


@settings(deadline=None)
@given(profiles())
def test_pprof_is_the_same_bytes_when_it_is_written_again(profile):
    merged = merge_profiles([profile], "x")
    once = rendered("pprof", merged)
    assert rendered("pprof", merged) == once


@settings(deadline=None)
@given(profiles(names=st.just("main"), units=st.just("nanoseconds"), min_lanes=1))
def test_collapsed_stacks_are_the_same_text_when_they_are_written_again(profile):
    text = renderer("collapsed")(profile)
    assume(text)
    assert recognise(text.encode()).kind == "collapsed"
    again = load(text.encode(), "x")
    assert renderer("collapsed")(again) == text
    assert again.lanes[0].total == sum(weight for node, weight in profile.lanes[0].runs if node >= 0)


@settings(deadline=None)
@given(profiles())
def test_speedscope_through_pprof_and_back(profile):
    first = load(renderer("speedscope")(profile).encode(), "x")
    second = load(rendered("pprof", first), "x")
    third = load(renderer("speedscope")(second).encode(), "x")
    assert by_lane(third) == by_lane(profile)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, st.integers(0, 99999), st.floats(0, 1000)), min_size=1, max_size=5))
def test_a_pyinstrument_session_gives_back_its_stacks(frames):
    assume(
        all("\x00" not in text and "\x01" not in text for name, file, *_ in frames for text in (name, file))
    )
    assume(all(name != "[self]" for name, *_ in frames))
    stack = [
        "MainThread\x00<thread>\x001",
        *(f"{name}\x00{file}\x00{line}\x01l9" for name, file, line, _ in frames),
    ]
    records = [[stack[: depth + 2], seconds] for depth, (*_, seconds) in enumerate(frames)]
    profile = load(json.dumps({"frame_records": records}).encode(), "x")
    weights = [round(seconds * 1e9) for *_, seconds in frames]
    assert sum(lane.total for lane in profile.lanes) == sum(weights)
    if any(weights):
        (lane,) = profile.lanes
        assert (lane.name, lane.ordered) == ("MainThread", True)
        deepest = max(len(profile.table.stack(node)) for node, _ in lane.runs)
        assert deepest == max(depth + 1 for depth, weight in enumerate(weights) if weight)


# ---- protobuf ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(-(2**63), 2**64 - 1), st.integers(1, 2**29 - 1))
def test_a_number_there_and_back(value, number):
    data = number_field(number, value)
    assert list(fields(data)) == ([(number, value % 2**64)] if value else [])
    if value < 2**63:
        assert signed(value % 2**64) == value


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1)), st.binary(max_size=300))
def test_packed_numbers_and_bytes_there_and_back(values, data):
    ((_, first), (_, second)) = fields(packed_field(1, values) + bytes_field(2, data))
    assert packed(first) == values
    assert second == data
    assert [number for value in values for number in packed(value)] == values


@pytest.mark.parametrize("data", [b"\x80", b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\x00", b"\xff" * 12])
def test_a_number_that_does_not_end_or_fit_is_refused(data):
    with pytest.raises(CaptureFormatError):
        packed(data)
    with pytest.raises(CaptureFormatError):
        list(fields(b"\x08" + data))


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_as_short_as_it_can_be(value):
    assert len(varint(value)) == max(1, -(-value.bit_length() // 7))


# ---- layout --------------------------------------------------------------------------------------


def boxes_of(profile, lane, ordered):
    """Return a layout's boxes without the lane itself; the outermost have depth 0."""
    layout = layout_of(profile, lane, ordered=ordered)
    assert layout.total[0] == lane.total
    return [
        SimpleNamespace(
            depth=layout.depth[box] - 1,
            start=layout.start[box],
            total=layout.total[box],
            self_weight=layout.self_weight[box],
        )
        for box in range(1, len(layout))
    ]


@settings(deadline=None)
@given(profiles(min_lanes=1), st.booleans())
def test_boxes_nest_and_their_own_weights_add_up(profile, ordered):
    for lane in profile.lanes:
        boxes = boxes_of(profile, lane, ordered)
        assert sum(box.self_weight for box in boxes) == sum(w for node, w in lane.runs if node >= 0)
        above = []
        ends = {}  # depth → where the last box of it ended
        for box in boxes:
            assert box.total > 0
            assert box.depth <= len(above)
            del above[box.depth :]
            if above:
                assert above[-1].start <= box.start
                assert box.start + box.total <= above[-1].start + above[-1].total
            assert ends.get(box.depth, 0) <= box.start
            ends[box.depth] = box.start + box.total
            above.append(box)


@settings(deadline=None)
@given(profiles(min_lanes=1))
def test_merged_boxes_are_the_nodes_of_the_tree(profile):
    for lane in profile.lanes:
        totals = total_weights(profile.table, self_weights(profile.table, [lane]))
        boxes = boxes_of(profile, lane, False)
        assert sorted(box.total for box in boxes) == sorted(total for total in totals if total)


@settings(deadline=None)
@given(profiles(), TEXT)
def test_every_export_is_recognised_or_refused_and_never_mistaken(profile, name):
    for kind in ("speedscope", "pprof"):
        data = rendered(kind, profile)
        assert recognise(data).kind == kind
        assert recognise(gzip.compress(data) if kind != "pprof" else data).kind == kind
