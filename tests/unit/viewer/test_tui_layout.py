"""Boxes in a terminal: layouts, the views of a lane, and what a row of columns shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.capture import Frame
from viewer.profile import Lane, Profile, StackTable
from viewer.tui.layout import matched_weight, next_match
from viewer.tui.pieces import Window, column_of, neighbour, piece_at, pieces
from viewer.tui.views import callees, callers, in_time_order, inverted, merged

NAMES = "abcdef"


def profile_of(*runs, ordered=True):
    """Return a profile of (stack, weight) runs; a stack is a word, a letter a frame."""
    table = StackTable()
    lane = Lane(
        "MainThread",
        "nanoseconds",
        [(table.add(NAMES.index(letter) for letter in stack), weight) for stack, weight in runs],
        ordered,
    )
    return Profile("t", [Frame(name, "app.py", 1) for name in NAMES], table, [lane])


def drawn(layout):
    """Return each box as (name, depth, start, total, self)."""
    return [
        ("-" if frame < 0 else NAMES[frame], depth, start, total, own)
        for frame, depth, start, total, own in zip(
            layout.frame, layout.depth, layout.start, layout.total, layout.self_weight, strict=True
        )
    ]


PROFILE = profile_of(("ab", 10), ("ac", 30), ("ab", 20), ("", 5))
[LANE] = PROFILE.lanes


def test_time_order_keeps_what_stays_as_one_box():
    assert drawn(in_time_order(PROFILE, LANE)) == [
        ("-", 0, 0, 65, 5),
        ("a", 1, 0, 60, 0),
        ("b", 2, 0, 10, 10),
        ("c", 2, 10, 30, 30),
        ("b", 2, 40, 20, 20),
    ]


def test_merged_puts_the_largest_first():
    assert drawn(merged(PROFILE, LANE)) == [
        ("-", 0, 0, 65, 5),
        ("a", 1, 0, 60, 0),
        ("b", 2, 0, 30, 30),
        ("c", 2, 30, 30, 30),
    ]


def test_inverted_begins_at_the_leaves():
    profile = profile_of(("ab", 10), ("acb", 30), ("c", 5))
    assert drawn(inverted(profile, profile.lanes[0])) == [
        ("-", 0, 0, 45, 0),
        ("b", 1, 0, 40, 0),
        ("c", 2, 0, 30, 0),
        ("a", 3, 0, 30, 30),
        ("a", 2, 30, 10, 10),
        ("c", 1, 40, 5, 5),
    ]


def test_callers_and_callees_begin_at_the_outermost_call():
    profile = profile_of(("abcb", 10), ("dbc", 20), ("de", 100))
    lane, b = profile.lanes[0], NAMES.index("b")
    assert drawn(callees(profile, lane, b)) == [
        ("-", 0, 0, 30, 0),
        ("b", 1, 0, 30, 0),
        ("c", 2, 0, 30, 20),
        ("b", 3, 0, 10, 10),
    ]
    assert drawn(callers(profile, lane, b)) == [
        ("-", 0, 0, 30, 0),
        ("b", 1, 0, 30, 0),
        ("d", 2, 0, 20, 20),
        ("a", 2, 20, 10, 10),
    ]


STACKS = st.lists(st.tuples(st.text(NAMES, max_size=6), st.integers(1, 1000)), min_size=1, max_size=40)


@given(STACKS)
def test_every_view_adds_up(runs):
    profile = profile_of(*runs)
    [lane] = profile.lanes
    for view in (in_time_order, merged, inverted):
        layout = view(profile, lane)
        assert layout.total[0] == sum(layout.self_weight) == lane.total
        for box in range(len(layout)):
            children = [b for b in range(box + 1, layout.end[box]) if layout.parent[b] == box]
            assert layout.total[box] == layout.self_weight[box] + sum(layout.total[b] for b in children)
        for row in layout.rows:
            ends = [layout.start[box] + layout.total[box] for box in row]
            assert all(end <= layout.start[box] for end, box in zip(ends, row[1:], strict=False))


@given(STACKS, st.integers(1, 60), st.data())
def test_a_row_shows_every_wide_box_once_and_never_two_in_one_column(runs, width, data):
    profile = profile_of(*runs)
    layout = in_time_order(profile, profile.lanes[0])
    start = data.draw(st.integers(0, layout.total[0] - 1))
    window = Window(start, data.draw(st.integers(start + 1, layout.total[0])))
    for depth, row in enumerate(layout.rows):
        shown = list(pieces(layout, depth, window, width))
        columns = [column for piece in shown for column in range(piece.column, piece.column + piece.width)]
        assert columns == sorted(set(columns))
        assert all(0 <= column < width for column in columns)
        assert all(layout.depth[piece.box] == depth for piece in shown)
        # Two columns wide is seen wherever it begins.
        seen = {piece.box for piece in shown if not piece.thin}
        for box in row:
            left = max(layout.start[box], window.start)
            right = min(layout.start[box] + layout.total[box], window.stop)
            if (right - left) * width / window.span >= 2:
                assert box in seen
            # Nothing that is in view vanishes: some piece stands where it begins.
            if right > left:
                column = min(int((left - window.start) * width / window.span), width - 1)
                assert column in columns or column + 1 in columns


def test_thin_boxes_share_a_column_and_cost_no_more_than_columns():
    profile = profile_of(*[("ab"[n % 2], 1) for n in range(10_000)], ("c", 10_000))
    layout = in_time_order(profile, profile.lanes[0])
    shown = list(pieces(layout, 1, Window(0, 20_000), 10))
    assert [piece.thin for piece in shown] == [True] * 5 + [False]
    assert shown[-1][:2] == (5, 5)


def test_what_is_under_a_column():
    layout = merged(PROFILE, LANE)
    window = Window(0, 65)
    assert piece_at(layout, 2, window, 65, 31).box == 3
    assert piece_at(layout, 2, window, 65, 64) is None
    assert piece_at(layout, 9, window, 65, 0) is None


def test_neighbours_are_what_is_seen_beside():
    layout = in_time_order(PROFILE, LANE)
    window = Window(0, 65)
    assert [neighbour(layout, box, 1, window, 65) for box in (2, 3, 4)] == [3, 4, 4]
    assert [neighbour(layout, box, -1, window, 65) for box in (2, 3, 4)] == [2, 2, 3]
    assert column_of(layout, 4, Window(30, 50), 20) == 10


def test_a_child_is_one_that_can_be_seen():
    layout = in_time_order(PROFILE, LANE)
    assert layout.child_within(1, 0, 65) == 2
    assert layout.child_within(1, 15, 65) == 3
    assert layout.child_within(4, 0, 65) == 4
    assert layout.path_to(3) == [0, 1, 3]


def test_a_match_inside_a_match_counts_once():
    profile = profile_of(("ab", 10), ("abab", 10), ("cb", 5), ("c", 5))
    layout = merged(profile, profile.lanes[0])
    matched = [name in "ab" for name in NAMES]
    assert matched_weight(layout, matched) == (25, 2)
    assert matched_weight(layout, [False] * len(NAMES)) == (0, 0)


@pytest.mark.parametrize("view", [in_time_order, merged, inverted])
@given(runs=STACKS)
def test_what_is_found_has_the_same_weight_in_every_view(view, runs):
    profile = profile_of(*runs)
    [lane] = profile.lanes
    matched = [name in "ac" for name in NAMES]
    expected = sum(weight for stack, weight in runs if set(stack) & set("ac"))
    assert matched_weight(view(profile, lane), matched)[0] == expected


def test_the_next_match_goes_round():
    layout = in_time_order(PROFILE, LANE)
    matched = [name == "b" for name in NAMES]
    assert next_match(layout, matched, 0, 1) == 2
    assert next_match(layout, matched, 4, 1) == 2
    assert next_match(layout, matched, 2, -1) == 4
    assert next_match(layout, [False] * len(NAMES), 3, 1) == 3


def test_a_lane_without_weight_is_one_box():
    profile = profile_of()
    [lane] = profile.lanes
    for view in (in_time_order, merged, inverted):
        assert drawn(view(profile, lane)) == [("-", 0, 0, 0, 0)]


def test_stacks_deeper_than_python_recurses():
    profile = profile_of(("ab" * 5000, 7))
    [lane] = profile.lanes
    for view in (in_time_order, merged, inverted):
        assert len(view(profile, lane).rows) == 10_001
