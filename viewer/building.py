"""How profiles are built: frames and stacks stored once, and lanes that are summed up over them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from profiler.capture import Frame
from viewer.profile import Lane, StackTable

WeightedStacks = Iterable[tuple[tuple[int, ...], int]]


@dataclass(slots=True)
class _Sum:
    name: str
    unit: str
    weights: dict[int, int] = field(default_factory=dict)


class LaneSums:
    """Weights of nodes, added up lane by lane. Its size is that of the distinct stacks in it."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, ...], _Sum] = {}

    def add(self, role: tuple[str, ...], name: str, unit: str, runs: Iterable[tuple[int, int]]) -> None:
        """Add runs to the lane of a role; the first to come names it."""
        weights = self._sums.setdefault(role, _Sum(name, unit)).weights
        for node, weight in runs:
            weights[node] = weights.get(node, 0) + weight

    def by_role(self) -> Iterator[tuple[tuple[str, ...], str, str, dict[int, int]]]:
        """Yield (role, name, unit, node → weight) of the lanes with any weight: time before memory."""
        sums = [(role, entry) for role, entry in self._sums.items() if entry.weights]
        sums.sort(key=lambda pair: pair[1].unit == "bytes")
        for role, entry in sums:
            yield role, entry.name, entry.unit, entry.weights

    def lanes(self) -> list[Lane]:
        """Return the lanes with any weight: time before memory, in the order in which they came."""
        return [
            Lane(name, unit, list(weights.items()), ordered=False)
            for _, name, unit, weights in self.by_role()
        ]


class ProfileBuilder:
    """Frames and stacks, each stored once, and the lanes that are summed up over them.

    `identity` says what makes two frames one; by default they are where they are equal.
    """

    def __init__(self, identity: Callable[[Frame], Hashable] | None = None) -> None:
        self.frames: list[Frame] = []
        self.table = StackTable()
        self.sums = LaneSums()
        self._identity = identity
        self._indexes: dict[Hashable, int] = {}

    def frame(self, frame: Frame) -> int:
        """Return the index of a frame, adding it where it is new."""
        key = frame if self._identity is None else self._identity(frame)
        index = self._indexes.setdefault(key, len(self.frames))
        if index == len(self.frames):
            self.frames.append(frame)
        return index

    def stacks(self, frames: Sequence[Frame]) -> Stacks:
        """Return the way from one file's frame indexes to this builder's nodes."""
        return Stacks(self.table, self.indexes(frames))

    def indexes(self, frames: Sequence[Frame]) -> list[int]:
        """Return where one file's frames are among this builder's."""
        return [self.frame(frame) for frame in frames]

    def add(self, role: tuple[str, ...], name: str, unit: str, runs: Iterable[tuple[int, int]]) -> None:
        """Add runs to the lane of a role; the first to come names it."""
        self.sums.add(role, name, unit, runs)

    def lanes(self) -> list[Lane]:
        """Return the lanes with any weight: time before memory, in the order in which they came."""
        return self.sums.lanes()


class Stacks:
    """Stacks of one file → nodes; a stack that comes back is looked up whole."""

    def __init__(self, table: StackTable, indexes: Sequence[int]) -> None:
        self.indexes = indexes
        self._table = table
        self._nodes: dict[tuple[int, ...], int] = {}

    def runs(self, stacks: WeightedStacks) -> Iterator[tuple[int, int]]:
        """Yield (node, weight) of stacks given as the file's frame indexes, root first."""
        nodes = self._nodes
        for stack, weight in stacks:
            node = nodes.get(stack)
            if node is None:
                node = nodes[stack] = self._table.add([self.indexes[frame] for frame in stack])
            yield node, weight
