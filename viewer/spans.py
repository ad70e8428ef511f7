"""A lane as spans of time: what was on the stack, from when to when, as other tools draw it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from profiler.capture import Frame
from viewer.calltree import CallTreeNode, call_tree
from viewer.profile import Lane, Profile


@dataclass(frozen=True, slots=True)
class Span:
    """One call, from `start` for `duration`, in the lane's unit; depth 0 is the root."""

    frame: Frame
    start: int
    duration: int
    depth: int


def spans(profile: Profile, lane: Lane) -> Iterator[Span]:
    """Yield the spans of a lane, parents before what they call.

    In time order where the lane has one: equal neighbours are one call. Else those of its call tree, side by
    side.
    """
    found = _in_order(profile, lane) if lane.ordered else _side_by_side(profile, lane)
    yield from sorted(found, key=lambda span: (span.start, span.depth))


def _in_order(profile: Profile, lane: Lane) -> Iterator[Span]:
    table, now = profile.table, 0
    running: list[tuple[int, int]] = []  # (frame, start)
    for node, weight in lane.runs:
        stack = table.stack(node)
        common = 0
        while common < min(len(stack), len(running)) and running[common][0] == stack[common]:
            common += 1
        yield from _ended(profile, running, common, now)
        running += [(frame, now) for frame in stack[common:]]
        now += weight
    yield from _ended(profile, running, 0, now)


def _ended(profile: Profile, running: list[tuple[int, int]], depth: int, now: int) -> Iterator[Span]:
    while len(running) > depth:
        frame, start = running.pop()
        yield Span(profile.frames[frame], start, now - start, len(running))


def _side_by_side(profile: Profile, lane: Lane) -> Iterator[Span]:
    waiting: list[tuple[CallTreeNode, int, int]] = [(call_tree(profile, [lane]), 0, -1)]
    while waiting:
        node, start, depth = waiting.pop()
        if node.frame is not None:
            yield Span(node.frame, start, node.total_weight, depth)
        for child in node.children:
            waiting.append((child, start, depth + 1))
            start += child.total_weight
