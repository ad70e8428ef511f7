"""The decision, before an invocation, whether to capture it."""

from __future__ import annotations

import os

_SCALE = 1 << 32


class RateTrigger:
    """Capture a share of invocations, up to so many in one environment."""

    name = "rate"

    def __init__(self, rate: float, max_captures: int) -> None:
        self._threshold = round(rate * _SCALE)
        self._left = max_captures

    @property
    def exhausted(self) -> bool:
        """Whether it will never fire again."""
        return self._left <= 0

    def fires(self) -> bool:
        """Decide for one invocation."""
        if self._left <= 0 or not self._drawn():
            return False
        self._left -= 1
        return True

    def _drawn(self) -> bool:
        if self._threshold >= _SCALE:
            return True
        # Not `random`: the handler's own sequence of random numbers must not change.
        return int.from_bytes(os.urandom(4), "little") < self._threshold
