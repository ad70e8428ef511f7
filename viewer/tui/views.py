"""The ways to look at one lane: as it happened, merged, from the leaves up, and around one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from viewer.profile import Lane, Profile, StackTable
from viewer.tui.layout import Layout, merged_layout, ordered_layout

ORDER, MERGED, INVERTED, FUNCTION, TABLE = "order", "merged", "inverted", "function", "table"
# What stands in the bar, in this order.
VIEWS = {
    ORDER: "Time order",
    MERGED: "Merged",
    INVERTED: "Inverted",
    FUNCTION: "Callers and callees",
    TABLE: "Functions",
}

Stack = tuple[int, ...]


def in_time_order(profile: Profile, lane: Lane) -> Layout:
    """Return what happened one after the other."""
    return ordered_layout(profile.table, lane.runs)


def merged(profile: Profile, lane: Lane) -> Layout:
    """Return equal stacks added up, root first."""
    return merged_layout(profile.table, lane.runs)


def inverted(profile: Profile, lane: Lane) -> Layout:
    """Return equal stacks added up, leaf first: below each function stand those that called it."""
    return _of_other_stacks(profile, lane, lambda stack: stack[::-1])


def callees(profile: Profile, lane: Lane, frame: int) -> Layout:
    """Return what a function called, from its outermost call down; frame by index."""
    return _of_other_stacks(profile, lane, lambda stack: stack[stack.index(frame) :], frame)


def callers(profile: Profile, lane: Lane, frame: int) -> Layout:
    """Return who called a function, from its outermost call up; frame by index."""
    return _of_other_stacks(profile, lane, lambda stack: stack[stack.index(frame) :: -1], frame)


def _of_other_stacks(
    profile: Profile, lane: Lane, turn: Callable[[Stack], Stack], frame: int | None = None
) -> Layout:
    """Return the merged layout of stacks changed by `turn`; only those with the frame, where one is given."""
    weights: dict[int, int] = {}
    for node, weight in lane.runs:
        weights[node] = weights.get(node, 0) + weight
    table = StackTable()
    nodes: Iterable[int] = weights if frame is None else _with_frame(profile.table, frame, weights)
    runs = [(table.add(turn(profile.table.stack(node))), weights[node]) for node in nodes]
    return merged_layout(table, runs)


def _with_frame(table: StackTable, frame: int, nodes: Iterable[int]) -> Iterator[int]:
    """Yield the nodes that have a frame in their stack."""
    has: list[bool] = []
    # Parents come before children.
    for parent, own in zip(table.parents, table.frames, strict=True):
        has.append(own == frame or (parent >= 0 and has[parent]))
    return (node for node in nodes if node >= 0 and has[node])
