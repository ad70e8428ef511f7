"""The flag as the invocations ask for it: a value in memory, read anew in the background when it is old.

No invocation waits. A read is started by the one that finds the value old, in a thread of its own, and counts
from the next invocation on. Where reads fail, or hang, the last value holds for a few more rounds, and then
the flag is off; so it is until the first read has succeeded.

The first read is started during init. That it fails there is no news: AWS's extension for parameters answers
in the INVOKE phase only ("Using Parameter Store parameters in AWS Lambda functions").
"""

from __future__ import annotations

import _thread
from time import time

from profiler import own
from profiler.environment import ENVIRONMENT
from profiler.flag.sources import Source
from profiler.flag.value import FlagError, Value, value_of
from profiler.guard import logger
from profiler.host import hide_thread, leave_signals_to_others

# A value that could not be read anew holds for so many times its age at which it is old.
_ROUNDS_WITHOUT_NEWS = 5
# A read that takes longer has failed; its answer still counts if it comes.
_HANGS_AFTER_S = 10.0
# After a read that failed; twice as long after each further one, and never longer than a value's age.
_FIRST_RETRY_S = 1.0
_OFF = Value(False)


class LiveFlag:
    """One flag for one function. All times are the wall clock's: a frozen environment's own clock stands."""

    def __init__(self, source: Source, function_name: str, ttl_s: float) -> None:
        self._source = source
        self._function_name = function_name
        self._ttl_s = ttl_s
        self._value = _OFF
        self._read_at_s = 0.0
        self._begin_environment()
        self._is_reported = False
        self._to_tell = ""

    def _begin_environment(self) -> None:
        self._environment_id = ENVIRONMENT.id
        self._reading = _thread.allocate_lock()
        self._asked_at_s = 0.0
        self._failures = 0
        self._is_ahead = False

    def _follow_environment(self, now_s: float) -> None:
        """Begin anew in a forked child, which has no thread that reads, and in what was restored."""
        if ENVIRONMENT.id != self._environment_id:
            self._begin_environment()
            # A snapshot's may be of weeks ago.
            if not 0 <= now_s - self._read_at_s <= self._ttl_s:
                self._value = _OFF

    def is_on(self) -> bool:
        """Tell whether it is on, as far as is known; takes less than a microsecond."""
        if self._to_tell:
            self._tell()
        now_s = time()
        self._follow_environment(now_s)
        if not self._value.holds(now_s):
            return False
        age_s = now_s - self._read_at_s
        is_stale = age_s < 0 or age_s > self._ttl_s * _ROUNDS_WITHOUT_NEWS
        return not (is_stale and (self._failures or self._hangs(now_s)))

    def keep_up(self) -> None:
        """Start to read the flag where what is known of it is old; `is_on` was asked before."""
        now_s = time()
        since_s = now_s - self._asked_at_s
        # A clock that went back makes everything old.
        if since_s >= self._age_at_most_s() or since_s < 0:
            self._start(now_s, is_ahead=False)

    def read_ahead(self) -> None:
        """Start to read the flag before the first invocation, which reads it itself if that fails."""
        self._start(time(), is_ahead=True)

    def _age_at_most_s(self) -> float:
        if not self._failures:
            return self._ttl_s
        # The exponent is bounded, for a float is.
        return min(self._ttl_s, _FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 32))

    def _start(self, now_s: float, *, is_ahead: bool) -> None:
        """Start a read, unless one is under way."""
        if not self._reading.acquire(False):
            return
        self._asked_at_s = now_s
        self._is_ahead = is_ahead
        try:
            # Not threading.Thread: user code that counts or hooks threads must not see this one.
            _thread.start_new_thread(self._read, (self._reading,))
        except (RuntimeError, MemoryError) as error:  # no thread to be had
            self._fail(error)
            self._reading.release()

    def _hangs(self, now_s: float) -> bool:
        return self._reading.locked() and now_s - self._asked_at_s > _HANGS_AFTER_S

    def _read(self, reading: _thread.LockType) -> None:
        ident = _thread.get_ident()
        own.THREADS.add(ident)
        try:
            leave_signals_to_others()
            value = value_of(self._source.read(), self._function_name)
            if reading is self._reading:  # else it was asked for before a snapshot
                self._value = value
                self._read_at_s = time()
                self._failures = 0
                self._is_reported = False
        except BaseException as error:  # noqa: BLE001 — whatever it was, there is no news
            if reading is self._reading:
                self._fail(error)
        finally:
            hide_thread()
            own.THREADS.discard(ident)
            reading.release()

    def _fail(self, error: BaseException) -> None:
        """Note that there is no news, and have it said once."""
        if self._is_ahead:
            self._asked_at_s = 0.0  # the first invocation's turn
            return
        self._failures += 1
        if not self._is_reported:
            self._is_reported = True
            known = isinstance(error, (FlagError, OSError))
            self._to_tell = str(error) if known else f"{type(error).__name__}: {error}"

    def _tell(self) -> None:
        # By an invocation's thread: of one that `threading` does not know, a log record makes a dummy.
        message, self._to_tell = self._to_tell, ""
        logger.warning("profiler: the live flag cannot be read, and is off if that goes on: %s", message)
