"""The internal extension: a thread of the function's process that works after the response has left.

Lambda freezes an environment once the runtime and every extension have asked for the next event. This
thread asks only after the work of an invocation is done:

    next ──invocation──▶ wait for work, until the response is out ──▶ do it, within the deadline ──▶ next …

Until then every caller waits for the environment, and the team pays for the time. So nothing in here may
keep the thread from its `next`: the work is done by another thread, for which this one waits only so long;
whatever is raised, it asks for the next event; and a call that fails is made again. Without work it lets go
at once, or, where nobody says that there will be none, when the runtime has answered.

Sources: "Using the Lambda Extensions API to create extensions" (AWS Lambda developer guide), and
`internalagent_states.go` of `aws-lambda-runtime-interface-emulator`: `next` is refused while an event is
on its way, and allowed once it has been sent, whether or not it arrived.
"""

from __future__ import annotations

import _thread
import atexit
import os
import threading
from collections.abc import Callable
from time import monotonic, sleep, time

from profiler import own
from profiler.aws.extensions_api import ExtensionsApi, InvokeEvent
from profiler.aws.runtime import Runtime
from profiler.guard import logger
from profiler.host import leave_signals_to_others

# A job is given the seconds that it may take.
Job = Callable[[float], None]

# How long init waits to hear whether the extension is registered; a call on loopback takes a millisecond.
REGISTRATION_S = 1.0
# The runtime is looked at after 1 ms, then less and less often: a look takes 20 µs, and what is lost by a
# late one is paid for but delays nobody.
FIRST_LOOK_S = 0.001
LONGEST_LOOK_S = 0.05
# A runtime that has waited this long beside an invocation of ours has one with another id.
STRANGER_S = 1.0
# The work of one invocation, and what it gets less than it is waited for.
WORK_AT_MOST_S = 10.0
GRACE_S = 0.05
# The least reserve before the deadline.
RESERVE_AT_LEAST_S = 0.1
FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.25


