"""What every renderer draws: stacks with weights, free of how they were captured.

A `Profile` is made from one capture, from many merged, or from a plain speedscope file
(`viewer.load`). Its stacks stand in one table, each as a node with a parent, so that a stack that
occurs a thousand times is stored once and a merged tree is a sum over an array.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from profiler.capture import Frame
from viewer.callgraph import CallGraph

# The lane of a call graph.
CALL_GRAPH = "call graph (stacks are guessed from it)"


class StackTable:
    """All distinct stacks of a profile: node → (parent node, frame). Parents come before children.

    `parents[n]` is -1 for a root; `frames[n]` indexes `Profile.frames`.
    """

    def __init__(self) -> None:
        self.parents: list[int] = []
        self.frames: list[int] = []
        self._children: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.parents)

    def add(self, stack: Iterable[int]) -> int:
        """Return the node of a stack given as frame indexes, root first; -1 for the empty stack."""
        node = -1
        children = self._children
        for frame in stack:
            edge = (node, frame)
            child = children.get(edge)
            if child is None:
                child = children[edge] = len(self.parents)
                self.parents.append(node)
                self.frames.append(frame)
            node = child
        return node

    def child(self, node: int, frame: int) -> int:
        """Return the node of one frame below `node` (-1 for a root), adding it where it is new."""
        edge = (node, frame)
        child = self._children.get(edge)
        if child is None:
            child = self._children[edge] = len(self.parents)
            self.parents.append(node)
            self.frames.append(frame)
        return child

    def stack(self, node: int) -> tuple[int, ...]:
        """Return the frame indexes of a node, root first."""
        path = []
        while node >= 0:
            path.append(self.frames[node])
            node = self.parents[node]
        return tuple(reversed(path))


@dataclass(frozen=True, slots=True)
class Lane:
    """One thread's time, or one kind of memory.

    `runs` are (node of the stack table, weight) pairs, in time order when `ordered`; weights are
    integers in `unit` ("nanoseconds" or "bytes"). `start_ns` is when the first run began, from the start
    of the invocation.
    """

    name: str
    unit: str
    runs: Sequence[tuple[int, int]]
    ordered: bool = True
    start_ns: int = 0

    @property
    def total(self) -> int:
        return sum(weight for _, weight in self.runs)


@dataclass(frozen=True, slots=True)
class Profile:
    """Lanes over one stack table. `facts` are label → text pairs shown beside the title;
    `approximate` marks stacks that were guessed from the edges of `graph`, which are exact."""

    title: str
    frames: Sequence[Frame]
    table: StackTable
    lanes: Sequence[Lane]
    facts: dict[str, str] = field(default_factory=dict)
    approximate: bool = False
    graph: CallGraph | None = None
