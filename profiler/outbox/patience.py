"""How long an invocation waits for a store, by how the store did lately.

An outage of the store must not become one of the function. A store that failed is given little time;
one that goes on failing is asked in ever fewer invocations, and each environment picks its own, so that
they do not all come back at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

# At most, of a store that is well: a deadline may be a quarter of an hour away.
PATIENT_S = 10.0
# Of one that failed, or was too slow, the last time.
IMPATIENT_S = 0.25

_FAILURES_WITHOUT_PAUSE = 8
_PAUSED_CALLS_AT_MOST = 64
# A pause is counted in calls, for the clock of a frozen environment may stand still; but a function
# that is called once a minute must not wait for half an hour.
_SECONDS_PER_CALL = 1.0


def share_at_random() -> float:
    """Return a number from 0 to 1. Not of `random`: its seed and its sequence are the user's."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


class Patience:
    """Told of each success and failure; `granted_s` is asked before each delivery."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._calls_to_skip = 0
        self._paused_until_s = 0.0
        self.slow = False

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def succeeded(self) -> None:
        """Note that a capture arrived."""
        self._failures = 0
        self._calls_to_skip = 0

    def failed(self) -> None:
        """Note that nothing arrived although it was tried."""
        self._failures += 1
        doublings = self._failures - _FAILURES_WITHOUT_PAUSE
        if doublings >= 0:
            calls = min(_PAUSED_CALLS_AT_MOST, 2 ** min(doublings, 10))
            self._calls_to_skip = max(1, round(calls * (1 + share_at_random()) / 2))
            self._paused_until_s = self._clock() + self._calls_to_skip * _SECONDS_PER_CALL

    def granted_s(self, budget_s: float) -> float:
        """Return how much of a budget the store gets in this invocation; 0 during a pause."""
        if self._calls_to_skip > 0 and self._clock() < self._paused_until_s:
            self._calls_to_skip -= 1
            return 0.0
        return min(budget_s, IMPATIENT_S if self.failing or self.slow else PATIENT_S)
