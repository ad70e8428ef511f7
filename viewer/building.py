"""How profiles are built: frames and stacks stored once, and lanes that are summed up over them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from profiler.capture import Frame
from viewer.profile import Lane, StackTable

# How many frame objects are known by sight.
_KNOWN_AT_MOST = 1 << 17

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
        # The decoder gives the same objects for the same functions: asking which saves asking what.
        self._known: dict[int, tuple[Frame, int]] = {}
        self._nodes: dict[tuple[int, ...], int] = {}

    def frame(self, frame: Frame) -> int:
        """Return the index of a frame, adding it where it is new."""
        known = self._known.get(id(frame))
        if known is not None:
            return known[1]
        key = frame if self._identity is None else self._identity(frame)
        index = self._indexes.setdefault(key, len(self.frames))
        if index == len(self.frames):
            self.frames.append(frame)
        if len(self._known) > _KNOWN_AT_MOST:
            self._known.clear()
        self._known[id(frame)] = (frame, index)  # held, so that no other frame gets its id
        return index

    def stacks(self, frames: Sequence[Frame]) -> Stacks:
        """Return the way from one file's frame indexes to this builder's nodes."""
        return Stacks(self.table, self._nodes, self.indexes(frames))

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
    """Stacks of one file → nodes; a stack that comes back is looked up whole.

    `known` leads from stacks in the builder's frames to nodes, over all files.
    """

    def __init__(self, table: StackTable, known: dict[tuple[int, ...], int], indexes: Sequence[int]) -> None:
        self.indexes = indexes
        self._table = table
        self._known = known
        self._nodes: dict[tuple[int, ...], int] = {}

    def runs(self, stacks: WeightedStacks) -> Iterator[tuple[int, int]]:
        """Yield (node, weight) of stacks given as the file's frame indexes, root first."""
        nodes, known = self._nodes, self._known
        index_of = self.indexes.__getitem__
        for stack, weight in stacks:
            node = nodes.get(stack)
            if node is None:
                common = tuple(map(index_of, stack))
                node = known.get(common)
                if node is None:
                    node = known[common] = self._table.add(common)
                nodes[stack] = node
            yield node, weight
