"""Captures that wait to be delivered: bounded, in order, and never in the handler's way.

A thread carries them to the sink while the invocation waits no longer than its time budget. What is
not through by then, or fails, stays and goes out with the next invocation.
"""

from __future__ import annotations

import threading
from collections import deque

from profiler.engines.sampler import OWN_THREAD_PREFIX
from profiler.errors import ProfilerError
from profiler.guard import logger
from profiler.keys import CaptureKey
from profiler.sinks import Sink

WAITING_AT_MOST_BYTES = 32 * 1024 * 1024


class Outbox:
    """The waiting captures of one environment. Over its bound the oldest go first, and that is logged."""

    def __init__(self, sink: Sink, bound_bytes: int = WAITING_AT_MOST_BYTES) -> None:
        self._sink = sink
        self._bound_bytes = bound_bytes
        self._waiting: deque[tuple[CaptureKey, bytes]] = deque()
        self._lock = threading.Lock()
        self._carrier: threading.Thread | None = None
        self._failing = False
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

    def deliver(self, budget_s: float) -> bool:
        """Carry what waits to the sink for at most `budget_s`; tell whether all of it arrived."""
        if not self._waiting:
            return True
        if budget_s <= 0:
            return False
        if self._carrier is None or not self._carrier.is_alive():
            name = f"{OWN_THREAD_PREFIX}-delivery"
            self._carrier = threading.Thread(target=self._carry, name=name, daemon=True)
            self._carrier.start()
        self._carrier.join(budget_s)
        return not self._waiting

    def _carry(self) -> None:
        """Put the oldest until none is left or the sink fails; one bad day is logged once."""
        while self._waiting:
            key, data = self._waiting[0]
            try:
                self._sink.put(key, data)
            except Exception as error:  # noqa: BLE001 — a sink may come from anywhere
                self._report(error)
                return
            self._failing = False
            self.delivered += 1
            with self._lock:
                # `add` may have dropped this one meanwhile.
                if self._waiting and self._waiting[0][0] is key:
                    self._waiting.popleft()

    def _report(self, error: Exception) -> None:
        if self._failing:
            return
        self._failing = True
        known = isinstance(error, ProfilerError)
        logger.warning(
            "profiler: capture not delivered, it will be tried again: %s", error, exc_info=not known
        )
