"""Captures that wait to be delivered: kept, bounded, in order, and never in the handler's way.

A thread carries them to the sink while the invocation waits no longer than its time budget. What is
not through by then, or fails, stays and goes out with a later invocation, of this process or another.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from time import monotonic

from profiler import own
from profiler.environment import ENVIRONMENT
from profiler.errors import ProfilerError
from profiler.guard import logger
from profiler.keys import CaptureKey
from profiler.outbox.carrier import Carrier
from profiler.outbox.patience import Patience
from profiler.outbox.shelf import Folder, Unreadable
from profiler.outbox.spool import Spool
from profiler.sinks import Sink

BOUND_BYTES = 64 * 2**20


class Outbox:
    """What one process has for one store, and what others left for it in `folder`.

    Without a folder captures wait in memory. `at_once` is for a sink that is as safe and as quick as
    the disk: it is tried in `add` itself, and the outbox is for what it did not take.
    """

    def __init__(
        self,
        sink: Sink,
        bound_bytes: int = BOUND_BYTES,
        folder: Folder | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        self._sink = sink
        self._at_once = at_once
        self._spool = Spool(bound_bytes, folder)
        self._start()

    def _start(self) -> None:
        self._process_id = os.getpid()
        self._environment_id = ENVIRONMENT.id
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._patience = Patience()
        self._carrier = Carrier(self._sink, self._spool, self._note_arrival)
        self._carried = 0
        self._carried_own = 0
        self._is_reported = False
        self._dropped_before = self._spool.dropped

    @property
    def dropped(self) -> int:
        """How many captures had to give way to newer ones."""
        return self._spool.dropped

    @property
    def delivered(self) -> int:
        """How many captures of this process have arrived, whoever carried them."""
        self._follow_fork()
        return self._carried_own + len(self._spool.own.difference(self._spool.names()))

    def waiting(self) -> list[tuple[CaptureKey, bytes]]:
        """Return what has not arrived yet, oldest first, of all processes that share the folder."""
        self._follow_fork()
        return [item for name in self._spool.names() if (item := self._read(name)) is not None]

    def is_empty(self) -> bool:
        """Tell whether nothing waits."""
        self._follow_fork()
        return self._spool.is_empty()

    def take_back(self) -> Iterator[tuple[CaptureKey, bytes]]:
        """Yield what this process added and has not arrived, and forget each when the next is asked for."""
        self._follow_fork()
        for name in self._spool.names():
            if name in self._spool.own and (item := self._read(name)) is not None:
                yield item
                self._spool.remove(name)

    def notes(self) -> tuple[str, ...]:
        """Return what a reader of the next capture should know."""
        if not self.dropped:
            return ()
        return (f"{self.dropped} earlier captures were dropped: the store took none (PROFILER_SPOOL_MB)",)

    def check(self) -> None:
        """Find out whether the sink takes captures. Raises StoreError."""
        self._sink.check()

    def add(self, key: CaptureKey, data: bytes) -> str | None:
        """Keep one capture: from now on it survives this process, where there is a disk.

        Returns the name under which it waits; None where the sink has taken it at once.
        """
        self._follow_fork()
        if self._at_once and self._put_at_once(key, data):
            return None
        return self._spool.add(key, data)

    def withdraw(self, name: str) -> bool:
        """Take a capture back that waits; False where it has gone out.

        One that is on its way at this moment may arrive all the same.
        """
        self._follow_fork()
        try:
            return self._spool.remove(name)
        except OSError:
            return False

    def deliver(self, budget_s: float, *, patient: bool = False) -> bool:
        """Carry what waits to the sink for at most `budget_s`; tell whether all of it arrived.

        From any thread. A sink that failed or was too slow the last time gets less, and in some
        invocations nothing (`Patience`), unless the caller is `patient`.
        """
        self._follow_fork()
        if self._spool.is_empty():
            return True
        may_retry = patient or not self._patience.failing
        if not patient:
            budget_s = self._patience.granted_s(budget_s)
        if budget_s <= 0:
            return False
        until_s = monotonic() + budget_s
        before = self._carried
        thread, is_new = self._carrying(until_s, may_retry)
        thread.join(budget_s)
        if patient and not is_new and not thread.is_alive() and not self._spool.is_empty():
            # It was on its way already, with what it knew before this call.
            thread, _ = self._carrying(until_s, may_retry)
            thread.join(max(0.0, until_s - monotonic()))
        is_empty = self._spool.is_empty()
        self._patience.slow = not is_empty
        if thread.is_alive() and self._carried == before:
            self._patience.failed()
        return is_empty

    # ---- the thread ----------------------------------------------------------------------------

    def _carrying(self, until_s: float, may_retry: bool) -> tuple[threading.Thread, bool]:
        """Return the thread that carries, with the time that it has, and whether it is a new one."""
        with self._lock:
            self._carrier.may_retry = may_retry
            if self._thread is not None and self._thread.is_alive():
                self._carrier.until_s = max(self._carrier.until_s, until_s)
                return self._thread, False
            self._carrier.until_s = until_s
            self._carrier.begin()
            name = f"{own.THREAD_PREFIX}-delivery"
            thread = threading.Thread(target=self._carry, name=name, daemon=True)
            thread.start()
            self._thread = thread
            return thread, True

    def _carry(self) -> None:
        """Deliver until nothing is left, the time is over or the sink fails."""
        try:
            while (name := self._next()) is not None:
                error = self._carrier.carry(name)
                if error is not None:
                    self._fail(error)
                    return
        except Exception as error:  # noqa: BLE001 — the disk, for one
            self._fail(error)

    def _next(self) -> str | None:
        """Return what is to be carried next; with nothing left, the next `deliver` needs a new thread."""
        with self._lock:
            name = self._carrier.next() if monotonic() < self._carrier.until_s else None
            if name is None:
                self._thread = None
            return name

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._thread = None
        self._patience.failed()
        self._report(error)

    def _note_arrival(self, is_own: bool) -> None:
        self._patience.succeeded()
        self._carried += 1
        self._carried_own += is_own
        if self._is_reported and self.dropped > self._dropped_before:
            count = self.dropped - self._dropped_before
            logger.warning("profiler: the store takes captures again; %d were dropped meanwhile", count)
        self._is_reported = False
        self._dropped_before = self.dropped

    def _report(self, error: Exception) -> None:
        """One bad day is told once."""
        if self._is_reported:
            return
        self._is_reported = True
        known = isinstance(error, ProfilerError)
        logger.warning(
            "profiler: capture not delivered, it will be tried again: %s",
            error,
            exc_info=error if not known else None,
        )

    # ---- small steps ---------------------------------------------------------------------------

    def _follow_fork(self) -> None:
        """A forked child has neither the thread nor what was its parent's to deliver."""
        if os.getpid() != self._process_id:
            self._spool.start_over()
            self._start()
        elif ENVIRONMENT.id != self._environment_id:
            # Restored from a snapshot: what waits is still here, but how the store did is long ago.
            self._start()

    def _put_at_once(self, key: CaptureKey, data: bytes) -> bool:
        try:
            self._sink.put(key, data)
        except Exception as error:  # noqa: BLE001 — a sink may come from anywhere
            self._patience.failed()
            self._report(error)
            return False
        self._note_arrival(True)
        return True

    def _read(self, name: str) -> tuple[CaptureKey, bytes] | None:
        try:
            return self._spool.read(name)
        except (KeyError, Unreadable, OSError):
            return None
