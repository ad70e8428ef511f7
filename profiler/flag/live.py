"""The flag as the invocations ask for it: a value in memory, read anew in the background when it is old.

No invocation waits. A read is started by the one that finds the value old, in a thread of its own, and counts
from the next invocation on. Where reads fail, or hang, the last value holds for a few more rounds, and then
the flag is off; so it is until the first read has succeeded.
"""

from __future__ import annotations

import _thread
import os
from time import time

from profiler import own
from profiler.flag.sources import Source
from profiler.flag.value import FlagError, Value, value_of
from profiler.guard import logger
from profiler.host import hide_thread, leave_signals_to_others

# A value that could not be read anew holds for so many times its age at which it is old.
_ROUNDS_WITHOUT_NEWS = 5
# A read that takes longer has failed; its answer still counts if it comes.
_HANGS_AFTER_S = 10.0
_OFF = Value(False)


class LiveFlag:
    """One flag for one function. All times are the wall clock's: a frozen environment's own clock stands."""

    def __init__(self, source: Source, function_name: str, ttl_s: float) -> None:
        self._source = source
        self._function_name = function_name
        self._ttl_s = ttl_s
        self._value = _OFF
        self._read_at_s = 0.0
        self._forget()
        self._is_reported = False
        self._to_tell = ""

    def _forget(self) -> None:
        self._process_id = os.getpid()
        self._reading = _thread.allocate_lock()
        self._asked_at_s = 0.0
        self._has_failed = False

    def is_on(self) -> bool:
        """Tell whether it is on, as far as is known; takes microseconds."""
        if self._to_tell:
            self._tell()
        now_s = time()
        if os.getpid() != self._process_id:
            self._forget()  # a forked child has no thread that reads
        since_s = now_s - self._asked_at_s
        # A clock that went back makes everything old.
        if since_s >= self._ttl_s or since_s < 0:
            self.refresh(now_s)
        if not self._value.holds(now_s):
            return False
        age_s = now_s - self._read_at_s
        is_stale = age_s < 0 or age_s > self._ttl_s * _ROUNDS_WITHOUT_NEWS
        return not (is_stale and (self._has_failed or self._hangs(now_s)))

    def refresh(self, now_s: float | None = None) -> None:
        """Start to read the flag, unless that is being done."""
        if not self._reading.acquire(False):
            return
        self._asked_at_s = time() if now_s is None else now_s
        try:
            # Not threading.Thread: user code that counts or hooks threads must not see this one.
            _thread.start_new_thread(self._read, ())
        except (RuntimeError, MemoryError) as error:  # no thread to be had
            self._fail(error)
            self._reading.release()

    def _hangs(self, now_s: float) -> bool:
        return self._reading.locked() and now_s - self._asked_at_s > _HANGS_AFTER_S

    def _read(self) -> None:
        ident = _thread.get_ident()
        own.THREADS.add(ident)
        reading = self._reading
        try:
            leave_signals_to_others()
            self._value = value_of(self._source.read(), self._function_name)
            self._read_at_s = time()
            self._has_failed = False
            self._is_reported = False
        except BaseException as error:  # noqa: BLE001 — whatever it was, there is no news
            self._fail(error)
        finally:
            hide_thread()
            own.THREADS.discard(ident)
            reading.release()

    def _fail(self, error: BaseException) -> None:
        """Note that there is no news, and have it said once."""
        self._has_failed = True
        if not self._is_reported:
            self._is_reported = True
            known = isinstance(error, (FlagError, OSError))
            self._to_tell = str(error) if known else f"{type(error).__name__}: {error}"

    def _tell(self) -> None:
        # By an invocation's thread: of one that `threading` does not know, a log record makes a dummy.
        message, self._to_tell = self._to_tell, ""
        logger.warning("profiler: the live flag cannot be read, and is off if that goes on: %s", message)
