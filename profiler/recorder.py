"""Armed: from the decision to capture an invocation to the capture in the outbox.

The wrapper around the handler calls `begin` before it and `end` after it. Neither ever raises: what
fails in here is contained by the guard, and the handler has already returned or not yet begun.
"""

from __future__ import annotations

import _thread
import os
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from profiler.assembly import Assembly, outcome_of
from profiler.aws.context import InvocationFacts, facts_of
from profiler.capture import Capture, Memory
from profiler.codec import encode
from profiler.delivery import BeforeResponse, Delivery, Parcel
from profiler.engines import Engine, load_engine
from profiler.engines.base import Declined
from profiler.environment import ENVIRONMENT
from profiler.flag import LiveFlag
from profiler.guard import Guard
from profiler.keys import CaptureKey
from profiler.memory.probe import MemoryProbe
from profiler.outbox import Outbox
from profiler.settings import Settings
from profiler.triggers import Seen, Triggers
from profiler.triggers.token import Verifier
from profiler.watch import Watch
from profiler.window import Window

# How long a capture may hold up a response where no deadline is known.
_BUDGET_WITHOUT_DEADLINE_S = 10.0

_NO_NOTES: tuple[str, ...] = ()
# One capture at a time in a process: engines and tracemalloc are process-wide.
_CAPTURING = _thread.allocate_lock()
# Of all handlers: a token is for one invocation, and one event may go through several handlers.
_USED_TOKENS: dict[str, list[int]] = {}


