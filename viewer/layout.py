"""Where every call stands: as boxes with a start and a width, in time order or merged.

The same layouts as the page's own (viewer/page/layout.js), for what is drawn without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from viewer.calltree import self_weights, total_weights
from viewer.profile import Lane, Profile


@dataclass(slots=True)
class Box:
    """One call, or many merged. `start`, `total` and `self_weight` are in the lane's unit, from its begin."""

    frame: int
    depth: int
    start: int
    total: int = 0
    self_weight: int = 0


def boxes_of(profile: Profile, lane: Lane, *, ordered: bool) -> Sequence[Box]:
    """Return the boxes of a lane, callers before callees; the outermost have depth 0.

    `ordered` asks for time order, which only a lane that has one can give.
    """
    if ordered and lane.ordered:
        return _in_order(profile, lane)
    return list(_merged(profile, lane))


def _in_order(profile: Profile, lane: Lane) -> list[Box]:
    """Neighbours in time that share the beginning of their stack share its boxes."""
    parents, frames = profile.table.parents, profile.table.frames
    boxes: list[Box] = []
    open_nodes: list[int] = []
    places: dict[int, int] = {}  # open node → its depth
    open_boxes: list[Box] = []
    now = 0
    for node, weight in lane.runs:
        path: list[int] = []
        at = node
        while at >= 0 and at not in places:
            path.append(at)
            at = parents[at]
        kept = places[at] + 1 if at >= 0 else 0
        for closed in open_nodes[kept:]:
            del places[closed]
        for box in open_boxes[kept:]:
            box.total = now - box.start
        del open_nodes[kept:], open_boxes[kept:]
        for new in reversed(path):
            places[new] = len(open_nodes)
            open_nodes.append(new)
            open_boxes.append(Box(frames[new], places[new], now))
            boxes.append(open_boxes[-1])
        if open_boxes:
            open_boxes[-1].self_weight += weight
        now += weight
    for box in open_boxes:
        box.total = now - box.start
    return boxes


def _merged(profile: Profile, lane: Lane) -> Iterator[Box]:
    """Yield all stacks merged; the callees of a box from the largest to the smallest."""
    table = profile.table
    selves = self_weights(table, [lane])
    totals = total_weights(table, selves)
    callees: dict[int, list[int]] = {}
    for node, parent in enumerate(table.parents):
        if totals[node] > 0:
            callees.setdefault(parent, []).append(node)
    for nodes in callees.values():
        nodes.sort(key=lambda node: -totals[node])
    waiting = _placed(callees.get(-1, ()), totals, 0, 0)
    while waiting:
        node, depth, start = waiting.pop()
        yield Box(table.frames[node], depth, start, totals[node], selves[node])
        waiting += _placed(callees.get(node, ()), totals, depth + 1, start)


def _placed(
    nodes: Sequence[int], totals: Sequence[int], depth: int, start: int
) -> list[tuple[int, int, int]]:
    """Return (node, depth, start) of neighbours, the last first."""
    placed = []
    for node in nodes:
        placed.append((node, depth, start))
        start += totals[node]
    placed.reverse()
    return placed
