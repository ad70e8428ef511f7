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
            key = (None if edge.caller is None else indexes[edge.caller], indexes[edge.callee])
            calls, self_ns, total_ns = self.edges.get(key, (0, 0, 0))
            self.edges[key] = (calls + edge.calls, self_ns + edge.self_ns, total_ns + edge.total_ns)

    def functions(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (frame, calls, self, total) of every function; a recursion counts once in the total.

        A call from what a function calls itself is a part of one that is counted already. Where all its
        callers are such (`odd` and `even`), the edge with the largest total is the way in.
        """
        callees: dict[int, list[int]] = {}
        incoming: dict[int, list[tuple[int | None, int, int, int]]] = {}
        for (caller, callee), numbers in self.edges.items():
            incoming.setdefault(callee, []).append((caller, *numbers))
            if caller is not None:
                callees.setdefault(caller, []).append(callee)
        for frame, edges in incoming.items():
            below = _reached(frame, callees)
            outer = [total for caller, _, _, total in edges if caller is None or caller not in below]
            total_ns = sum(outer) if outer else max(total for *_, total in edges)
            yield frame, sum(edge[1] for edge in edges), sum(edge[2] for edge in edges), total_ns

    @property
    def total_ns(self) -> int:
        """The time of all functions together: what their own lines took."""
        return sum(self_ns for _, self_ns, _ in self.edges.values())


def _reached(start: int, callees: dict[int, list[int]]) -> set[int]:
    reached: set[int] = set()
    waiting = list(callees.get(start, ()))
    while waiting:
        frame = waiting.pop()
        if frame not in reached:
            reached.add(frame)
            waiting.extend(callees.get(frame, ()))
    return reached


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
