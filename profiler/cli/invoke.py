"""Invocations without Lambda: a context object like Lambda's, a deadline, and a count of what failed."""

from __future__ import annotations

import asyncio
import copy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import uuid4

from profiler import host, own
from profiler.bootstrap import is_async

_NO_DEADLINE_MS = 900_000


@dataclass(slots=True)
class Tally:
    """How a series of invocations went."""

    done: int = 0
    failed: int = 0
    last_failure: str = ""


class LocalContext:
    """The context object of one local invocation, with Lambda's attribute names."""

    def __init__(self, function_name: str, memory_limit_mb: int | None, deadline_s: float | None) -> None:
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.aws_request_id = str(uuid4())
        # A string, as in Lambda.
        self.memory_limit_in_mb = str(memory_limit_mb) if memory_limit_mb else ""
        self.invoked_function_arn = f"arn:aws:lambda:local:000000000000:function:{function_name}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = ""
        self._deadline_s = deadline_s

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation is ended."""
        if self._deadline_s is None:
            return _NO_DEADLINE_MS
        return max(0, round((self._deadline_s - time.monotonic()) * 1000))


class LocalInvoker:
    """Call a handler again and again in this process, as one warm environment does.

    `wrapped` makes the function that is called from the handler with its deadline around it: the
    deadline ends the handler and never the profiler's own steps.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        wrapped: Callable[[Callable[..., Any]], Callable[..., Any]],
        function_name: str,
        timeout_s: float | None = None,
        memory_limit_mb: int | None = None,
    ) -> None:
        self._deadline = Deadline(timeout_s)
        self._call = wrapped(self._deadline.around(handler))
        self._function_name = function_name
        self._timeout_s = timeout_s
        self._memory_limit_mb = memory_limit_mb
        self._loop = asyncio.new_event_loop() if is_async(handler) else None

    def invoke_many(self, event: Any, count: int) -> Tally:
        """Call the handler `count` times; what it raises is printed and counted, not raised on."""
        tally = Tally()
        try:
            with self._deadline.heard():
                for _ in range(count):
                    failure = self._invoke(copy.deepcopy(event))
                    tally.done += 1
                    if failure:
                        tally.failed += 1
                        tally.last_failure = failure
                        print(f"profiler: invocation {tally.done}: {failure}", file=sys.stderr)
        finally:
            if self._loop is not None:
                self._loop.close()
        return tally

    def _invoke(self, event: Any) -> str:
        """Return how the invocation failed, or nothing."""
        deadline_s = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        context = LocalContext(self._function_name, self._memory_limit_mb, deadline_s)
        try:
            if self._loop is None:
                self._call(event, context)
            else:
                self._run_in_loop(self._loop, event, context)
        except KeyboardInterrupt:
            if not self._deadline.passed:
                raise
            return f"timed out after {self._timeout_s:g} s"
        except SystemExit as error:
            return f"sys.exit({error.code!r})"
        except Exception as error:  # noqa: BLE001 — the handler's own, whatever it is
            traceback.print_exc()
            return type(error).__name__
        # Lambda would have ended it, whatever the handler made of the interrupt.
        return f"timed out after {self._timeout_s:g} s" if self._deadline.passed else ""

    def _run_in_loop(self, loop: asyncio.AbstractEventLoop, event: Any, context: LocalContext) -> None:
        task = loop.create_task(self._call(event, context))
        try:
            loop.run_until_complete(task)
        except KeyboardInterrupt:
            # The interrupt left through the loop; the handler learns of it by being cancelled.
            task.cancel()
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(task)
            raise


class Deadline:
    """Interrupt the main thread when the time is over, as Lambda would end the process."""

    def __init__(self, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self.passed = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Let the interrupt through where it is ignored: a background job, or nohup, is born so."""
        ignored = self._timeout_s is not None and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if ignored:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            if ignored:
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    def around(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return the handler with this deadline on every call."""
        if self._timeout_s is None:
            return handler
        if is_async(handler):

            @wraps(handler)
            async def call_async(*args: Any) -> Any:
                with self._enforced():
                    return await handler(*args)

            return call_async

        @wraps(handler)
        def call(*args: Any) -> Any:
            with self._enforced():
                return handler(*args)

        return call

    @contextmanager
    def _enforced(self) -> Iterator[None]:
        lock = threading.Lock()
        over = False
        self.passed = False

        def interrupt() -> None:
            with lock:
                if not over:
                    self.passed = True
                    host.interrupt_main_thread()

        timer = threading.Timer(self._timeout_s or 0, interrupt)
        timer.name = f"{own.THREAD_PREFIX}-deadline"
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            with lock:
                over = True
            timer.cancel()
            timer.join()
