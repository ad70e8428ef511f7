"""Where every box stands: preorder lists, made from runs over a stack table.

A box's numbers are in the lane's unit, as its place is: `start` 0 is the left edge, `total[0]` the right one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from viewer.calltree import total_weights
from viewer.profile import StackTable

Runs = Sequence[tuple[int, int]]


@dataclass(slots=True)
class Layout:
    """Boxes in preorder; box 0 is the lane itself, with the frame -1.

    `end[b]` is the first box after the subtree of b. `rows[d]` lists the boxes of a depth from left to right,
    and `starts[d]` where each of them begins.
    """

    ordered: bool
    frame: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    total: list[int] = field(default_factory=list)
    self_weight: list[int] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    starts: list[list[int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.frame)

    def add(self, frame: int, depth: int, parent: int, start: int) -> int:
        """Append a box, whose weights and end come later, and return it."""
        box = len(self.frame)
        self.frame.append(frame)
        self.depth.append(depth)
        self.parent.append(parent)
        self.end.append(box + 1)
        self.start.append(start)
        self.total.append(0)
        self.self_weight.append(0)
        if depth == len(self.rows):
            self.rows.append([])
            self.starts.append([])
        self.rows[depth].append(box)
        self.starts[depth].append(start)
        return box

    def first_ending_after(self, depth: int, value: float) -> int:
        """Return the place in a depth's row of the first box that ends after `value`."""
        row = self.rows[depth]
        # Boxes of a row do not overlap: only the last one to begin before `value` can reach beyond it.
        place = bisect_right(self.starts[depth], value)
        if place and self.start[row[place - 1]] + self.total[row[place - 1]] > value:
            return place - 1
        return place

    def child_within(self, box: int, start: float, stop: float) -> int:
        """Return the first child of a box that can be seen from `start` to `stop`; the box where none can."""
        depth = self.depth[box] + 1
        if depth >= len(self.rows):
            return box
        row = self.rows[depth]
        # Boxes of a row stand in preorder, too.
        place = max(bisect_left(row, box), self.first_ending_after(depth, start))
        if place < len(row) and row[place] < self.end[box] and self.start[row[place]] < stop:
            return row[place]
        return box

    def path_to(self, box: int) -> list[int]:
        """Return the boxes from the lane down to a box."""
        path = []
        while box >= 0:
            path.append(box)
            box = self.parent[box]
        return path[::-1]

    def is_within(self, box: int, top: int) -> bool:
        """Tell whether a box is `top` or stands somewhere below it."""
        return top <= box < self.end[top]


def merged_layout(table: StackTable, runs: Runs) -> Layout:
    """Return all equal stacks as one; the children of a box from the largest to the smallest."""
    selves = [0] * len(table)
    rootless = 0
    for node, weight in runs:
        if node < 0:
            rootless += weight
        else:
            selves[node] += weight
    totals = total_weights(table, selves)
    roots: list[int] = []
    children: dict[int, list[int]] = {-1: roots}
    for node, total in enumerate(totals):
        if total > 0:
            children.setdefault(table.parents[node], []).append(node)
    for siblings in children.values():
        siblings.sort(key=totals.__getitem__, reverse=True)

    layout = Layout(ordered=False)
    root = layout.add(-1, 0, -1, 0)
    layout.self_weight[root] = rootless
    layout.total[root] = rootless + sum(totals[node] for node in roots)
    begin = [0]  # where the next child of each open box starts
    open_boxes = [(root, iter(roots))]
    while open_boxes:
        above, siblings_left = open_boxes[-1]
        child = next(siblings_left, None)
        if child is None:
            layout.end[above] = len(layout)
            open_boxes.pop()
            begin.pop()
            continue
        start = begin[-1]
        box = layout.add(table.frames[child], len(open_boxes), above, start)
        layout.total[box], layout.self_weight[box] = totals[child], selves[child]
        begin[-1] = start + totals[child]
        begin.append(start)
        open_boxes.append((box, iter(children.get(child, ()))))
    return layout


def ordered_layout(table: StackTable, runs: Runs) -> Layout:
    """Return the runs as they happened; a frame that stays is one box."""
    layout = Layout(ordered=True)
    open_boxes = [layout.add(-1, 0, -1, 0)]
    open_nodes = [-1]
    now = 0

    def close(depth: int) -> None:
        while len(open_boxes) > depth:
            box = open_boxes.pop()
            open_nodes.pop()
            layout.total[box] = now - layout.start[box]
            layout.end[box] = len(layout)

    for node, weight in runs:
        path = [*_nodes_to(table, node)][::-1]
        shared = 1
        while shared <= len(path) and shared < len(open_nodes) and path[shared - 1] == open_nodes[shared]:
            shared += 1
        close(shared)
        for depth in range(shared, len(path) + 1):
            entered = path[depth - 1]
            box = layout.add(table.frames[entered], depth, open_boxes[-1], now)
            open_boxes.append(box)
            open_nodes.append(entered)
        layout.self_weight[open_boxes[-1]] += weight
        now += weight
    close(0)
    return layout


def _nodes_to(table: StackTable, node: int) -> Iterator[int]:
    while node >= 0:
        yield node
        node = table.parents[node]


def matched_weight(layout: Layout, matched: Sequence[bool]) -> tuple[int, int]:
    """Return (weight, boxes) of what matches; a match inside a match is counted once. By frame: `matched`."""
    weight = boxes = 0
    box = 1
    while box < len(layout):
        if matched[layout.frame[box]]:
            weight += layout.total[box]
            boxes += 1
            box = layout.end[box]
        else:
            box += 1
    return weight, boxes


def next_match(layout: Layout, matched: Sequence[bool], box: int, step: int) -> int:
    """Return the next matched box in preorder, or with a step of -1 the one before; `box` where none is."""
    count = len(layout)
    for tried in range(1, count + 1):
        candidate = (box + step * tried) % count
        if candidate and matched[layout.frame[candidate]]:
            return candidate
    return box
