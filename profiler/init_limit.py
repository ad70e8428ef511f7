"""Lambda's limit of init: ten seconds for a function on demand, after which the process is killed.

Then init runs once more, in a new process of the same environment, which finds the temporary files of the
first. Provisioned concurrency, SnapStart and Managed Instances have minutes, and no limit here.

Source: "Understanding the Lambda execution environment lifecycle" in the AWS Lambda developer guide.
"""

from __future__ import annotations

import _thread
import os
from collections.abc import Callable, Mapping

from profiler import host, own
from profiler.aws.context import is_lambda

LIMIT_S = 10.0
# What the end of init waits for a call that is under way.
_PATIENCE_S = 2.0


class InitLimit:
    """Call `near` from a thread of its own, `reserve_s` before the limit, unless `end` comes first."""

    def __init__(self, reserve_s: float, near: Callable[[], None]) -> None:
        self._near = near
        self._process_id = os.getpid()
        self._over = _thread.allocate_lock()
        self._is_watched = _thread.allocate_lock()
        self._was_near = False
        left_s = left_of_init_s(os.environ, host.process_age_s() or 0.0) - reserve_s
        if 0 < left_s < _thread.TIMEOUT_MAX:
            self._over.acquire()
            self._is_watched.acquire()
            # Not threading.Thread: user code that counts or hooks threads must not see this one.
            _thread.start_new_thread(self._watch, (left_s,))

    def end(self) -> bool:
        """Say that init is over; tell whether `near` was called."""
        if self._over.locked() and os.getpid() == self._process_id:
            self._over.release()
            self._is_watched.acquire(timeout=_PATIENCE_S)
        return self._was_near

    def _watch(self, left_s: float) -> None:
        own.THREADS.add(_thread.get_ident())
        try:
            host.leave_signals_to_others()
            if not self._over.acquire(timeout=left_s):
                self._was_near = True
                self._near()
        finally:
            own.THREADS.discard(_thread.get_ident())
            self._is_watched.release()


def left_of_init_s(environ: Mapping[str, str], age_s: float) -> float:
    """Return how long init may still take in a process of this age; infinite where there is no limit."""
    kind = environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "")
    if not is_lambda(environ) or kind not in ("", "on-demand") or environ.get("AWS_LAMBDA_MAX_CONCURRENCY"):
        return float("inf")
    return LIMIT_S - age_s
