"""Contain the profiler's own failures: caught, logged once, counted, and after three it disarms."""

from __future__ import annotations

import contextlib
import logging
from types import TracebackType

FAILURES_AT_MOST = 3

logger = logging.getLogger("profiler")


class Guard:
    """`with guard("start"):` around a step of the profiler's own, never around the handler."""

    def __init__(self) -> None:
        self.failures = 0
        self._step = ""

    @property
    def tripped(self) -> bool:
        """Whether the environment has seen too many failures to go on."""
        return self.failures >= FAILURES_AT_MOST

    def __call__(self, step: str) -> Guard:
        self._step = step
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        self.failures += 1
        if self.failures == 1:
            _say("profiler: %s failed; the handler is not affected", self._step, exc_info=error)
        elif self.tripped:
            _say("profiler: disarmed after %d failures, the last in %s", self.failures, self._step)
        return True


def _say(text: str, *values: object, exc_info: BaseException | None = None) -> None:
    # Lambda's own log handler raises where nothing can be written, and then there is nowhere to say so.
    with contextlib.suppress(Exception):
        logger.warning(text, *values, exc_info=exc_info)
