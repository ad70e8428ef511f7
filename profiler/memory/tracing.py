"""tracemalloc, summed by allocation site: what is live, and how it changed over one invocation.

Tracing goes on between invocations. Started and stopped within one it would not see older blocks
being freed, and every full cache would look like a leak.
"""

from __future__ import annotations

import gc
import tracemalloc
from array import array
from collections.abc import Callable, Iterable
from typing import Any

from profiler.capture import AllocationSite, Frame
from profiler.engines.stacks import FrameTable
from profiler.memory.codenames import CodeNames
from profiler.own import is_own_file

# Kept of each kind, the largest live and the largest changes; the rest is noise of the interpreter.
SITES_AT_MOST = 300

# (file, line), innermost first: tracemalloc's own order.
Traceback = tuple[tuple[str, int], ...]
# Live bytes and blocks per traceback.
Totals = dict[Traceback, tuple[int, int]]


class Tracing:
    """One environment's use of tracemalloc: started once, left on, never taken from somebody else."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._names = CodeNames()
        self._started_here = False
        self.since_sequence: int | None = None
        self.note = ""

    def ensure_started(self, sequence: int) -> None:
        """Trace from this invocation on; a tracemalloc that already runs is read and left as it is."""
        if self.since_sequence is not None and tracemalloc.is_tracing():
            return
        if tracemalloc.is_tracing():
            depth = tracemalloc.get_traceback_limit()
            self.note = f"tracemalloc was already tracing, {depth} frames deep; it is read and left running"
        else:
            tracemalloc.start(self._frames)
            self._started_here = True
        self.since_sequence = sequence

    def stop(self) -> None:
        """Stop tracing where it was started here: it costs on every allocation, captured or not."""
        if self._started_here:
            tracemalloc.stop()
            self._started_here = False
        self.since_sequence = None

    def totals(self) -> Totals:
        """Return live bytes and blocks by traceback, without the profiler's own."""
        was_enabled = gc.isenabled()
        gc.disable()  # a collection in the middle would cost more than the sum itself
        try:
            return _sum(_raw_traces())
        finally:
            if was_enabled:
                gc.enable()

    def sites(self, before: Totals, after: Totals, table: FrameTable) -> tuple[AllocationSite, ...]:
        """Return the sites that hold or changed most, the largest live first."""
        changes = {
            traceback: (live[0] - old[0], live[1] - old[1])
            for traceback, live in after.items()
            for old in (before.get(traceback, (0, 0)),)
        }
        changes |= {
            traceback: (-old[0], -old[1]) for traceback, old in before.items() if traceback not in after
        }
        largest = _top(after, lambda traceback: after[traceback][0])
        changed = _top((key for key in changes if changes[key][0]), lambda key: abs(changes[key][0]))
        sites = []
        for traceback in dict.fromkeys(largest + changed):
            live_bytes, live_blocks = after.get(traceback, (0, 0))
            growth_bytes, growth_blocks = changes[traceback]
            stack = tuple(table.index(self.frame(file, line)) for file, line in reversed(traceback))
            sites.append(AllocationSite(stack, live_bytes, live_blocks, growth_bytes, growth_blocks))
        return tuple(sites)

    def frame(self, file: str, line: int) -> Frame:
        """Return the frame of an allocating line, named after its function where that can be found."""
        return Frame(self._names.name(file, line), file, line)


def allocated_at(item: object) -> tuple[str, int] | None:
    """Return (file, line) that allocated an object, or None where it was not traced."""
    traceback = tracemalloc.get_object_traceback(item)
    if not traceback:
        return None
    frame = traceback[-1]  # tracemalloc's public order is oldest first
    return None if is_own_file(frame.filename) else (frame.filename, frame.lineno)


def _raw_traces() -> Iterable[Any]:
    # Not tracemalloc.take_snapshot(): its objects cost 180 bytes a block and five times the time.
    import _tracemalloc

    return _tracemalloc._get_traces()


def _sum(traces: Iterable[Any]) -> Totals:
    # Lists of sizes rather than running sums: `+=` allocates a new int each time, which is traced too.
    sizes: dict[Traceback, Any] = {}
    for trace in traces:
        size, traceback = trace[1], trace[2]
        found = sizes.get(traceback)
        if found is None:
            found = sizes[traceback] = array("q")
        found.append(size)
    return {
        traceback: (sum(found), len(found))
        for traceback, found in sizes.items()
        if not is_own_file(traceback[0][0])
    }


def _top(keys: Iterable[Traceback], size: Callable[[Traceback], int]) -> list[Traceback]:
    return sorted(keys, key=size, reverse=True)[:SITES_AT_MOST]
