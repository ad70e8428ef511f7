"""The passes: what is hidden, what is pruned, what is added up."""

import pytest

from profiler.capture import Frame
from tests.unit.viewer.builders import FRAMES, MILLISECOND, capture, thread
from viewer.calltree import call_tree
from viewer.load import profile_of
from viewer.processors import function_totals, hide_bootstrap, prune
from viewer.renderers.collapsed import collapsed

BOOTSTRAP = (
    Frame("Thread._bootstrap", "/usr/lib/python3.11/threading.py", 995),
    Frame("Thread._bootstrap_inner", "/usr/lib/python3.11/threading.py", 1038),
    Frame("Thread.run", "/usr/lib/python3.11/threading.py", 975),
)


def names(profile, lane):
    return {
        ".".join(frame.name for frame in stack): weight for stack, weight in collapsed(profile, lane).items()
    }


def totals(profile, lanes=None):
    return {
        row.frame.name: (row.self_weight // MILLISECOND, row.total_weight // MILLISECOND)
        for row in function_totals(profile, lanes or profile.lanes)
    }


def test_function_totals_of_a_plain_stack():
    assert totals(profile_of(capture())) == {"price": (250, 300), "handler": (100, 400), "parse": (50, 50)}


def test_a_recursion_counts_once_in_the_total():
    profile = profile_of(capture(threads=(thread(((0, 1, 1, 1), 30), ((0, 1), 10)),)))
    assert totals(profile)["price"] == (40, 40)


def test_a_mutual_recursion_counts_once_in_the_total():
    profile = profile_of(capture(threads=(thread(((0, 1, 2, 1, 2), 30), ((0, 2, 1), 10)),)))
    assert totals(profile) == {"parse": (30, 40), "price": (10, 40), "handler": (0, 40)}


def test_two_calls_side_by_side_both_count():
    profile = profile_of(capture(threads=(thread(((0, 2, 1), 30), ((0, 1), 10)),)))
    assert totals(profile)["price"] == (40, 40)


def test_lanes_are_added_up():
    threads = (thread(((0,), 10)), thread(((0, 1), 20), name="worker"))
    profile = profile_of(capture(threads=threads))
    assert totals(profile, profile.lanes[:1]) == {"handler": (10, 10)}
    assert totals(profile)["handler"] == (10, 30)


def test_bootstrap_frames_are_hidden_and_weights_are_kept():
    threads = (thread(((0,), 10)), thread(((3, 4, 5, 1), 20), ((3, 4, 5, 2), 5), name="worker"))
    profile = profile_of(capture(frames=FRAMES + BOOTSTRAP, threads=threads))
    hidden = hide_bootstrap(profile)
    assert names(hidden, hidden.lanes[1]) == {"price": 20 * MILLISECOND, "parse": 5 * MILLISECOND}
    assert names(hidden, hidden.lanes[0]) == {"handler": 10 * MILLISECOND}
    assert [lane.total for lane in hidden.lanes] == [lane.total for lane in profile.lanes]


def test_a_stack_of_nothing_but_bootstrap_keeps_its_last_frame():
    profile = profile_of(capture(frames=FRAMES + BOOTSTRAP, threads=(thread(((3, 4, 5), 20)),)))
    hidden = hide_bootstrap(profile)
    assert names(hidden, hidden.lanes[0]) == {"Thread.run": 20 * MILLISECOND}


def test_the_same_names_further_down_or_elsewhere_are_not_hidden():
    own_run = Frame("Thread.run", "/var/task/threading_tools.py", 3)
    frames = (*FRAMES, BOOTSTRAP[2], own_run)
    profile = profile_of(capture(frames=frames, threads=(thread(((0, 3), 20), ((4, 1), 10)),)))
    hidden = hide_bootstrap(profile)
    assert names(hidden, hidden.lanes[0]) == {
        "handler.Thread.run": 20 * MILLISECOND,
        "Thread.run.price": 10 * MILLISECOND,
    }


def test_the_names_of_python_3_10_are_known_too():
    frames = tuple(Frame(frame.name.removeprefix("Thread."), frame.file, frame.line) for frame in BOOTSTRAP)
    profile = profile_of(capture(frames=FRAMES + frames, threads=(thread(((3, 4, 5, 1), 20)),)))
    hidden = hide_bootstrap(profile)
    assert names(hidden, hidden.lanes[0]) == {"price": 20 * MILLISECOND}


@pytest.mark.parametrize(("share", "kept"), [(0.0, 3), (0.2, 2), (0.9, 1)])
def test_prune_keeps_what_is_large_enough_and_counts_the_rest(share, kept):
    profile = profile_of(capture())
    root = call_tree(profile, profile.lanes)
    pruned = prune(root, share)
    assert sum(node.frame is not None for node in pruned.walk()) == kept
    assert sum(node.hidden for node in pruned.walk()) == (0 if kept == 3 else 1)
    assert sum(node.frame is not None for node in root.walk()) == 3, "the pass changed its input"
