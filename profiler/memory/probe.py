"""What memory an invocation kept: process signals, census and tracing, read before and after it."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from profiler.capture import Container, Frame, Memory
from profiler.engines.stacks import frame_of_code
from profiler.memory.census import Found
from profiler.memory.process import ProcessReading, compare, read_process
from profiler.memory.survey import Survey
from profiler.memory.writers import Writers

if TYPE_CHECKING:
    from profiler.engines.stacks import FrameTable
    from profiler.memory.tracer import Tracer
    from profiler.memory.tracing import Tracing

# How many of a grown container's newest entries are asked which line allocated them.
_ASKED_ENTRIES = 8
_FREEZE_AFTER_CAPTURES = 2


class MemoryProbe:
    """The memory side of one environment; `before` and `after` enclose each captured invocation."""

    def __init__(self, mode: str, traceback_frames: int = 1, collect: str = "off") -> None:
        self._mode = mode
        self._collect = collect
        self._captures = 0
        self._survey = Survey()
        self._writers = Writers(self._survey.own_modules)
        self._tracer: Tracer | None = None
        if mode != "census":
            from profiler.memory.suspicion import Suspicion
            from profiler.memory.tracer import Tracer

            suspicion = Suspicion(traceback_frames) if mode == "auto" else None
            self._tracer = Tracer(traceback_frames, suspicion)
        self._reading: ProcessReading | None = None

    def before(self, sequence: int, limit_bytes: int | None = None) -> None:
        """Read the state before the handler runs, in a function with that limit of memory."""
        if self._tracer is not None:
            self._tracer.before(sequence, limit_bytes)
        self._reading = read_process()

    def after(self, table: FrameTable, duration_ns: int = 0, limit_bytes: int | None = None) -> Memory:
        """Return what changed since `before`, in `duration_ns`; allocating lines go into `table`."""
        reading = self._reading
        self._reading = None
        if reading is None:
            return Memory()
        self._collect_garbage()
        now = read_process()
        process = compare(reading, now)
        counted = self._survey.take(
            lambda found: self._container(found, table), process.open_files, duration_ns, limit_bytes
        )
        sites, since = self._tracer.after(table) if self._tracer is not None else ((), None)
        if self._tracer is not None:
            self._tracer.decide(counted.containers, now, limit_bytes, self._survey.own_modules.list())
        return Memory(
            mode=self._mode,
            process=process,
            census=counted.containers,
            census_complete=counted.complete,
            census_nodes=counted.nodes,
            census_ns=counted.ns,
            objects=counted.objects.total,
            types=counted.objects.types,
            sites=sites,
            tracing_since=since,
        )

    def so_far(self) -> Memory:
        """Return what the process tells of itself since `before`, from any thread."""
        reading = self._reading
        return Memory(self._mode, compare(reading, read_process())) if reading is not None else Memory()

    def relieve(self) -> None:
        """Give memory back, from any thread: the function is near its limit."""
        if self._tracer is not None:
            self._tracer.relieve("memory came near the limit")

    def close(self) -> None:
        """Stop what goes on between invocations; call it where no capture will follow."""
        if self._tracer is not None:
            self._tracer.stop()

    def notes(self) -> tuple[str, ...]:
        """Return what was done otherwise than asked, in plain words."""
        return self._tracer.notes() if self._tracer is not None else ()

    def _collect_garbage(self) -> None:
        """Collect, so that garbage is not taken for growth, where the settings ask for it."""
        if self._collect == "off":
            return
        gc.collect()
        self._captures += 1
        if self._collect == "freeze" and self._captures == _FREEZE_AFTER_CAPTURES:
            gc.freeze()

    def _container(self, found: Found, table: FrameTable) -> Container:
        return Container(
            path=found.path,
            type=found.type,
            entries=found.entries,
            bytes=found.bytes,
            bound=found.bound,
            expires=found.expires,
            suspected=found.suspected,
            filled_at=self._filled_at(found, table),
        )

    def _filled_at(self, found: Found, table: FrameTable) -> tuple[int, ...]:
        """Return the lines that fill a container that grew: seen by tracemalloc, else read in the code."""
        if found.code is not None:
            return (table.index(frame_of_code(found.code)),)
        if not found.grown:
            return ()
        tracing = self._tracer.tracing if self._tracer is not None else None
        frames = _traced(found, tracing) if tracing is not None else []
        return tuple(table.index(frame) for frame in frames or self._writers.of(found.path))


def _traced(found: Found, tracing: Tracing) -> list[Frame]:
    """Return the lines that allocated the newest entries of a container."""
    from profiler.memory.containers import newest_entries
    from profiler.memory.tracing import allocated_at

    places = dict.fromkeys(
        allocated_at(entry)
        for container in found.grown[:_ASKED_ENTRIES]
        for entry in newest_entries(container, _ASKED_ENTRIES)
    )
    return [tracing.frame(*place) for place in places if place is not None]
