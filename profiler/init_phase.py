"""The init phase as a capture of its own: the import of the function's module, sampled and timed by module.

    with InitPhase.open(settings, outbox, name) as init:
        handler = import_module(...)

It is number 0 of its environment. The sampler looks at it whatever PROFILER_CPU says (a tracing engine would
make each import look slower than it is), by the wall clock, which is what Lambda's limit of ten seconds
counts. The capture is put into the outbox at once and delivered with the first invocation: init is not held
up by an upload, and a process that dies in its first invocation does not take it along.
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
from profiler.engines.base import Declined, Engine
from profiler.environment import ENVIRONMENT
from profiler.guard import Guard, logger
from profiler.imports import ImportTimes
from profiler.keys import CaptureKey
from profiler.memory.process import ProcessReading, compare, read_process
from profiler.outbox import Outbox
from profiler.settings import Settings
from profiler.window import Window

TRIGGER = "init"


class InitPhase:
    """From before the import of the function's module to after it; what the module raises passes through."""

    # Whether there is, or was, one in this process.
    seen = False

    def __init__(self, settings: Settings, outbox: Outbox, function_name: str) -> None:
        self.outbox = outbox
        self._settings = settings
        self._function_name = function_name
        self._guard = Guard()
        self._window: Window | None = None
        self._imports: ImportTimes | None = None
        self._reading: ProcessReading | None = None

    def __enter__(self) -> InitPhase:
        InitPhase.seen = True
        with self._guard("init"):
            self._window = self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ended_ns = time.perf_counter_ns()
        window, self._window = self._window, None
        if self._imports is not None:
            with self._guard("init"):
                self._imports.stop()
        # A forked child that came back here has nothing to tell: its parent will.
        if window is None:
            return
        with self._guard("init"):
            if os.getpid() != window.process_id:
                if window.engine is not None:
                    window.engine.stop()
                return
            capture = self._capture(window, "ok" if error is None else "error", ended_ns)
            self.outbox.add(CaptureKey.of(capture), encode(capture, clock=time.perf_counter_ns))

    def _begin(self) -> Window:
        entered_ns = time.perf_counter_ns()
        facts = replace(facts_of((), self._function_name, os.environ), request_id="")
        window = Window(facts, ENVIRONMENT.id, INIT_SEQUENCE, TRIGGER)
        self._reading = read_process()
        if self._settings.cpu != "off":
            self._start_engine(window)
        self._time_imports(window)
        window.started_at_ns = time.time_ns()
        window.started_ns = time.perf_counter_ns()
        window.start_overhead_ns = window.started_ns - entered_ns
        return window

    def _start_engine(self, window: Window) -> None:
        interval_ns = round(self._settings.interval_ms * 1e6)
        engine: Engine = load_engine("sampler")(interval_ns=interval_ns, clock="wall")
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

    def _capture(self, window: Window, outcome: str, ended_ns: int) -> Capture:
        recording = window.engine.stop() if window.engine is not None else None
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


def warn_where_unseen() -> None:
    """Say so where init was to be captured and had begun before anybody could look."""
    if not InitPhase.seen:
        InitPhase.seen = True  # once
        logger.warning(
            "profiler: PROFILER_INIT: the import had begun before @profile; to capture it use the exec "
            "wrapper or the entry point profiler.aws.entrypoint.handler, or profiler run --init"
        )
