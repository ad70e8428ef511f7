"""What is the profiler's own: its files and its threads, which are part of nobody's profile."""

from __future__ import annotations

import os
import sys

DIRECTORY = os.path.dirname(os.path.abspath(__file__)) + os.sep
THREAD_PREFIX = "invocation-profiler"
# Those that live as long as the process, and that `threading` does not know: their idents.
THREADS: set[int] = set()


def is_own_file(path: str) -> bool:
    """Tell whether a source file is part of the profiler."""
    return path.startswith(DIRECTORY)


def forget_thread(ident: int) -> None:
    """Let go of one of `THREADS` that is about to end, and of the dummy that `threading` has made for it.

    Where something asked for the current thread there is one; it would stand in `threading.enumerate()` for
    ever, up to Python 3.12.
    """
    THREADS.discard(ident)
    threading = sys.modules.get("threading")
    if threading is not None and type(threading._active.get(ident)) is threading._DummyThread:
        threading._active.pop(ident, None)
