"""What is written for other tools and read again is the same, as far as the format has a place for it."""

import gzip
import json

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.viewer.strategies import NAMES, TEXT, profiles
from viewer.calltree import self_weights, total_weights
from viewer.importers import recognise
from viewer.layout import boxes_of
from viewer.load import load, merge_profiles
from viewer.protobuf import bytes_field, fields, number_field, packed, packed_field, signed, varint
from viewer.renderers import binary_renderer, renderer
from viewer.renderers.collapsed import collapsed


def by_lane(profile):
    """Return (name, unit) → stack → weight of all lanes that hold anything."""
    lanes = {(lane.name, lane.unit): collapsed(profile, lane) for lane in profile.lanes}
    return {key: stacks for key, stacks in lanes.items() if stacks}


@given(profiles())
def test_pprof(profile):
    again = load(binary_renderer("pprof")(profile), "x")
    assert by_lane(again) == by_lane(profile)
    assert all(not lane.ordered for lane in again.lanes)


@given(profiles())
def test_pprof_is_the_same_bytes_when_it_is_written_again(profile):
    merged = merge_profiles([profile], "x")
    once = binary_renderer("pprof")(merged)
    assert binary_renderer("pprof")(merged) == once


@given(profiles(names=st.just("main"), units=st.just("nanoseconds"), min_lanes=1))
def test_collapsed_stacks_are_the_same_text_when_they_are_written_again(profile):
    text = renderer("collapsed")(profile)
    assume(text)
    assert recognise(text.encode()).kind == "collapsed"
    again = load(text.encode(), "x")
    assert renderer("collapsed")(again) == text
    assert again.lanes[0].total == sum(weight for node, weight in profile.lanes[0].runs if node >= 0)


@given(profiles())
def test_speedscope_through_pprof_and_back(profile):
    first = load(renderer("speedscope")(profile).encode(), "x")
    second = load(binary_renderer("pprof")(first), "x")
    third = load(renderer("speedscope")(second).encode(), "x")
    assert by_lane(third) == by_lane(profile)


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


@given(st.integers(-(2**63), 2**64 - 1), st.integers(1, 2**29 - 1))
def test_a_number_there_and_back(value, number):
    data = number_field(number, value)
    assert list(fields(data)) == ([(number, value % 2**64)] if value else [])
    if value < 2**63:
        assert signed(value % 2**64) == value


@given(st.lists(st.integers(0, 2**64 - 1)), st.binary(max_size=300))
def test_packed_numbers_and_bytes_there_and_back(values, data):
    ((_, first), (_, second)) = fields(packed_field(1, values) + bytes_field(2, data))
    assert packed(first) == values
    assert second == data
    assert [number for value in values for number in packed(value)] == values


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_as_short_as_it_can_be(value):
    assert len(varint(value)) == max(1, -(-value.bit_length() // 7))


# ---- layout --------------------------------------------------------------------------------------


@given(profiles(min_lanes=1), st.booleans())
def test_boxes_nest_and_their_own_weights_add_up(profile, ordered):
    for lane in profile.lanes:
        boxes = boxes_of(profile, lane, ordered=ordered)
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


@given(profiles(min_lanes=1))
def test_merged_boxes_are_the_nodes_of_the_tree(profile):
    for lane in profile.lanes:
        totals = total_weights(profile.table, self_weights(profile.table, [lane]))
        boxes = boxes_of(profile, lane, ordered=False)
        assert sorted(box.total for box in boxes) == sorted(total for total in totals if total)


@given(profiles(), TEXT)
def test_every_export_is_recognised_or_refused_and_never_mistaken(profile, name):
    for kind in ("speedscope", "pprof"):
        data = binary_renderer(kind)(profile) if kind == "pprof" else renderer(kind)(profile).encode()
        assert recognise(data).kind == kind
        assert recognise(gzip.compress(data) if kind != "pprof" else data).kind == kind
