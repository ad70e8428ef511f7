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
_SIGEV_THREAD_ID = 4
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
            # A file object would take three times as long.
            statm = os.open("/proc/self/statm", os.O_RDONLY)
            try:
                return int(os.read(statm, 256).split()[1]) * _PAGE_BYTES
            finally:
                os.close(statm)
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


def process_started(process_id: int) -> int | None:
    """Return when a process began, in ticks since the machine did; None for one that is dead.

    With its id it names a process for good: ids are used again. Source: proc_pid_stat(5), field 22.
    """
    try:
        with open(f"/proc/{process_id}/stat", "rb", buffering=0) as file:
            # The second field is a name in brackets, which may hold anything.
            fields = file.read().rpartition(b")")[2].split()
            # A zombie is one that only its parent has not heard of.
            return None if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def memory_limit_bytes() -> int | None:
    """Return the limit that the control group of this process sets, version 2 or 1."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            groups = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return None
    files = []
    for _, controllers, path in (group for group in groups if len(group) == 3):
        if not controllers:
            files += [f"/sys/fs/cgroup{path}/memory.max", "/sys/fs/cgroup/memory.max"]
        elif "memory" in controllers.split(","):
            above = "/sys/fs/cgroup/memory"
            files += [f"{above}{path}/memory.limit_in_bytes", f"{above}/memory.limit_in_bytes"]
    limits = [limit for limit in map(_number_in, files) if limit is not None]
    return min(limits, default=None)


def oom_kills() -> int | None:
    """Return how many processes the kernel has killed for want of memory since the machine began."""
    try:
        with open("/proc/vmstat", "rb", buffering=0) as file:
            _, found, rest = file.read(65536).partition(b"\noom_kill ")
            return int(rest.split()[0]) if found else None
    except (OSError, ValueError, IndexError):
        return None


def handled_signals() -> set[int]:
    """Return the signals that this process handles or ignores, whoever asked for that (SigCgt, SigIgn)."""
    found = 0
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith(("SigCgt:", "SigIgn:")):
                    found |= int(line.split()[1], 16)
    except (OSError, ValueError, IndexError):
        return set(range(1, 65))
    return {number for number in range(1, 65) if found >> (number - 1) & 1}


class KernelTimer:
    """A timer that signals one thread, whatever Python is at. Source: timer_create(2), sigevent(3type)."""

    def __init__(self, signal_number: int, native_thread_id: int) -> None:
        """Make it, not set. Raises OSError where the system has none such."""
        create, self._settime = _realtime_function("timer_create"), _realtime_function("timer_settime")
        if create is None or self._settime is None or sys.maxsize < 2**32 or not IS_LINUX:
            raise OSError("there is no timer_create here")
        import ctypes

        event = (ctypes.c_int * 16)()  # sigev_value (8 bytes), signo, notify, thread id, and room
        event[2], event[3], event[4] = signal_number, _SIGEV_THREAD_ID, native_thread_id
        self._id = ctypes.c_void_p()
        if create(time.CLOCK_MONOTONIC, event, ctypes.byref(self._id)):
            raise OSError("timer_create failed")
        # struct itimerspec: interval and value, each seconds and nanoseconds
        self._value = (ctypes.c_long * 4)()

    def set(self, in_ns: int) -> None:
        """Go off once, so many nanoseconds from now; 0 stops it."""
        self._value[2], self._value[3] = divmod(in_ns, 1_000_000_000)
        self._settime(self._id, 0, self._value, None)


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


def hide_thread() -> None:
    """Let `threading` forget the calling thread, which it did not start, but has heard of by a log line."""
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._active.pop(_thread.get_ident(), None)


def interrupt_main_thread() -> None:
    """Raise KeyboardInterrupt in the main thread, also where it sleeps in a system call."""
    if hasattr(signal, "pthread_kill"):
        threading = sys.modules["threading"]
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _number_in(path: str) -> int | None:
    """Return the number in a file of the control groups; None for `max`, and for what stands for it."""
    try:
        with open(path, "rb", buffering=0) as file:
            number = int(file.read(64))
    except (OSError, ValueError):
        return None
    return number if number < 1 << 60 else None


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


def _realtime_function(name: str) -> Any:
    """Return a function that glibc before 2.34 (Amazon Linux 2) keeps in a library of its own."""
    found = _c_function(name)
    if found is None and IS_LINUX:
        try:
            import ctypes

            found = getattr(ctypes.PyDLL("librt.so.1"), name)
        except (ImportError, OSError, AttributeError):
            return None
    return found


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
