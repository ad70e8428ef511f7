"""From what a tracing engine counted, function by function, to the edges of a call graph.

A tracing engine knows who called whom, how often and for how long, and no stacks. The profiler's own
functions are left out, and so is what they called; but what its wrapper called, the handler, is called by
nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType

from profiler.capture import CallEdge, Frame
from profiler.engines.stacks import FrameTable, frame_of_code
from profiler.own import DIRECTORY, is_own_file

_WRAPPER = f"{DIRECTORY}bootstrap.py"


@dataclass(frozen=True, slots=True)
class Called:
    """One function as it was counted. Times in nanoseconds; `total_ns` counts a recursion once.

    `key` names it among all of them, `callees` holds (key, calls, self, total) of what it called.
    `code` is its code object, or the name of a function in C.
    """

    key: object
    code: CodeType | str
    calls: int
    self_ns: int
    total_ns: int
    callees: list[tuple[object, int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Sums:
    calls: int = 0
    self_ns: int = 0
    total_ns: int = 0

    def add(self, calls: int, self_ns: int, total_ns: int) -> None:
        self.calls += calls
        self.self_ns += self_ns
        self.total_ns += total_ns


def call_graph(
    functions: Iterable[Called], engine_files: tuple[str, ...] = ()
) -> tuple[tuple[Frame, ...], tuple[CallEdge, ...]]:
    """Return frames, and edges between them, of everything but the profiler and the engine's own files.

    For every function its calls and its self time on all edges to it add up to what was counted; its
    total is that of the edges from callers that it did not call itself.
    """
    known = {one.key: one for one in functions if not _is_wrapper(one.code)}
    kept = {key for key, one in known.items() if not _is_ours(one.code, engine_files)}
    below = {key: [callee for callee, *_ in one.callees] for key, one in known.items()}
    table = FrameTable()
    sums: dict[tuple[int | None, int], _Sums] = {}
    incoming: dict[object, list[tuple[object, int, int, int]]] = {}
    for key, one in known.items():
        for callee, calls, self_ns, total_ns in one.callees:
            if callee in kept:
                incoming.setdefault(callee, []).append((key, calls, self_ns, total_ns))
    indexes = {key: table.index(_frame(known[key].code)) for key in kept}
    for key in kept:
        one, callee = known[key], indexes[key]
        callers = incoming.get(key, [])
        for caller, calls, self_ns, total_ns in callers:
            if caller in kept:
                sums.setdefault((indexes[caller], callee), _Sums()).add(calls, self_ns, total_ns)
        # A function in C that nobody called was called by the wrapper.
        root = _root(one, callers, below) if isinstance(one.code, CodeType) else None
        if root is not None:
            sums.setdefault((None, callee), _Sums()).add(*root)
    return tuple(table.frames), tuple(_edges(sums))


def _root(
    one: Called, callers: list[tuple[object, int, int, int]], below: dict[object, list[object]]
) -> tuple[int, int, int] | None:
    """Return calls, self and total of a function that no caller known here accounts for."""
    calls = one.calls - sum(count for _, count, _, _ in callers)
    if calls <= 0:
        return None
    self_ns = max(0, one.self_ns - sum(own for _, _, own, _ in callers))
    reached = _reached(one.key, below) if callers else set()
    accounted = sum(total for caller, _, _, total in callers if caller not in reached)
    return calls, self_ns, max(self_ns, one.total_ns - accounted)


def _reached(start: object, below: dict[object, list[object]]) -> set[object]:
    """Return everything that a function calls, directly or not; itself only where it recurses."""
    reached: set[object] = set()
    waiting = list(below[start])
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting.extend(below.get(key, ()))
    return reached


def _edges(sums: dict[tuple[int | None, int], _Sums]) -> Iterator[CallEdge]:
    for (caller, callee), one in sums.items():
        yield CallEdge(caller, callee, one.calls, one.self_ns, one.total_ns)


def _is_wrapper(code: CodeType | str) -> bool:
    return isinstance(code, CodeType) and code.co_filename == _WRAPPER


def _is_ours(code: CodeType | str, engine_files: tuple[str, ...]) -> bool:
    if isinstance(code, str):
        return False
    return is_own_file(code.co_filename) or code.co_filename in engine_files


def _frame(code: CodeType | str) -> Frame:
    return Frame(code, "", 0) if isinstance(code, str) else frame_of_code(code)
