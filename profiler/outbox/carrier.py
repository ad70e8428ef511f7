"""Carry waiting captures to the sink, one after the other, and learn which of them cannot be carried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from time import monotonic, sleep

from profiler.errors import ProfilerError
from profiler.guard import logger
from profiler.outbox.patience import share_at_random
from profiler.outbox.shelf import Claim, Unreadable
from profiler.outbox.spool import Spool
from profiler.outbox.verdict import Verdict, verdict_of
from profiler.sinks import Sink

ATTEMPTS_AT_MOST = 4
_FIRST_PAUSE_S = 0.1
_PAUSE_AT_MOST_S = 2.0
# A capture that failed so often goes behind the others, and so often again.
_FAILURES_PER_PLACE = 8
# So many times refused, or failed while others arrived: it is the capture, not the store.
_DOUBTS_AT_MOST = 3


class Carrier:
    """Of one outbox. What it knows of single captures outlives a pass, but not the process.

    `until_s` (of the monotonic clock) and `may_retry` may be changed while a pass is under way.
    """

    def __init__(self, sink: Sink, spool: Spool, arrived: Callable[[bool], None]) -> None:
        self.until_s = 0.0
        self.may_retry = True
        self._sink = sink
        self._spool = spool
        self._arrived = arrived
        self._failures: Counter[str] = Counter()
        self._doubts: Counter[str] = Counter()
        self._has_refused = False
        self.begin()

    def begin(self) -> None:
        """Begin a pass over all that waits."""
        self._queue: list[str] = []
        self._seen: set[str] = set()
        self._carried = 0

    def next(self) -> str | None:
        """Return the oldest that this pass has not seen, behind it what failed often; None at the end."""
        if not self._queue:
            names = self._spool.names()
            self._forget_all_but(names)
            fresh = [name for name in names if name not in self._seen]
            fresh.sort(key=lambda name: (self._failures[name] // _FAILURES_PER_PLACE, name), reverse=True)
            self._queue = fresh
        if not self._queue:
            return None
        name = self._queue.pop()
        self._seen.add(name)
        return name

    def carry(self, name: str) -> Exception | None:
        """Deliver one capture; return the error after which the others need not be tried."""
        try:
            claim = self._spool.claim(name)
        except Unreadable as unreadable:
            self._set_aside(name, None, unreadable)
            return None
        if claim is None:
            return None
        with claim:
            error = self._put(claim)
            if error is None:
                self._carried += 1
                self._arrived(self._spool.take_off(name))
                return None
            is_refused = verdict_of(error) is Verdict.REFUSED
            if is_refused or self._carried:
                self._doubts[name] += 1
            if self._doubts[name] >= _DOUBTS_AT_MOST:
                self._set_aside(name, claim, error)
                return None
        self._failures[name] += 1
        return None if is_refused else error

    def _put(self, claim: Claim) -> Exception | None:
        """Try, and try again after pauses of random and growing length, while there is time for it."""
        for attempt in range(1, ATTEMPTS_AT_MOST + 1):
            try:
                self._sink.put(claim.key, claim.data)
                return None
            except Exception as error:  # noqa: BLE001 — a sink may come from anywhere
                failure = error
            if not self.may_retry or verdict_of(failure) is not Verdict.RETRY:
                break
            pause_s = min(_PAUSE_AT_MOST_S, _FIRST_PAUSE_S * 2**attempt) * share_at_random()
            if attempt == ATTEMPTS_AT_MOST or monotonic() + pause_s >= self.until_s:
                break
            sleep(pause_s)
        return failure

    def _set_aside(self, name: str, claim: Claim | None, error: Exception) -> None:
        where = self._spool.set_aside(name, claim)
        if not self._has_refused:
            self._has_refused = True
            known = isinstance(error, (ProfilerError, Unreadable))
            logger.warning(
                "profiler: a capture cannot be delivered, %s: %s", where, error, exc_info=not known and error
            )

    def _forget_all_but(self, names: list[str]) -> None:
        for counter in (self._failures, self._doubts):
            for name in counter.keys() - set(names):
                del counter[name]
