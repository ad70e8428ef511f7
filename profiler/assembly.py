"""From a window and what the engine saw in it to a capture, whole or of what there is so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from profiler.aws.context import InvocationFacts
from profiler.capture import Capture, EngineInfo, Invocation, Memory, Overhead, ThreadProfile
from profiler.engines.base import Recording
from profiler.engines.stacks import FrameTable, frame_of_code
from profiler.window import Window


class Assembly:
    """The parts of one capture as they come in; `table` numbers the frames of all of them.

    `recording` is None where no engine ran. `duration_ns` counts from the start of the window.
    """

    def __init__(
        self, window: Window, handler: Callable[..., Any], recording: Recording | None, duration_ns: int
    ) -> None:
        self.table = FrameTable()
        self._window = window
        self._duration_ns = duration_ns
        self._recording = recording
        self._threads = self._threads_of(handler)

    def capture(
        self,
        *,
        outcome: str,
        memory: Memory,
        labels: Mapping[str, str],
        notes: tuple[str, ...] = (),
        stop_ns: int = 0,
        complete: bool = True,
    ) -> Capture:
        """Return the capture. `stop_ns` is what the profiler spent on it after the handler."""
        window, recording = self._window, self._recording
        return Capture(
            invocation=self._invocation(labels),
            frames=tuple(self.table.frames),
            threads=self._threads,
            outcome=outcome,
            complete=complete,
            trigger=window.trigger,
            engine=recording.info if recording is not None else EngineInfo("off"),
            overhead=Overhead(window.start_overhead_ns, stop_ns),
            memory=memory,
            call_graph=recording.call_graph if recording is not None else None,
            notes=(*window.notes, *(recording.notes if recording is not None else ()), *notes),
        )

    def _threads_of(self, handler: Callable[..., Any]) -> tuple[ThreadProfile, ...]:
        """Return the engine's threads; an invocation too short for a sample was still in the handler."""
        threads: tuple[ThreadProfile, ...] = ()
        if self._recording is not None:
            for frame in self._recording.frames:
                self.table.index(frame)
            threads = self._recording.threads
            # A tracing engine has no stacks, and none are made up for it.
            if self._recording.call_graph is not None:
                return threads
            # By the clock of the CPU a handler that only waited was nowhere.
            if self._recording.info.clock == "cpu" and threads:
                return threads
        if not threads or not threads[0].stacks:
            code = getattr(handler, "__code__", None)
            stacks = ((self.table.index(frame_of_code(code)),),) if code is not None else ((),)
            threads = (ThreadProfile("MainThread", stacks, (self._duration_ns,)), *threads[1:])
        return threads

    def _invocation(self, labels: Mapping[str, str]) -> Invocation:
        window, facts = self._window, self._window.facts
        return Invocation(
            function_name=facts.function_name,
            request_id=facts.request_id,
            environment_id=window.environment_id,
            sequence=window.sequence,
            started_at_ns=window.started_at_ns,
            duration_ns=self._duration_ns,
            cold=window.sequence == 1,
            function_version=facts.function_version,
            init_type=facts.init_type,
            memory_limit_mb=facts.memory_limit_mb,
            trace_id=facts.trace_id,
            region=facts.region,
            log_stream=facts.log_stream,
            labels=dict(labels),
        )


def outcome_of(facts: InvocationFacts, duration_ns: int, error: BaseException | None) -> str:
    """Return how an invocation ended, by what it raised and by its deadline."""
    if error is None:
        return "ok"
    late = facts.remaining_s is not None and duration_ns / 1e9 >= facts.remaining_s
    return "timeout" if late else "error"
