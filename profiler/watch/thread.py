"""The one thread of a process that looks after an invocation while it runs.

With nothing to look after it waits on a lock: it costs nothing, and in a frozen environment nothing of it
is left over. A task that has been taken back is never run again, however late the thread wakes.
"""

from __future__ import annotations

import _thread
import contextlib
import os
from collections.abc import Callable
from time import perf_counter_ns
from types import BuiltinFunctionType
from typing import Protocol

from profiler import own
from profiler.guard import logger
from profiler.host import hide_thread, leave_signals_to_others

_NEVER = 1 << 63


class Task(Protocol):
    """What is to be looked after; `due_ns` is when, of the thread's clock, and None when it is over."""

    due_ns: int | None

    def tick(self) -> None:
        """Look, and set `due_ns` anew. Runs in the thread."""


class WatchThread:
    """Runs one task at a time. `look_after` and `leave` come from any thread, and never wait."""

    def __init__(self, clock: Callable[[], int] = perf_counter_ns) -> None:
        # Kept here: code that replaces the functions of `time` replaces those of modules, too.
        self._clock = clock
        self._task: Task | None = None
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._wakes_ns = 0

    def start(self) -> None:
        """Start. Raises RuntimeError where no thread can be had."""
        if not isinstance(_thread.start_new_thread, BuiltinFunctionType):
            raise RuntimeError("threads are not the interpreter's own (gevent, eventlet)")
        # Not threading.Thread: it lives as long as the process, and user code that counts or hooks threads
        # must not see it. Nor does it keep the interpreter from exiting.
        _thread.start_new_thread(self._run, ())

    def look_after(self, task: Task) -> None:
        """Run a task from now on, instead of any other."""
        self._task = task
        # A thread that wakes early enough by itself is left asleep: many short invocations wake it seldom.
        if task.due_ns is not None and task.due_ns < self._wakes_ns:
            with contextlib.suppress(RuntimeError):  # it is awake
                self._wake.release()

    def leave(self, task: Task) -> None:
        """Run a task no more; one that runs at this moment comes to its end."""
        if self._task is task:
            self._task = None

    def _run(self) -> None:
        own.THREADS.add(_thread.get_ident())
        leave_signals_to_others()
        while True:
            self._step()

    def _step(self) -> None:
        # First this, then the look at the task: `look_after` does it the other way round, so that one of
        # them sees what the other has done.
        self._wakes_ns = _NEVER
        task = self._task
        due_ns = task.due_ns if task is not None else None
        if task is None or due_ns is None:
            self._wake.acquire()
            return
        wait_ns = due_ns - self._clock()
        if wait_ns <= 0:
            self._tick(task)
            return
        self._wakes_ns = due_ns
        is_same = self._task is task
        del task  # while this waits, it must not keep what an invocation has left
        if is_same:
            self._wake.acquire(timeout=wait_ns / 1e9)

    def _tick(self, task: Task) -> None:
        try:
            task.tick()
        except Exception:  # noqa: BLE001 — the next invocation needs this thread, too
            task.due_ns = None
            logger.warning("profiler: the watch failed; the handler is not affected", exc_info=True)
        finally:
            hide_thread()


# ---- one for the process --------------------------------------------------------------------------

_thread_of_process: WatchThread | None = None


def the_thread() -> WatchThread:
    """Return the thread of this process, started with the first call. Raises RuntimeError."""
    global _thread_of_process
    if _thread_of_process is None:
        thread = WatchThread()
        thread.start()
        _thread_of_process = thread
    return _thread_of_process


def _forget_after_fork() -> None:
    """A forked child has its parent's memory, but none of its threads."""
    global _thread_of_process
    _thread_of_process = None
    own.THREADS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