class Extension:
    """One internal extension; `start` it during init, then `take` work in every invocation.

    `take` and `skip` are called by the handler's thread, and return at once.
    """

    def __init__(self, api: ExtensionsApi, runtime: Runtime, reserve_s: float) -> None:
        self._api = api
        self._runtime = runtime
        self._reserve_s = max(reserve_s, RESERVE_AT_LEAST_S)
        self._process_id = os.getpid()
        self._changed = threading.Condition(threading.Lock())
        self._decided = _thread.allocate_lock()
        self._decided.acquire()
        self._is_serving = False
        self._is_working = False
        self._jobs: list[Job] = []
        self._jobs_of = ""
        self._skipped = ""
        self._let_go = ""
        self.refusal: str | None = None

    def start(self) -> None:
        """Register, and serve from then on; `refusal` says why not, where Lambda refuses.

        Raises:
            RuntimeError: no thread can be started; then nothing has been registered.
        """
        # Not threading.Thread: it lives as long as the process, and user code that counts or hooks threads
        # must not see it. Nor does it keep the interpreter from exiting.
        _thread.start_new_thread(self._live, ())
        self._decided.acquire(timeout=REGISTRATION_S)
        if self.refusal is None:
            atexit.register(self._at_exit)

    @property
    def is_serving(self) -> bool:
        """Whether it has been registered, and its last call has not failed."""
        return self._is_serving

    def take(self, job: Job) -> bool:
        """Take work to be done once the response of the running invocation is out.

        False where that cannot be: in a forked child, while work of an earlier invocation hangs, or after
        the extension has let go of this invocation. Then it is the caller's to do.
        """
        if os.getpid() != self._process_id:
            return False  # before the lock, which may have been held when the process forked
        request_id = self._runtime.request_id()
        with self._changed:
            if not request_id or not self._is_serving or self._is_working or self._let_go == request_id:
                return False
            if self._jobs and self._jobs_of != request_id:
                return False
            self._jobs.append(job)
            self._jobs_of = request_id
            self._changed.notify()
            return True

    def skip(self) -> None:
        """Say that the running invocation leaves no work, so that nothing is waited for."""
        if os.getpid() != self._process_id:
            return
        request_id = self._runtime.request_id()
        with self._changed:
            self._skipped = request_id or ""
            self._changed.notify()

    def _at_exit(self) -> None:
        """Do what was taken, without a budget: a runtime whose response is refused ends its process."""
        if os.getpid() == self._process_id:
            for job in self._let_go_of(""):
                _do(job, monotonic())

    # ---- the thread ----------------------------------------------------------------------------

    def _live(self) -> None:
        own.THREADS.add(_thread.get_ident())
        try:
            leave_signals_to_others()
            self._api.register()
            self._is_serving = True
        except BaseException as error:  # noqa: BLE001 — whatever it was, there is no extension
            self.refusal = str(error) or type(error).__name__
            own.THREADS.discard(_thread.get_ident())
            return
        finally:
            self._decided.release()
        self._serve()

    def _serve(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                self._round()
                pause_s = FIRST_PAUSE_S
            except BaseException:  # noqa: BLE001 — without this thread's next every invocation would hang
                self._is_serving = False
                sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _round(self) -> None:
        if not self._is_serving:
            # What was taken for an event that did not arrive.
            self._work(self._let_go_of(""), 0.0)
        event = self._api.next_event()
        self._is_serving = True
        until_s = monotonic() + event.deadline_s - time() - self._reserve_s
        self._wait_for_the_response(event, until_s)
        self._work(self._let_go_of(event.request_id), min(until_s - monotonic(), WORK_AT_MOST_S))

    def _wait_for_the_response(self, event: InvokeEvent, until_s: float) -> None:
        """Wait until the response is out, or nothing will come, or the time is up."""
        began_s = monotonic()
        look_s = FIRST_LOOK_S
        with self._changed:
            while not self._is_over(event.request_id, monotonic() - began_s):
                left_s = until_s - monotonic()
                if left_s <= 0:
                    return
                is_news = self._changed.wait(min(look_s, left_s))
                look_s = FIRST_LOOK_S if is_news else min(1.5 * look_s, LONGEST_LOOK_S)

    def _is_over(self, request_id: str, waited_s: float) -> bool:
        if self._skipped == request_id and not self._jobs:
            return True
        if self._runtime.has_answered(request_id):
            return True
        return waited_s > STRANGER_S and self._runtime.is_waiting()

    def _let_go_of(self, request_id: str) -> list[Job]:
        """Take no more for an invocation; return what was taken."""
        with self._changed:
            self._let_go = request_id
            jobs, self._jobs = self._jobs, []
            return jobs

    def _work(self, jobs: list[Job], limit_s: float) -> None:
        """Have the jobs done, and wait for that no longer than the limit; then they go on alone."""
        if not jobs:
            return
        self._is_working = True
        until_s = monotonic() + limit_s
        name = f"{own.THREAD_PREFIX}-after-response"
        todo = (jobs, until_s - GRACE_S)
        try:
            threading.Thread(target=self._run, args=todo, name=name, daemon=True).start()
        except (RuntimeError, MemoryError):  # no thread to be had
            self._run(*todo)
        with self._changed:
            self._changed.wait_for(lambda: not self._is_working, max(until_s - monotonic(), GRACE_S))

    def _run(self, jobs: list[Job], until_s: float) -> None:
        began_s = monotonic()
        try:
            for job in jobs:
                _do(job, until_s)
            logger.debug("profiler: %.1f ms of work after the response", (monotonic() - began_s) * 1000)
        finally:
            with self._changed:
                self._is_working = False
                self._changed.notify()


def _do(job: Job, until_s: float) -> None:
    try:
        job(until_s - monotonic())
    except BaseException:  # noqa: BLE001 — one that fails must not take the others with it
        logger.warning("profiler: work after the response failed", exc_info=True)
