"""Captures that wait to be delivered: bounded, in order, and never in the handler's way.

A thread carries them to the sink while the invocation waits no longer than its time budget. What is
not through by then, or fails, stays and goes out with the next invocation. While the store is down no
invocation waits long for it: a profiler must not make an outage of S3 one of the function.
"""

from __future__ import annotations

import threading
from collections import deque

from profiler import own
from profiler.errors import ProfilerError
from profiler.guard import logger
from profiler.keys import CaptureKey
from profiler.sinks import Sink

WAITING_AT_MOST_BYTES = 32 * 1024 * 1024
# How long an invocation waits for a store that failed, or was too slow, the last time.
IMPATIENT_S = 0.25


class Outbox:
    """The waiting captures of one environment. Over its bound the oldest go first, and that is logged."""

    def __init__(self, sink: Sink, bound_bytes: int = WAITING_AT_MOST_BYTES) -> None:
        self._sink = sink
        self._bound_bytes = bound_bytes
        self._waiting: deque[tuple[CaptureKey, bytes]] = deque()
        self._lock = threading.Lock()
        self._carrier: threading.Thread | None = None
        self._failing = False
        self._slow = False
        self.dropped = 0
        self.delivered = 0

    def waiting(self) -> list[tuple[CaptureKey, bytes]]:
        """Return what has not arrived yet, oldest first."""
        with self._lock:
            return list(self._waiting)

    def check(self) -> None:
        """Find out whether the sink takes captures. Raises StoreError."""
        self._sink.check()

    def add(self, key: CaptureKey, data: bytes) -> None:
        """Queue one capture."""
        with self._lock:
            self._waiting.append((key, data))
            size = sum(len(waiting) for _, waiting in self._waiting)
            while size > self._bound_bytes and len(self._waiting) > 1:
                size -= len(self._waiting.popleft()[1])
                self.dropped += 1
                if self.dropped == 1:
                    logger.warning("profiler: captures are dropped, oldest first: the store takes none")

    def deliver(self, budget_s: float, *, patient: bool = False) -> bool:
        """Carry what waits to the sink for at most `budget_s`; tell whether all of it arrived.

        A sink that failed or was too slow the last time gets `IMPATIENT_S`, unless the caller is
        `patient`; what it started goes on behind the next invocation.
        """
        if (self._failing or self._slow) and not patient:
            budget_s = min(budget_s, IMPATIENT_S)
        if budget_s <= 0:
            return not self._waiting
        with self._lock:
            if not self._waiting:
                return True
            carrier = self._carrier
            # A forked child has a copy of the thread that is not alive.
            if carrier is None or not carrier.is_alive():
                name = f"{own.THREAD_PREFIX}-delivery"
                carrier = threading.Thread(target=self._carry, name=name, daemon=True)
                carrier.start()
                self._carrier = carrier
        carrier.join(budget_s)
        self._slow = carrier.is_alive()
        return not self._waiting

    def _carry(self) -> None:
        """Put the oldest until none is left or the sink fails; one bad day is logged once."""
        try:
            while (item := self._oldest()) is not None:
                self._sink.put(*item)
                self._failing = False
                self.delivered += 1
                with self._lock:
                    # `add` may have dropped this one meanwhile.
                    if self._waiting and self._waiting[0] is item:
                        self._waiting.popleft()
        except Exception as error:  # noqa: BLE001 — a sink may come from anywhere
            with self._lock:
                self._carrier = None
            self._report(error)

    def _oldest(self) -> tuple[CaptureKey, bytes] | None:
        """Return what is to be carried next; with nothing left, the next `deliver` needs a new thread."""
        with self._lock:
            if not self._waiting:
                self._carrier = None
                return None
            return self._waiting[0]

    def _report(self, error: Exception) -> None:
        if self._failing:
            return
        self._failing = True
        known = isinstance(error, ProfilerError)
        logger.warning(
            "profiler: capture not delivered, it will be tried again: %s", error, exc_info=not known
        )
