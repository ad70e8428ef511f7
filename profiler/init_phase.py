"""The init phase as a capture of its own: the import of the function's module, sampled and timed by module.

    with InitPhase(settings, outbox, "shop"):
        handler = import_module(...)

It is number 0 of its environment. The sampler looks at it whatever PROFILER_CPU says (a tracing engine would
make each import look slower than it is), by the wall clock, which is what Lambda's limit of ten seconds
counts. The capture is put into the outbox at once and delivered with the first invocation: init is not held
up by an upload, and a process that dies in its first invocation does not take it along. Where the limit comes
near, what there is so far is put there, for the next init in the same environment to deliver.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from types import TracebackType

from profiler.assembly import Assembly
from profiler.aws.context import facts_of
from profiler.capture import INIT_SEQUENCE, Capture, Memory
from profiler.codec import encode
from profiler.engines import load_engine
from profiler.engines.base import Declined, Engine, Recording
from profiler.environment import ENVIRONMENT
from profiler.guard import Guard, logger
from profiler.imports import ImportTimes
from profiler.init_limit import InitLimit
from profiler.keys import CaptureKey
from profiler.memory.process import ProcessReading, compare, read_process
from profiler.outbox import Outbox
from profiler.settings import Settings
from profiler.window import Window

TRIGGER = "init"


class InitPhase:
    """From before the import of the function's module to after it; what the module raises passes through."""

    # Whether there is, or was, one in this process; and the one that goes on now.
    seen = False
    running: InitPhase | None = None

    def __init__(self, settings: Settings, outbox: Outbox, function_name: str) -> None:
        self.outbox = outbox
        self._settings = settings
        self._function_name = function_name
        self._guard = Guard()
        self._window: Window | None = None
        self._imports: ImportTimes | None = None
        self._reading: ProcessReading | None = None
        self._limit: InitLimit | None = None

    def __enter__(self) -> InitPhase:
        InitPhase.seen = True
        InitPhase.running = self
        with self._guard("init"):
            self._window = window = self._begin()
            self._limit = InitLimit(self._settings.reserve_ms / 1000, lambda: self._draft(window))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ended_ns = time.perf_counter_ns()
        InitPhase.running = None
        window, self._window = self._window, None
        was_drafted = self._limit is not None and self._limit.end()
        if self._imports is not None:
            with self._guard("init"):
                self._imports.stop()
        if window is None:
            return
        with self._guard("init"):
            recording = window.engine.stop() if window.engine is not None else None
            if was_drafted:
                list(self.outbox.take_back())
            self._spool(self._capture(window, recording, "ok" if error is None else "error", ended_ns))

    def abandon(self) -> None:
        """Put things back in a forked child: init is its parent's, which will tell of it."""
        window, self._window = self._window, None
        with self._guard("fork"):
            if window is not None and window.engine is not None:
                window.engine.stop()
        with self._guard("fork"):
            if self._imports is not None:
                self._imports.stop()

    def _begin(self) -> Window:
        entered_ns = time.perf_counter_ns()
        facts = replace(facts_of((), self._function_name, os.environ), request_id="")
        window = Window(facts, ENVIRONMENT.id, INIT_SEQUENCE, TRIGGER)
        self._reading = read_process()
        engine = self._make_engine()
        self._time_imports(window)
        if engine is not None:  # last: what fails leaves no engine running
            self._start(engine, window)
        window.started_at_ns = time.time_ns()
        window.started_ns = time.perf_counter_ns()
        window.start_overhead_ns = window.started_ns - entered_ns
        return window

    def _make_engine(self) -> Engine | None:
        if self._settings.cpu == "off":
            return None
        engine: Engine = load_engine("sampler")(
            interval_ns=round(self._settings.interval_ms * 1e6), clock="wall"
        )
        return engine

    def _start(self, engine: Engine, window: Window) -> None:
        try:
            engine.start()
            window.engine = engine
        except Declined as declined:
            window.notes.append(str(declined))

    def _time_imports(self, window: Window) -> None:
        imports = ImportTimes()
        try:
            imports.start()
            self._imports = imports
        except Declined as declined:
            window.notes.append(str(declined))

    def _draft(self, window: Window) -> None:
        """Keep what there is so far, from another thread: Lambda is about to end this process."""
        with self._guard("init"):
            recording = window.engine.read() if window.engine is not None else None
            capture = self._capture(window, recording, "timeout", time.perf_counter_ns())
            self._spool(replace(capture, complete=False))

    def _spool(self, capture: Capture) -> None:
        self.outbox.add(CaptureKey.of(capture), encode(capture, clock=time.perf_counter_ns))

    def _capture(self, window: Window, recording: Recording | None, outcome: str, ended_ns: int) -> Capture:
        assembly = Assembly(window, _no_handler, recording, ended_ns - window.started_ns)
        lanes = self._imports.lanes(assembly.table) if self._imports is not None else ()
        capture = assembly.capture(
            outcome=outcome,
            memory=self._memory(),
            labels=self._settings.labels or {},
            stop_ns=time.perf_counter_ns() - ended_ns,
        )
        sampled = capture.threads if recording is not None or not lanes else ()
        return replace(capture, threads=(*lanes, *sampled))

    def _memory(self) -> Memory:
        """Return what the process grew by; a census finds nothing in modules that have only begun."""
        if self._settings.memory == "off" or self._reading is None:
            return Memory()
        return Memory(process=compare(self._reading, read_process()))


# Has no code of its own: what was too short for a sample was in no function that is known.
_no_handler = object


def _follow_fork() -> None:
    if InitPhase.running is not None:
        InitPhase.running.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_follow_fork)


def warn_where_unseen() -> None:
    """Say so where init was to be captured and had begun before anybody could look."""
    if not InitPhase.seen:
        InitPhase.seen = True  # once
        logger.warning(
            "profiler: PROFILER_INIT: the import had begun before @profile; to capture it use the exec "
            "wrapper or the entry point profiler.aws.entrypoint.handler, or profiler run --init"
        )
