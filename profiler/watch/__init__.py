"""Invocations that do not come to their end: watched by a thread, kept on disk, found by the next process."""

from profiler.watch.watch import Watch

__all__ = ["Watch"]
