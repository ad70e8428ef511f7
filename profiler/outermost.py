"""Which armed call is an invocation: the outermost. One that it makes, or waits for, is a part of it.

A call is a part of another where that one is still under way and

- it is made in the same context (`contextvars`): within the other, or in a task which that has started; or
- it is made in another thread while the main thread is in the other. Lambda calls a handler in the main
  thread, one at a time for each process; so what a thread of its executor calls belongs to it.

Calls side by side in threads of a server, or in tasks, are invocations of their own.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from threading import get_ident, main_thread


class Outermost:
    """An outermost call from its begin to its end. `close` may come from another context or thread."""

    __slots__ = ("is_open",)

    def __init__(self) -> None:
        self.is_open = True
        _current.set(self)
        if get_ident() == main_thread().ident:
            _in_main.add(self)

    def close(self) -> None:
        """Let the next call be an invocation again."""
        self.is_open = False
        _in_main.discard(self)


# Never set back, but looked at: a coroutine may be closed in another context than the one it was begun in.
_current: ContextVar[Outermost | None] = ContextVar("invocation_profiler_outermost", default=None)
_in_main: set[Outermost] = set()


def enter() -> Outermost | None:
    """Return the outermost call that begins here, to be closed; None within another one."""
    current = _current.get()
    if current is not None and current.is_open:
        return None
    if _in_main and get_ident() != main_thread().ident:
        return None
    return Outermost()


def _follow_fork() -> None:
    """What a forked child calls is not a part of its parent's invocation."""
    _current.set(None)
    _in_main.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_follow_fork)
