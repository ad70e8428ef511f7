"""Kill a runtime that uses more memory than its function has.

Resident memory is watched, and no RLIMIT_AS set: Lambda limits what is resident (a control group), and
its kernel kills without warning. RLIMIT_AS counts address space instead, which thread stacks and the
allocator's arenas reserve by the 64 MiB without using it, and turns the end into a MemoryError that a
handler may catch. The price of watching is that a fast handler gets past the limit for `INTERVAL_S`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

INTERVAL_S = 0.01
PROC = Path("/proc")


def check_available() -> None:
    """Raise OSError where there is no /proc to read from."""
    if not (PROC / "self" / "statm").exists():
        raise OSError("a memory limit can be enforced only where there is /proc, that is on Linux")


class MemoryWatcher:
    """Watch a process and all it started; call `on_exceeded` once when they use more than the limit."""

    def __init__(self, pid: int, limit_bytes: int, on_exceeded: Callable[[], None]) -> None:
        self._pid = pid
        self._limit_bytes = limit_bytes
        self._on_exceeded = on_exceeded
        self._stopped = threading.Event()
        self.exceeded = False
        self._thread = threading.Thread(target=self._watch, name="memory-watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            if memory_bytes(self._pid, self._limit_bytes) > self._limit_bytes:
                self.exceeded = True
                self._on_exceeded()
                return


def memory_bytes(pid: int, limit_bytes: int) -> int:
    """Return what a process and its descendants use; exact only over the limit, where it matters.

    Forked processes share pages, which the sum of their resident sizes counts many times. What each
    uses in proportion (`Pss`) takes the kernel long to add up, so it is asked only in doubt.
    """
    family = list(_family(pid))
    resident = sum(_resident_bytes(member) for member in family)
    if resident <= limit_bytes or len(family) == 1:
        return resident
    return sum(_proportional_bytes(member) for member in family)


def _family(pid: int) -> Iterator[int]:
    yield pid
    # A process may end at any moment, and a kernel may be built without `children`.
    with contextlib.suppress(OSError):
        for task in os.listdir(PROC / str(pid) / "task"):
            for child in (PROC / str(pid) / "task" / task / "children").read_text().split():
                yield from _family(int(child))


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError):
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def _proportional_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return _resident_bytes(pid)