class Recorder:
    """Capture invocations of one handler into one outbox."""

    def __init__(self, handler: Callable[..., Any], settings: Settings, outbox: Outbox) -> None:
        self._handler = handler
        self.settings = settings
        self.outbox = outbox
        self.delivery: Delivery = BeforeResponse()
        self.live_flag: LiveFlag | None = None
        self.watch: Watch | None = None
        self.function_name = _function_name(handler)
        key = settings.request_key
        verifier = Verifier(key, self.function_name, _USED_TOKENS) if key else None
        self._triggers = Triggers(settings.trigger, settings.rate, settings.max_captures, verifier)
        self._memory = (
            None
            if settings.memory == "off"
            else MemoryProbe(settings.memory, settings.memory_frames, settings.gc)
        )
        # Imported now, during init, and not in the first invocation.
        self._engine_class = None if settings.cpu == "off" else load_engine(settings.cpu)
        self.guard = Guard()
        self._window: Window | None = None
        # Whether init, or an environment that crashed, may have left something to deliver.
        self._owes = True
        _recorders.add(self)

    @property
    def runs_alone(self) -> bool:
        """Whether the engine is one beside which no other thread may run, not even one of ours."""
        return bool(getattr(self._engine_class, "alone", False))

    def begin(self, arguments: tuple[Any, ...]) -> Window | None:
        """Start to capture if the trigger says so; None where this invocation is not captured."""
        window = self._begin_guarded(arguments)
        # Not where another handler's capture is under way: its own end will tell.
        if window is None and not _CAPTURING.locked():
            window = self._errand(arguments)
            if window is None:
                self._leave_nothing()
        return window

    def end(self, window: Window, error: BaseException | None) -> None:
        """Finish a capture and deliver it. `error` is what the handler raised, and stays untouched."""
        ended_ns = time.perf_counter_ns()
        if os.getpid() != window.process_id:
            return  # a forked child: the capture is its parent's
        if not window.is_captured:
            self._hand_over(window, error, _nothing)
            return
        if self.watch is not None:
            self.watch.end(window)
        capture = None
        try:
            with self.guard("capture"):
                capture = self._finish(window, error, ended_ns)
            self._rest(window.sequence)
        finally:
            self._window = None
            _CAPTURING.release()
        with self.guard("flag"):
            self._keep_up()
        if capture is None:
            self._settle(window)
            self._leave(window, error)
            return
        self._hand_over(window, error, partial(self._spool, window, capture))

    def partial(self, window: Window, outcome: str) -> Capture:
        """Return what an invocation has left so far, from any thread, while it goes on.

        Its memory is what the process tells of itself: a census belongs to the thread that ends it.
        """
        read = getattr(window.engine, "read", None)
        recording = read() if read is not None else None
        duration_ns = time.perf_counter_ns() - window.started_ns
        memory = self._memory.so_far() if self._memory is not None else Memory()
        assembly = Assembly(window, self._handler, recording, duration_ns)
        labels = self.settings.labels or {}
        return assembly.capture(outcome=outcome, memory=memory, labels=labels, complete=False)

    def keeps(self, capture: Capture) -> bool:
        """Tell whether PROFILER_KEEP keeps what an invocation has left that did not come to its end."""
        invocation = capture.invocation
        seen = Seen(capture.outcome, invocation.cold, invocation.duration_ns, capture.memory, capture.trigger)
        return self.settings.keep.reason(seen) is not None

    def first(self, window: Window) -> Capture:
        """Return the capture of an invocation that begins: who it is, and nothing that it did."""
        assembly = Assembly(window, self._handler, None, 0)
        labels = self.settings.labels or {}
        return assembly.capture(outcome="crashed", memory=Memory(), labels=labels, complete=False)

    def relieve(self) -> None:
        """Give memory back, from any thread: the function is near its limit."""
        if self._memory is not None:
            with self.guard("memory"):
                self._memory.relieve()

    # ---- before the handler --------------------------------------------------------------------

    def _begin_guarded(self, arguments: tuple[Any, ...]) -> Window | None:
        if self.guard.tripped:
            return None
        with self.guard("start"):
            return self._begin(arguments)
        self._rest()
        return None

    def _begin(self, arguments: tuple[Any, ...]) -> Window | None:
        sequence = ENVIRONMENT.next_sequence()
        if self.live_flag is not None and not self.live_flag.is_on():
            self._sleep(self.live_flag)
            return None
        if not _CAPTURING.acquire(False):
            return None
        window = None
        try:
            trigger = self._triggers.fires(sequence, arguments)
            if trigger is not None:
                window = self._window = self._open(arguments, sequence, trigger)
            elif self._memory is not None and not self._triggers.expects_more_after(sequence):
                self._memory.close()
        finally:
            if window is None:
                _CAPTURING.release()
        if window is None:
            self._keep_up()
        return window

    def _errand(self, arguments: tuple[Any, ...]) -> Window | None:
        """Return a window in which nothing is captured, where something waits: init left it, or a crash.

        Its end delivers that, as it would the capture of the invocation.
        """
        if self.guard.tripped or not self._is_owing():
            return None
        with self.guard("start"):
            facts = facts_of(arguments, self.function_name, os.environ)
            now_ns = time.perf_counter_ns()
            return Window(facts, ENVIRONMENT.id, 0, "", is_captured=False, started_ns=now_ns)
        return None

    def _open(self, arguments: tuple[Any, ...], sequence: int, trigger: str) -> Window:
        entered_ns = time.perf_counter_ns()
        facts = facts_of(arguments, self.function_name, os.environ)
        window = Window(facts, ENVIRONMENT.id, sequence, trigger)
        if self._memory is not None:
            self._memory.before(sequence, _limit_bytes(facts))
        window.started_at_ns = time.time_ns()
        window.started_ns = time.perf_counter_ns()
        # Before the engine, which would see it at work.
        if self.watch is not None:
            self.watch.begin(window, _deadline_ns(facts, entered_ns))
        try:
            self._start_engine(window)
        except BaseException:
            self._leave_unwatched(window)
            raise
        window.started_ns = time.perf_counter_ns()
        window.start_overhead_ns = window.started_ns - entered_ns
        return window

    def _leave_unwatched(self, window: Window) -> None:
        if self.watch is not None:
            self.watch.end(window)
            self.watch.settle(window)

    def _start_engine(self, window: Window) -> None:
        if self._engine_class is None:
            return
        interval_ns = self._interval_ns(window)
        engine: Engine = self._engine_class(interval_ns=interval_ns, clock=self.settings.clock)
        try:
            engine.start()
            window.engine = engine
        except Declined as declined:
            window.notes.append(str(declined))

    def _interval_ns(self, window: Window) -> int:
        """Return the sampling interval, raised where an engine that keeps every sample would run long."""
        interval_ns = round(self.settings.interval_ms * 1e6)
        samples_at_most = getattr(self._engine_class, "samples_at_most", None)
        remaining_s = window.facts.remaining_s
        if samples_at_most and remaining_s is not None and remaining_s * 1e9 > interval_ns * samples_at_most:
            interval_ns = round(remaining_s * 1e9 / samples_at_most)
            window.notes.append(
                f"sampled every {interval_ns / 1e6:.1f} ms, so that {self.settings.cpu} keeps within memory"
            )
        return interval_ns

    # ---- after the handler ---------------------------------------------------------------------

    def _rest(self, after: int | None = None) -> None:
        """Leave nothing running where no capture is to be expected after an invocation, by its number.

        Without one this may run beside a later invocation: then only where there will be none at all.
        """
        if self._memory is None:
            return
        if self.guard.tripped or (after is not None and not self._triggers.expects_more_after(after)):
            with self.guard("memory"):
                self._memory.close()

    def _sleep(self, live_flag: LiveFlag) -> None:
        """Stop what goes on between invocations, for as long as the live flag is off."""
        if _CAPTURING.locked():
            return  # another handler's capture is under way
        if self._memory is not None:
            self._memory.close()
        live_flag.keep_up()

    def _keep_up(self) -> None:
        """Have the live flag read anew where it is old: never beside a capture, which would show that."""
        if self.live_flag is not None:
            self.live_flag.keep_up()

    def _finish(self, window: Window, error: BaseException | None, ended_ns: int) -> Capture | None:
        """Return the capture, or None where PROFILER_KEEP does not keep it."""
        recording = window.engine.stop() if window.engine is not None else None
        duration_ns = ended_ns - window.started_ns
        assembly = Assembly(window, self._handler, recording, duration_ns)
        memory, notes = Memory(), _NO_NOTES
        if self._memory is not None:
            memory = self._memory.after(assembly.table, duration_ns, _limit_bytes(window.facts))
            notes = self._memory.notes()
        outcome = outcome_of(window.facts, duration_ns, error)
        seen = Seen(outcome, window.sequence == 1, duration_ns, memory, window.trigger)
        reason = self.settings.keep.reason(seen)
        if reason is None:
            self._triggers.take_back()
            return None
        if not self.settings.keep.is_always and reason != window.trigger:
            notes = (*notes, f"kept because of PROFILER_KEEP: {reason}")
        return assembly.capture(
            outcome=outcome,
            memory=memory,
            labels=self.settings.labels or {},
            notes=(*notes, *self.outbox.notes()),
            stop_ns=time.perf_counter_ns() - ended_ns,
        )

    def _leave(self, window: Window, error: BaseException | None) -> None:
        """End an invocation that leaves no capture: what waited before it goes out all the same."""
        if self._is_owing():
            self._hand_over(window, error, _nothing)
        else:
            self._leave_nothing()

    def _is_owing(self) -> bool:
        """Tell whether something was left to be delivered with the first invocation."""
        owes, self._owes = self._owes, False
        with self.guard("delivery"):
            return owes and not self.outbox.is_empty()
        return False

    def _hand_over(self, window: Window, error: BaseException | None, spool: Callable[[], None]) -> None:
        self._owes = False
        # SystemExit and its like end the process, and there is no time after the response.
        is_last = error is not None and not isinstance(error, Exception)
        with self.guard("delivery"):
            self.delivery.after(Parcel(spool, self._deliver, self._until_ns(window), is_last))

    def _leave_nothing(self) -> None:
        with self.guard("delivery"):
            self.delivery.skip()

    def _spool(self, window: Window, capture: Capture) -> None:
        with self.guard("capture"):
            self.outbox.add(CaptureKey.of(capture), encode(capture, clock=time.perf_counter_ns))
        self._settle(window)
        self._rest()  # that may have been a failure too many

    def _settle(self, window: Window) -> None:
        if self.watch is not None:
            self.watch.settle(window)

    def _deliver(self, budget_s: float) -> None:
        with self.guard("delivery"):
            self.outbox.deliver(budget_s)

    def _until_ns(self, window: Window) -> int:
        """Return when delivery must have left the response alone: at the deadline, less the reserve."""
        deadline_ns = _deadline_ns(window.facts, window.started_ns - window.start_overhead_ns)
        if deadline_ns is None:
            return time.perf_counter_ns() + round(_BUDGET_WITHOUT_DEADLINE_S * 1e9)
        return deadline_ns - self.settings.reserve_ms * 1_000_000

    def abandon(self) -> None:
        """Put things back in a forked child: what is captured, and all that is traced, is the parent's."""
        window, self._window = self._window, None
        with self.guard("fork"):
            if window is not None and window.engine is not None:
                window.engine.stop()
        with self.guard("fork"):
            if self._memory is not None:
                self._memory.close()


def _function_name(handler: Callable[..., Any]) -> str:
    """Return the function's name where no context tells it: Lambda's, else the handler's module."""
    module = getattr(handler, "__module__", None)
    return os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or (module if isinstance(module, str) else "handler")


def _deadline_ns(facts: InvocationFacts, entered_ns: int) -> int | None:
    remaining_s = facts.remaining_s
    return None if remaining_s is None else entered_ns + round(remaining_s * 1e9)


def _limit_bytes(facts: InvocationFacts) -> int | None:
    return facts.memory_limit_mb << 20 if facts.memory_limit_mb else None


def _nothing() -> None:
    """Spool nothing: what is to be delivered waits already."""


_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _follow_fork() -> None:
    """Leave all that goes on to the parent, in a child that has neither its threads nor its turn."""
    global _CAPTURING
    _CAPTURING = _thread.allocate_lock()
    for recorder in list(_recorders):
        recorder.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_follow_fork)
