"""The state machine of one runtime in one execution environment: no sockets, no processes.

    INIT ──next──▶ READY ──offer──▶ INVOKING ──reply──▶ RESPONDED ──next──▶ READY …
      └──restore/next──▶ SNAPSHOT ──restore──▶ RESTORING ──next──▶ READY
    INIT, RESTORING ──error──▶ FAILED                any ──runtime exits──▶ EXITED

RESPONDED is the time between the response and the next `next`: the caller has its answer, the
environment is not yet free (and on Lambda not yet frozen). SNAPSHOT is where SnapStart copies the
machine: whatever a function's init made is in the copy.
"""

from __future__ import annotations

import enum
import threading

from profiler.testing.protocol import Invocation, Refused, Reply


class Phase(enum.Enum):
    """Where the runtime is; see the module's drawing."""

    INIT = enum.auto()
    SNAPSHOT = enum.auto()
    RESTORING = enum.auto()
    READY = enum.auto()
    INVOKING = enum.auto()
    RESPONDED = enum.auto()
    FAILED = enum.auto()
    EXITED = enum.auto()


class RuntimeState:
    """Meeting point of the runtime's HTTP calls and the environment's `invoke`.

    `changed` guards everything and is notified of every step; extensions share it.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._phase = Phase.INIT
        self._invocation: Invocation | None = None
        self._reply: Reply | None = None
        self.failure: Reply | None = None
        self.exit_code: int | None = None

    @property
    def phase(self) -> Phase:
        """Return the present phase."""
        return self._phase

    # Called for the runtime.

    def next_invocation(self) -> Invocation | None:
        """Block until there is an invocation; None when the runtime has ended meanwhile."""
        with self._changed:
            self._allow("next", Phase.INIT, Phase.RESTORING, Phase.RESPONDED)
            self._enter(Phase.READY)
            self._changed.wait_for(lambda: self._phase is not Phase.READY)
            return None if self.phase is Phase.EXITED else self._invocation

    def next_restore(self) -> bool:
        """Block until the snapshot is restored; False when the runtime has ended meanwhile."""
        with self._changed:
            self._allow("restore/next", Phase.INIT)
            self._enter(Phase.SNAPSHOT)
            self._changed.wait_for(lambda: self._phase is not Phase.SNAPSHOT)
            return self.phase is not Phase.EXITED

    def reply(self, request_id: str, reply: Reply) -> None:
        """Take the response or the error of the current invocation."""
        with self._changed:
            if self._invocation is None or request_id != self._invocation.request_id:
                raise invalid_request_id()
            self._allow("a reply", Phase.INVOKING)
            self._reply = reply
            self._enter(Phase.RESPONDED)

    def fail_init(self, failure: Reply) -> None:
        """Take the runtime's own report that init failed."""
        self._fail("an init error", Phase.INIT, failure)

    def fail_restore(self, failure: Reply) -> None:
        """Take the runtime's own report that a hook after the restore failed."""
        self._fail("a restore error", Phase.RESTORING, failure)

    def runtime_exited(self, exit_code: int) -> None:
        """Note that the runtime's process has ended; negative is a signal."""
        with self._changed:
            self.exit_code = exit_code
            self._enter(Phase.EXITED)

    # Called for the environment, which holds `changed`.

    def offer(self, invocation: Invocation) -> None:
        """Hand the invocation to the runtime that waits for it."""
        with self._changed:
            self._allow("an invocation", Phase.READY)
            self._invocation, self._reply = invocation, None
            self._enter(Phase.INVOKING)

    def restore(self) -> None:
        """Wake the runtime from its snapshot."""
        with self._changed:
            self._allow("a restore", Phase.SNAPSHOT)
            self._enter(Phase.RESTORING)

    def reply_to(self, _request_id: str) -> Reply | None:
        """Return the reply to the invocation offered last; None before that."""
        return self._reply

    def is_done(self, _request_id: str) -> bool:
        """Say whether the runtime has answered and asked for more."""
        return self._phase is Phase.READY

    def forget(self, request_id: str) -> None:
        """Drop what is known of an invocation; one at a time there is nothing to drop."""

    def _fail(self, what: str, phase: Phase, failure: Reply) -> None:
        with self._changed:
            self._allow(what, phase)
            self.failure = failure
            self._enter(Phase.FAILED)

    def _allow(self, what: str, *phases: Phase) -> None:
        if self._phase not in phases:
            raise Refused(403, "InvalidStateTransition", f"{what} is not allowed while {self._phase.name}")

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._changed.notify_all()


def invalid_request_id() -> Refused:
    """Return the refusal of a reply to an invocation that is not a current one."""
    return Refused(400, "InvalidRequestID", "Invalid request ID")
