"""Self and total: weights of a lane summed over the stack table, and the call tree made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from profiler.capture import Frame
from viewer.profile import Lane, Profile, StackTable


@dataclass(slots=True)
class CallTreeNode:
    """One function at one place of the call tree; the root of a lane has no frame.

    Weights are in the lane's unit. `hidden` and `hidden_weight` count the children that
    `viewer.processors.prune` left out.
    """

    frame: Frame | None
    self_weight: int
    total_weight: int
    children: list[CallTreeNode] = field(default_factory=list)
    hidden: int = 0
    hidden_weight: int = 0

    def walk(self) -> Iterator[CallTreeNode]:
        """Yield this node and all below it, parents first, without recursion: stacks can be deep."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def self_weights(table: StackTable, lanes: Sequence[Lane]) -> list[int]:
    """Return the weight seen at each node itself, over all the lanes."""
    weights = [0] * len(table)
    for lane in lanes:
        for node, weight in lane.runs:
            if node >= 0:
                weights[node] += weight
    return weights


def total_weights(table: StackTable, selves: Sequence[int]) -> list[int]:
    """Return the weight of each node with everything below it."""
    totals = list(selves)
    parents = table.parents
    # Children come after their parents, so one pass from the end carries every sum to its root.
    for node in range(len(totals) - 1, -1, -1):
        parent = parents[node]
        if parent >= 0:
            totals[parent] += totals[node]
    return totals


def call_tree(profile: Profile, lanes: Sequence[Lane]) -> CallTreeNode:
    """Return the call tree of one lane or of several together; children by total, largest first."""
    table = profile.table
    selves = self_weights(table, lanes)
    totals = total_weights(table, selves)
    whole = sum(lane.total for lane in lanes)
    root = CallTreeNode(None, whole - sum(selves), whole)
    nodes: dict[int, CallTreeNode] = {-1: root}
    for index, total in enumerate(totals):
        if total <= 0:
            continue
        frame = profile.frames[table.frames[index]]
        node = nodes[index] = CallTreeNode(frame, selves[index], total)
        nodes[table.parents[index]].children.append(node)
    for node in nodes.values():
        node.children.sort(key=lambda child: -child.total_weight)
    return root
