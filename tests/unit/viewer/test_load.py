"""From captures to profiles, alone and merged."""

import pytest

from profiler.capture import CallEdge
from profiler.codec import MEMORY_PROFILE, encode
from profiler.errors import CaptureFormatError
from tests.unit.viewer.builders import FRAMES, MILLISECOND, capture, memory, thread
from viewer.load import LIVE_MEMORY, load, merge, merge_profiles, normalised, profile_of
from viewer.renderers.collapsed import collapsed


def names(profile, lane):
    return {
        ".".join(frame.name for frame in stack): weight for stack, weight in collapsed(profile, lane).items()
    }


def test_each_thread_is_a_lane_in_time_order_the_handlers_first():
    threads = (thread(((0,), 10), ((1,), 5), ((0,), 7)), thread(((2,), 22), name="worker"))
    profile = profile_of(capture(threads=threads))
    assert [(lane.name, lane.unit, lane.ordered) for lane in profile.lanes] == [
        ("MainThread", "nanoseconds", True),
        ("worker", "nanoseconds", True),
    ]
    assert [weight // MILLISECOND for _, weight in profile.lanes[0].runs] == [10, 5, 7]


def test_memory_has_a_lane_of_what_grew_and_one_of_what_lives():
    profile = profile_of(capture(memory=memory(growth_bytes=1000)))
    lanes = {lane.name: lane for lane in profile.lanes}
    assert names(profile, lanes[MEMORY_PROFILE]) == {"handler.price": 1000}
    assert names(profile, lanes[LIVE_MEMORY]) == {"handler.price": 8000, "parse": 500}
    assert {lanes[MEMORY_PROFILE].unit, lanes[LIVE_MEMORY].unit} == {"bytes"}


def test_frames_that_are_the_same_are_stored_once():
    profile = profile_of(capture(frames=FRAMES + FRAMES, threads=(thread(((0, 1), 10), ((3, 4), 5)),)))
    assert len(profile.frames) == 3
    assert len(profile.table) == 2


def test_facts_say_what_is_known_and_leave_out_the_rest():
    facts = profile_of(capture(1, outcome="timeout", complete=False, notes=("a", "b"))).facts
    assert facts["Function"] == "checkout"
    assert facts["Invocation"] == "number 1 of its environment, cold"
    assert facts["Started"] == "2026-01-02 03:04:06.000Z"
    assert facts["Outcome"] == "timeout, the capture is partial"
    assert facts["Engine"] == "sampler, wall clock, every 1 ms"
    assert facts["Notes"] == "a; b"
    assert "Region" not in facts


def test_merging_adds_the_handlers_threads_whatever_they_are_called():
    one = capture(1, threads=(thread(((0, 1), 10), name="MainThread"),))
    other = capture(2, threads=(thread(((0, 1), 5), ((0,), 1), name="Thread-9"),))
    profile = merge([one, other])
    assert [lane.name for lane in profile.lanes] == ["MainThread"]
    assert names(profile, profile.lanes[0]) == {"handler.price": 15 * MILLISECOND, "handler": MILLISECOND}
    assert not profile.lanes[0].ordered


def test_merging_joins_workers_by_name_without_their_numbers():
    def one(sequence, *workers):
        return capture(
            sequence, threads=(thread(((0,), 1)), *(thread(((1,), 10), name=name) for name in workers))
        )

    profile = merge([one(1, "pool-0_1", "pool-0_2"), one(2, "pool-3_0")])
    assert [(lane.name, lane.total // MILLISECOND) for lane in profile.lanes] == [
        ("MainThread", 2),
        ("pool-*_*", 30),
    ]


def test_merging_maps_each_captures_own_frame_numbers():
    other = capture(2, frames=FRAMES[::-1], threads=(thread(((2, 1), 5)),))
    profile = merge([capture(1, threads=(thread(((0, 1), 10)),)), other])
    assert names(profile, profile.lanes[0]) == {"handler.price": 15 * MILLISECOND}


def test_merging_adds_what_was_retained_but_takes_live_memory_from_the_newest():
    profile = merge(
        [capture(2, memory=memory(growth_bytes=700)), capture(1, memory=memory(growth_bytes=300))]
    )
    lanes = {lane.name: lane for lane in profile.lanes}
    assert lanes[MEMORY_PROFILE].total == 1000
    assert lanes[LIVE_MEMORY].total == 8500


def test_merging_is_the_same_as_loading_where_there_is_one():
    one = capture(memory=memory())
    merged, single = merge([one]), profile_of(one)
    for left, right in zip(merged.lanes, single.lanes, strict=True):
        assert collapsed(merged, left) == collapsed(single, right)


def test_merging_reads_one_capture_at_a_time():
    alive = []

    def captures():
        for sequence in range(1, 6):
            alive.append(sequence)
            yield capture(sequence)

    assert merge(captures()).facts["Captures"] == "5"
    assert alive == [1, 2, 3, 4, 5]


def test_merging_nothing_is_an_error():
    with pytest.raises(ValueError, match="nothing"):
        merge([])


def test_a_call_graph_without_samples_gives_stacks_that_are_marked_as_guessed():
    edges = (CallEdge(None, 0, 1, 10, 100), CallEdge(0, 1, 2, 60, 90), CallEdge(1, 2, 5, 30, 30))
    for profile in (
        profile_of(capture(threads=(), call_graph=edges)),
        merge([capture(threads=(), call_graph=edges)]),
    ):
        assert profile.approximate
        assert names(profile, profile.lanes[0]) == {
            "handler": 10,
            "handler.price": 60,
            "handler.price.parse": 30,
        }


def test_load_takes_a_capture_and_a_plain_file_and_nothing_else():
    assert load(encode(capture()), "x").facts["Function"] == "checkout"
    plain = b'{"shared": {"frames": []}, "profiles": []}'
    assert load(plain, "plain.json").title == "plain.json"
    with pytest.raises(CaptureFormatError, match="neither"):
        load(b"{}", "x")


def test_profiles_of_several_files_are_joined_by_name_and_unit():
    profiles = [profile_of(capture(1)), profile_of(capture(2, memory=memory()))]
    merged = merge_profiles(profiles, "two")
    assert [lane.name for lane in merged.lanes] == ["MainThread", MEMORY_PROFILE, LIVE_MEMORY]
    assert merged.lanes[0].total == 800 * MILLISECOND


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Thread-12 (work)", "Thread-* (work)"),
        ("ThreadPoolExecutor-0_3", "ThreadPoolExecutor-*_*"),
        ("worker7", "worker*"),
        ("MainThread", "MainThread"),
        ("utf8-reader", "utf8-reader"),
    ],
)
def test_normalised_names(name, expected):
    assert normalised(name) == expected
