"""The state machine of one runtime in one execution environment: no sockets, no processes.

    INIT ──next──▶ READY ──offer──▶ INVOKING ──reply──▶ RESPONDED ──next──▶ READY …
      └──init error──▶ INIT_FAILED          any ──runtime exits──▶ EXITED

RESPONDED is the time between the response and the next `next`: the caller has its answer, the
environment is not yet free (and on Lambda not yet frozen).
"""

from __future__ import annotations

import enum
import threading
import time

from profiler.testing.protocol import Invocation, Reply


class Phase(enum.Enum):
    """Where the runtime is; see the module's drawing."""

    INIT = enum.auto()
    INIT_FAILED = enum.auto()
    READY = enum.auto()
    INVOKING = enum.auto()
    RESPONDED = enum.auto()
    EXITED = enum.auto()


class InvalidTransition(Exception):
    """A call the runtime may not make in its present phase (403 on the wire)."""


class InvalidRequestId(Exception):
    """A reply to an invocation that is not the current one (400 on the wire)."""


class RuntimeState:
    """Meeting point of the runtime's HTTP calls and the environment's `invoke`; safe between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._phase = Phase.INIT
        self._invocation: Invocation | None = None
        self._reply: Reply | None = None
        self.init_error: Reply | None = None
        self.exit_code: int | None = None

    @property
    def phase(self) -> Phase:
        """Return the present phase."""
        return self._phase

    # Called for the runtime.

    def next_invocation(self) -> Invocation | None:
        """Block until there is an invocation; None when the runtime has ended meanwhile."""
        with self._changed:
            if self._phase not in (Phase.INIT, Phase.RESPONDED):
                raise InvalidTransition(f"next is not allowed while {self._phase.name}")
            self._enter(Phase.READY)
            self._changed.wait_for(lambda: self._phase is not Phase.READY)
            return None if self.phase is Phase.EXITED else self._invocation

    def reply(self, request_id: str, reply: Reply) -> None:
        """Take the response or the error of the current invocation."""
        with self._changed:
            if self._invocation is None or request_id != self._invocation.request_id:
                raise InvalidRequestId(request_id)
            if self._phase is not Phase.INVOKING:
                raise InvalidTransition(f"a reply is not allowed while {self._phase.name}")
            self._reply = reply
            self._enter(Phase.RESPONDED)

    def fail_init(self, reply: Reply) -> None:
        """Take the runtime's own report that init failed."""
        with self._changed:
            if self._phase is not Phase.INIT:
                raise InvalidTransition(f"an init error is not allowed while {self._phase.name}")
            self.init_error = reply
            self._enter(Phase.INIT_FAILED)

    def runtime_exited(self, exit_code: int) -> None:
        """Note that the runtime's process has ended; negative is a signal."""
        with self._changed:
            self.exit_code = exit_code
            self._enter(Phase.EXITED)

    # Called for the environment.

    def wait_while(self, *phases: Phase, until_s: float) -> Phase:
        """Block while in one of `phases`, at most until `until_s` (monotonic); return the phase then."""
        with self._changed:
            self._changed.wait_for(lambda: self._phase not in phases, until_s - time.monotonic())
            return self._phase

    def offer(self, invocation: Invocation) -> None:
        """Hand the invocation to the runtime that waits for it."""
        with self._changed:
            if self._phase is not Phase.READY:
                raise InvalidTransition(f"an invocation is not allowed while {self._phase.name}")
            self._invocation, self._reply = invocation, None
            self._enter(Phase.INVOKING)

    def wait_reply(self, until_s: float) -> Reply | None:
        """Block until the reply, the runtime's end, or `until_s` (monotonic)."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._reply is not None or self._phase is Phase.EXITED, until_s - time.monotonic()
            )
            return self._reply

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._changed.notify_all()
