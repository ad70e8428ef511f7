"""What differs from one operating system to the next, with its fallback, in one place.

Every function returns None where the platform cannot say; none raises.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import time
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

IS_LINUX = sys.platform.startswith("linux")
CAN_LOCK_FILES = fcntl is not None
_PR_SET_TIMERSLACK = 29
# struct mallinfo2, mallinfo(3)
_MALLINFO2_FIELDS = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def thread_name(ident: int) -> str:
    """Return the name of a Python thread, or a number for one that `threading` does not know."""
    threading = sys.modules.get("threading")
    thread = threading._active.get(ident) if threading else None
    # Not `thread.name`: a subclass of the user's may compute it.
    return str(thread._name) if thread is not None else f"thread {ident}"


def thread_cpu_ns(ident: int) -> int | None:
    """Return the CPU time that a thread has used so far.

    Through the kernel's per-thread clock of a thread id (clock_getcpuclockid(3) encodes it so);
    `time.pthread_getcpuclockid` reads freed memory for a thread that has just ended.
    """
    if not IS_LINUX:
        return None
    threading = sys.modules.get("threading")
    thread = threading._active.get(ident) if threading else None
    native_id = getattr(thread, "native_id", None)
    if ident == _thread.get_ident():
        native_id = _thread.get_native_id()
    if native_id is None:
        return None
    try:
        return time.clock_gettime_ns((~native_id << 3) | 6)
    except OSError:
        return None


def prepare_precise_waits() -> None:
    """Load what `wait_precisely` needs, so that it costs nothing when it counts."""
    _prctl()


def wait_precisely() -> None:
    """Let this thread's timed waits end on time; Linux ends them up to 50 µs late (PR_SET_TIMERSLACK).

    The setting is the thread's own and goes with it. Source: prctl(2).
    """
    prctl = _prctl()
    if prctl is not None:
        prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def leave_signals_to_others() -> None:
    """Let no signal that asks the process to end be handed to this thread, nor to those that it starts.

    Python's handlers run in the main thread, which a signal wakes only if the kernel hands it to that one.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def rss_bytes() -> int | None:
    """Return the resident memory of this process."""
    if IS_LINUX:
        try:
            with open("/proc/self/statm", "rb", buffering=0) as statm:
                return int(statm.read().split()[1]) * _PAGE_BYTES
        except (OSError, ValueError, IndexError):
            return None
    process = _psutil_process()
    return int(process.memory_info().rss) if process else None


def process_age_s() -> float | None:
    """Return how long ago this process was started (proc(5): field 22 of stat, in clock ticks since boot)."""
    if not IS_LINUX:
        return None
    try:
        with open("/proc/self/stat", "rb", buffering=0) as stat:
            # The second field is a name in brackets that may hold anything.
            ticks = int(stat.read().rpartition(b")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def open_files() -> int | None:
    """Return how many file descriptors (handles on Windows) this process holds."""
    if IS_LINUX:
        try:
            # One of them is the descriptor that lists the folder.
            return len(os.listdir("/proc/self/fd")) - 1
        except OSError:
            return None
    process = _psutil_process()
    if process is None:
        return None
    return int(process.num_fds() if hasattr(process, "num_fds") else process.num_handles())


def native_bytes() -> int | None:
    """Return what glibc's malloc has handed out and not got back: memory outside Python's own allocator."""
    mallinfo2 = _mallinfo2()
    if mallinfo2 is None:
        return None
    info = mallinfo2()
    return int(info.uordblks) + int(info.hblkhd)


def lock_file(descriptor: int) -> bool | None:
    """Lock an open file for this process; False where another has it, None where there are no such locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def unlock_file(descriptor: int) -> None:
    """Give the lock back, also where a forked child has the same file open."""
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def interrupt_main_thread() -> None:
    """Raise KeyboardInterrupt in the main thread, also where it sleeps in a system call."""
    if hasattr(signal, "pthread_kill"):
        threading = sys.modules["threading"]
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


_unset = object()
_mallinfo2_function: Any = _unset
_prctl_function: Any = _unset
_process: Any = _unset


def _prctl() -> Any:
    """Return the C library's prctl, or None."""
    global _prctl_function
    if _prctl_function is _unset:
        _prctl_function = _c_function("prctl") if IS_LINUX else None
    return _prctl_function


def _c_function(name: str) -> Any:
    try:
        import ctypes

        # PyDLL keeps the GIL: these calls take less than giving it up would, and a sampler that gave it
        # up here would take its first look late.
        return getattr(ctypes.PyDLL(None), name)
    except (ImportError, OSError, AttributeError):
        return None


def _mallinfo2() -> Any:
    """Return glibc's mallinfo2 (2.33 and later: Amazon Linux 2023), or None."""
    global _mallinfo2_function
    if _mallinfo2_function is _unset:
        _mallinfo2_function = _bind_mallinfo2() if IS_LINUX else None
    return _mallinfo2_function


def _bind_mallinfo2() -> Any:
    function = _c_function("mallinfo2")
    if function is not None:
        import ctypes

        fields = [(name, ctypes.c_size_t) for name in _MALLINFO2_FIELDS]
        function.restype = type("mallinfo2", (ctypes.Structure,), {"_fields_": fields})
    return function


def _psutil_process() -> Any:
    global _process
    # A forked child is another process.
    if _process is _unset or (_process is not None and _process.pid != os.getpid()):
        try:
            import psutil

            _process = psutil.Process()
        except ImportError:
            _process = None
    return _process
