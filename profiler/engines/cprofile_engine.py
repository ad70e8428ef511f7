"""The standard library's cProfile: who called whom, how often, and for how long, in one thread.

Up to Python 3.11 it hooks the thread that starts it. From 3.12 on it is told of the calls of all threads and
takes them for those of one (`Modules/_lsprof.c`): what it says is then wrong, and not just incomplete. So
there it declines while another thread runs, and gives up what it saw where one was started.
"""

from __future__ import annotations

import _thread
import sys
import time
from types import CodeType
from typing import Any

from profiler.capture import EngineInfo, ThreadProfile
from profiler.engines.base import Declined, Recording
from profiler.engines.edges import Called, call_graph
from profiler.host import thread_name

# From here on it sees all threads, and sits in one of the slots of `sys.monitoring` that only one can have.
_MIXES_THREADS = sys.version_info >= (3, 12)
_STARTS_THREADS = ("_thread.start_new_thread", "_thread.start_joinable_thread", "_thread.start_new>")


class CProfileEngine:
    """Trace every call of the thread that starts it; by the wall clock or by that thread's CPU time."""

    # Whether no other thread may run beside it, not even one of ours.
    alone = _MIXES_THREADS

    def __init__(self, interval_ns: int = 0, clock: str = "wall") -> None:
        import _lsprof

        self._clock = clock
        # A timer of one's own costs a call each time; the built-in one is the wall clock.
        by_cpu = clock == "cpu"
        self._profiler = _lsprof.Profiler(time.thread_time_ns, 1e-9) if by_cpu else _lsprof.Profiler()

    def start(self) -> None:
        """Begin to trace. Raises Declined where somebody else profiles, or threads would be mixed up."""
        if sys.getprofile() is not None:
            raise Declined("a profile function is already set in this thread; cprofile was not started")
        if _MIXES_THREADS and len(_threads()) > 1:
            raise Declined(
                "other threads run, and from Python 3.12 on cProfile mixes up their calls; "
                "cprofile was not started (yappi tells threads apart)"
            )
        self._thread_name = thread_name(_thread.get_ident())
        try:
            self._profiler.enable()
        except ValueError as error:
            raise Declined(f"cprofile was not started: {error}") from error

    def read(self) -> Recording:
        """Return what has been counted so far; a call that goes on is in nobody's time yet."""
        return self._recording()

    def stop(self) -> Recording:
        """End tracing and return the call graph; what took its place meanwhile is left there."""
        holder = sys.getprofile()
        self._profiler.disable()
        recording = self._recording(*self._put_back(holder))
        self._profiler.clear()
        return recording

    def _put_back(self, holder: Any) -> tuple[str, ...]:
        """Put back a profiler that was in the slot instead of ours: `disable` has cleared it, up to 3.11."""
        if _MIXES_THREADS or holder is self._profiler:
            return ()
        if callable(holder):
            sys.setprofile(holder)
        elif holder is not None:
            holder.enable()  # another cProfile
        return ("another profiler took this thread over; what came after it is missing",)

    def _recording(self, *notes: str) -> Recording:
        stats = self._profiler.getstats()
        info = EngineInfo("cprofile", clock=self._clock)
        threads = (ThreadProfile(self._thread_name, (), ()),)
        if _MIXES_THREADS and any(_starts_a_thread(entry.code) for entry in stats):
            mixed = "threads were started, and cProfile has mixed up their calls: what it saw is left out"
            return Recording(info, (), threads, notes=(mixed,))
        frames, edges = call_graph(map(_called, stats))
        return Recording(info, frames, threads, edges, notes)


def _threads() -> set[int]:
    """Return the idents of all threads that run Python code, or wait in it."""
    return set(sys._current_frames())


def _called(entry: Any) -> Called:
    """Turn one `profiler_entry` into a function with its callees; `_lsprof` counts in seconds."""
    return Called(
        key=id(entry.code),
        code=entry.code if isinstance(entry.code, CodeType) else _name(entry.code),
        calls=entry.callcount,
        self_ns=round(entry.inlinetime * 1e9),
        total_ns=round(entry.totaltime * 1e9),
        callees=[
            (id(sub.code), sub.callcount, round(sub.inlinetime * 1e9), round(sub.totaltime * 1e9))
            for sub in entry.calls or ()
        ],
    )


def _name(description: str) -> str:
    """Return the name in `<built-in method time.sleep>` and `<method 'append' of 'list' objects>`."""
    text = description.strip("<>")
    if text.startswith("method '"):
        method, _, kind = text[len("method '") :].partition("' of '")
        return f"{kind.partition(chr(39))[0]}.{method}"
    return text.removeprefix("built-in method ").removeprefix("built-in function ")


def _starts_a_thread(code: Any) -> bool:
    return isinstance(code, str) and any(name in code for name in _STARTS_THREADS)
