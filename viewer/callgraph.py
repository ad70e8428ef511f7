"""Guess stacks from a call graph: what a tracing engine knows are edges, and a flame graph wants stacks.

A function's time is shared out over its callees in the same proportion wherever it was called from.
That is right in sum and a guess in each place, so a profile made this way is marked approximate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profiler.capture import CallEdge

# Branches thinner than this share of the whole are not followed further.
_THINNEST = 1 / 5000
# A graph that folds back on itself has more stacks than anybody can look at.
_MOST_STACKS = 100_000


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
