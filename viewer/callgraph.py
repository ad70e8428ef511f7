"""Call graphs: what a tracing engine knows are edges. Functions are exact, stacks are guessed from them.

For a flame graph a function's time is shared out over its callees in the same proportion wherever it was
called from. That is right in sum and a guess in each place, so a profile made this way is marked approximate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from profiler.capture import CallEdge

# Branches thinner than this share of the whole are not followed further.
_THINNEST = 1 / 5000
# A graph that folds back on itself has more stacks than anybody can look at.
_MOST_STACKS = 100_000


@dataclass(slots=True)
class CallGraph:
    """Edges of one profile, or of several added up: (caller or None, callee) → calls, self, total.

    The keys are indexes of the profile's frames, the times nanoseconds.
    """

    edges: dict[tuple[int | None, int], tuple[int, int, int]] = field(default_factory=dict)

    def add(self, edges: Iterable[CallEdge], indexes: Sequence[int]) -> None:
        """Add a capture's edges; `indexes` leads from its frames to the profile's."""
        for edge in edges:
            numbers = (edge.calls, edge.self_ns, edge.total_ns)
            self._add_edge(edge.caller, edge.callee, numbers, indexes)

    def add_graph(self, other: CallGraph, indexes: Sequence[int]) -> None:
        """Add another profile's graph; `indexes` leads from its frames to this profile's."""
        for (caller, callee), numbers in other.edges.items():
            self._add_edge(caller, callee, numbers, indexes)

    def _add_edge(
        self, caller: int | None, callee: int, numbers: tuple[int, int, int], indexes: Sequence[int]
    ) -> None:
        key = (None if caller is None else indexes[caller], indexes[callee])
        calls, self_ns, total_ns = self.edges.get(key, (0, 0, 0))
        self.edges[key] = (calls + numbers[0], self_ns + numbers[1], total_ns + numbers[2])

    def functions(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (frame, calls, self, total) of every function; a recursion counts once in the total.

        A call from what a function calls itself is a part of one that is counted already. Where all its
        callers are such (`odd` and `even`), the edge with the largest total is the way in.
        """
        incoming: dict[int, list[tuple[int | None, int, int, int]]] = {}
        for (caller, callee), numbers in self.edges.items():
            incoming.setdefault(callee, []).append((caller, *numbers))
        cycle = cycles(self.edges)
        for frame, edges in incoming.items():
            outer = [
                total for caller, _, _, total in edges if caller is None or cycle[caller] != cycle[frame]
            ]
            total_ns = sum(outer) if outer else max(total for *_, total in edges)
            yield frame, sum(edge[1] for edge in edges), sum(edge[2] for edge in edges), total_ns

    @property
    def total_ns(self) -> int:
        """The time of all functions together: what their own lines took."""
        return sum(self_ns for _, self_ns, _ in self.edges.values())


def cycles(edges: Iterable[tuple[int | None, int]]) -> dict[int, int]:
    """Return a number for every function, the same for those that call each other, directly or not.

    R. Tarjan, "Depth-first search and linear graph algorithms" (1972), without recursion.
    """
    callees: dict[int, list[int]] = {}
    for caller, callee in edges:
        callees.setdefault(callee, [])
        if caller is not None:
            callees.setdefault(caller, []).append(callee)
    order: dict[int, int] = {}  # function → when it was first seen
    lowest: dict[int, int] = {}  # function → the earliest that it leads back to
    cycle: dict[int, int] = {}
    path: list[int] = []
    for start in callees:
        waiting = [] if start in order else [(start, iter(callees[start]))]
        while waiting:
            frame, rest = waiting[-1]
            if frame not in order:
                order[frame] = lowest[frame] = len(order)
                path.append(frame)
            for callee in rest:
                if callee not in order:
                    waiting.append((callee, iter(callees[callee])))
                    break
                if callee not in cycle:
                    lowest[frame] = min(lowest[frame], lowest[callee])
            else:
                waiting.pop()
                if waiting:
                    above = waiting[-1][0]
                    lowest[above] = min(lowest[above], lowest[frame])
                while lowest[frame] == order[frame] and frame not in cycle:
                    cycle[path.pop()] = order[frame]
    return cycle


def guess_stacks(edges: Sequence[CallEdge]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield (stack, self nanoseconds) pairs that add up to the total of the root edges."""
    callees: dict[int | None, list[tuple[int, int]]] = {}
    self_ns: dict[int, int] = {}
    for edge in edges:
        callees.setdefault(edge.caller, []).append((edge.callee, max(edge.total_ns, 0)))
        self_ns[edge.callee] = self_ns.get(edge.callee, 0) + max(edge.self_ns, 0)
    roots = callees.get(None) or _roots(callees, self_ns)
    least = sum(total for _, total in roots) * _THINNEST
    waiting: list[tuple[tuple[int, ...], float]] = [
        ((frame,), float(total)) for frame, total in reversed(roots)
    ]
    for number in range(_MOST_STACKS * 2):
        if not waiting:
            return
        stack, weight = waiting.pop()
        frame = stack[-1]
        # A callee that is already on the stack is a recursion: its time is in its first call.
        below = [(callee, total) for callee, total in callees.get(frame, ()) if callee not in stack]
        whole = self_ns.get(frame, 0) + sum(total for _, total in below)
        if weight < least or whole == 0 or number >= _MOST_STACKS:
            yield from _rounded(stack, weight)
            continue
        yield from _rounded(stack, weight * self_ns.get(frame, 0) / whole)
        waiting.extend(((*stack, callee), weight * total / whole) for callee, total in reversed(below))


def _rounded(stack: tuple[int, ...], weight: float) -> Iterator[tuple[tuple[int, ...], int]]:
    if round(weight) > 0:
        yield stack, round(weight)


def _roots(
    callees: dict[int | None, list[tuple[int, int]]], self_ns: dict[int, int]
) -> list[tuple[int, int]]:
    """Return the callers that nobody calls, with what they call as their total."""
    return [
        (caller, sum(total for _, total in called))
        for caller, called in callees.items()
        if caller is not None and caller not in self_ns
    ]
