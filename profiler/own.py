"""What is the profiler's own: its files and its threads, which are part of nobody's profile."""

from __future__ import annotations

import os

DIRECTORY = os.path.dirname(os.path.abspath(__file__)) + os.sep
THREAD_PREFIX = "invocation-profiler"
# Those that live as long as the process, and that `threading` does not know: their idents.
THREADS: set[int] = set()
# A forked child has none of them, and gives their idents to others.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=THREADS.clear)


def is_own_file(path: str) -> bool:
    """Tell whether a source file is part of the profiler."""
    return path.startswith(DIRECTORY)


def is_own_module(name: str) -> bool:
    """Tell whether a module is part of the profiler."""
    return name.partition(".")[0] == "profiler"
