"""SIGTERM: the half second that Lambda leaves a process at a time-out, where an extension is registered.

The hook stands only while a captured invocation runs, and only in the place of a handler written in Python
or of the system's default. After its own work it does what would have been done without it. What user code
installs meanwhile stays; a hook that somebody has kept is without effect once its invocation is over.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any


class SigtermHook:
    """Stands in for the handler before it while an invocation runs."""

    def __init__(self, before: Any, work: Callable[[], None]) -> None:
        self._before = before
        self._work: Callable[[], None] | None = work
        self._process_id = os.getpid()

    @classmethod
    def install(cls, work: Callable[[], None]) -> SigtermHook | None:
        """Have `work` done at SIGTERM; None where the hook cannot stand, or nobody would end."""
        before = _current()
        while isinstance(before, SigtermHook) and before._work is None:
            before = before._before  # somebody kept it and put it back
        # None is a handler of C code's, which could not be put back.
        if before is None or before is signal.SIG_IGN:
            return None
        hook = cls(before, work)
        try:
            signal.signal(signal.SIGTERM, hook)
        except ValueError:  # not the main thread
            return None
        _installed.append(hook)
        return hook

    def remove(self) -> None:
        """Put back what was there, unless somebody else has put something there meanwhile."""
        self._work = None
        if self in _installed:
            _installed.remove(self)
        if _current() is self:
            try:
                signal.signal(signal.SIGTERM, self._before)
            except ValueError:  # not the main thread: it stays, without effect
                return

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Do the work, then what the handler before does."""
        work = self._work
        if work is not None and os.getpid() == self._process_id:
            work()
        if callable(self._before):
            self._before(number, frame)
            return
        if _current() is not self:
            return  # called by the handler that took its place, to which the default is nothing to call
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _current() -> Any:
    return signal.getsignal(signal.SIGTERM)


# A forked child has the hook, but is not what it stands for; there SIGTERM ends it as without us.
_installed: list[SigtermHook] = []


def _remove_after_fork() -> None:
    for hook in list(_installed):
        hook.remove()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_remove_after_fork)
