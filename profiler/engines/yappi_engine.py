"""yappi: who called whom in all threads, with the time that coroutines waited.

Its statistics are read as its C module gives them, by function and thread: its own classes join threads by
name, and search through all functions for each edge.
"""

from __future__ import annotations

import _thread
import functools
import sys
import threading
from types import CodeType
from typing import Any

import _yappi
import yappi

from profiler import own
from profiler.capture import EngineInfo, ThreadProfile
from profiler.engines.base import Declined, Recording
from profiler.engines.edges import Called, call_graph
from profiler.host import thread_name

# The fields of an entry, by their position (enum_func_stats in yappi's _yappi.c).
_NAME, _MODULE, _CALLS, _IS_C, _TOTAL_S, _SELF_S = 0, 1, 3, 5, 6, 7
_INDEX, _CALLEES, _CONTEXT, _CODE = 8, 9, 10, 13


class YappiEngine:
    """Trace every call in every thread; by the wall clock or by the threads' CPU time."""

    def __init__(self, interval_ns: int = 0, clock: str = "wall") -> None:
        self._clock = clock
        self._version = _version()  # looked up now, outside of the invocation

    def start(self) -> None:
        """Begin to trace. Raises Declined where somebody else profiles or keeps yappi's statistics."""
        if yappi.is_running() or _entries():
            raise Declined("yappi is in use already; it was not started a second time")
        if sys.getprofile() is not None or threading.getprofile() is not None:
            raise Declined("a profile function is already set; yappi was not started")
        self._thread = _thread.get_ident()
        self._thread_name = thread_name(self._thread)
        try:
            yappi.set_clock_type(self._clock)
            yappi.start(builtins=True)
        except yappi.YappiError as error:
            raise Declined(f"yappi was not started: {error}") from error

    def read(self) -> Recording:
        """Return what has been counted so far; a call that goes on is in nobody's time yet."""
        # Paused, for what the garbage collector may run meanwhile would change what is being read. Nobody
        # else runs, so nothing is missed.
        _yappi._pause()
        try:
            entries = _entries()
        finally:
            _yappi._resume()
        return self._recording(entries)

    def stop(self) -> Recording:
        """End tracing, forget yappi's statistics and return them; another's hook is left where it is."""
        _mark_the_end()
        hook, hook_of_threads = sys.getprofile(), threading.getprofile()
        yappi.stop()
        if hook is not None:
            sys.setprofile(hook)
        if hook_of_threads is not yappi._profile_thread_callback:
            threading.setprofile(hook_of_threads)
        entries = _entries()
        try:
            if any(entry[_CODE] is _mark_the_end.__code__ for entry in entries):
                return self._recording(entries)
            return self._recording(
                entries, "another profiler took the handler's thread over; what came after it is missing"
            )
        finally:
            yappi.clear_stats()

    def _recording(self, entries: list[tuple[Any, ...]], *notes: str) -> Recording:
        hidden = self._own_contexts(entries)
        functions = [_called(entry) for entry in entries if entry[_CONTEXT] not in hidden]
        frames, edges = call_graph(functions, (yappi.__file__,))
        info = EngineInfo("yappi", clock=self._clock, version=self._version)
        return Recording(info, frames, (ThreadProfile(self._thread_name, (), ()),), edges, notes)

    def _own_contexts(self, entries: list[tuple[Any, ...]]) -> set[int]:
        """Return the threads that are the profiler's own: all that ran its code but the handler's."""
        handler = {number for _, number, ident, *_ in _contexts() if ident == self._thread}
        ours = {
            entry[_CONTEXT]
            for entry in entries
            if isinstance(entry[_CODE], CodeType) and own.is_own_file(entry[_CODE].co_filename)
        }
        return ours - handler


def _called(entry: tuple[Any, ...]) -> Called:
    code = entry[_CODE]
    return Called(
        key=entry[_INDEX],
        code=code if isinstance(code, CodeType) else f"{entry[_MODULE]}.{entry[_NAME]}",
        calls=entry[_CALLS],
        self_ns=round(entry[_SELF_S] * 1e9),
        total_ns=round(entry[_TOTAL_S] * 1e9),
        callees=[
            (index, calls, round(self_s * 1e9), round(total_s * 1e9))
            for index, calls, _, total_s, self_s in entry[_CALLEES]
        ],
    )


def _entries() -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    _yappi.enum_func_stats(found.append, {})
    return found


def _contexts() -> list[tuple[Any, ...]]:
    """Return (name, number, thread's ident, …) of every thread that was seen."""
    found: list[tuple[Any, ...]] = []
    _yappi.enum_context_stats(found.append)
    return found


def _mark_the_end() -> None:
    """Be called: what is missing from the statistics tells that nobody was counting any more."""


@functools.cache
def _version() -> str:
    from importlib.metadata import version

    return version("yappi")
