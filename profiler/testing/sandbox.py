"""What a reset throws away: one runtime process with its Runtime API, and its extensions.

The environment is idle when the runtime and every extension have asked for the next event; only then
may it be frozen, and only then is an invocation over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiler.testing.concurrent import ConcurrentRuntimeState
from profiler.testing.documents import (
    Document,
    exit_document,
    extension_document,
    out_of_memory_document,
    timeout_document,
)
from profiler.testing.extensions import Extensions
from profiler.testing.function import FunctionConfig, function_environ
from profiler.testing.memory import MemoryWatcher
from profiler.testing.process import RuntimeProcess
from profiler.testing.protocol import InitResult, Invocation, Reply, Reset, error_type_of
from profiler.testing.runtime_api import RuntimeApi
from profiler.testing.state import Phase, RuntimeState

EXIT_AFTER_ERROR_S = 2.0
# Between SIGTERM and SIGKILL, where there is an extension; without one there is no SIGTERM.
EXTENSION_GRACE_S = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended: with a reply, or with `broken` and what the caller is told instead."""

    reply: Reply | None
    response_s: float | None
    duration_s: float
    broken: Reset | None = None
    document: Document | None = None


class Sandbox:
    """Start a runtime for `config`; give it invocations; stop it."""

    def __init__(self, config: FunctionConfig, log_stream: str, log: Path, tmp: Path) -> None:
        self._config = config
        self._started_s = time.monotonic()
        self._changed = threading.Condition()
        self.is_concurrent = config.workers is not None
        self._runtime = (ConcurrentRuntimeState if self.is_concurrent else RuntimeState)(self._changed)
        self._extensions = Extensions(self._changed, () if self.is_concurrent else ("INVOKE",))
        self._api = RuntimeApi(self._runtime, self._extensions, config)
        self._memory: MemoryWatcher | None = None
        environ = function_environ(config, self._api.address, log_stream, tmp)
        try:
            self._process = RuntimeProcess(config, environ, log, self._exited)
        except BaseException:
            self._api.close()
            raise
        if config.memory_limit_enforced:
            limit_bytes = config.memory_mb * 1024 * 1024
            self._memory = MemoryWatcher(self._process.pid, limit_bytes, self._process.kill)

    @property
    def pid(self) -> int:
        """Return the runtime's process id."""
        return self._process.pid

    @property
    def is_snapshot(self) -> bool:
        """Say whether the runtime waits to be restored."""
        return self._runtime.phase is Phase.SNAPSHOT

    @property
    def is_idle(self) -> bool:
        """Say whether runtime and extensions wait for the next event."""
        return self._runtime.phase in (Phase.READY, Phase.SNAPSHOT) and self._extensions.are_ready

    def wait_init(self, timeout_s: float) -> InitResult:
        """Wait until the environment is idle for the first time, or has failed, or time is up."""
        return self._wait_phase("init", self._started_s, timeout_s)

    def restore(self, timeout_s: float) -> InitResult:
        """Wake a snapshot and wait until it is idle, or has failed, or time is up."""
        started_s = time.monotonic()
        self._process.thaw()
        with self._changed:
            if not self._is_broken:
                self._runtime.restore()
        return self._wait_phase("restore", started_s, timeout_s)

    def run(self, invocation: Invocation, timeout_s: float) -> Outcome:
        """Run one invocation until the environment is idle again, it breaks, or time is up."""
        request_id = invocation.request_id
        offered_s = time.monotonic()
        reply = None
        is_over = False
        self._process.thaw()
        with self._changed:
            if not self._is_broken:
                self._runtime.offer(invocation)
                self._extensions.release(invocation)
                self._wait(lambda: self._is_over(request_id), offered_s + timeout_s)
                is_over = self._is_over(request_id)
                reply = self._runtime.reply_to(request_id)
                self._runtime.forget(request_id)
            duration_s = time.monotonic() - offered_s
        if is_over and self._config.freeze:
            self._process.freeze()
        response_s = reply.received_s - offered_s if reply else None
        if is_over:
            return Outcome(reply, response_s, duration_s)
        broken, document = self._breakage(request_id, timeout_s)
        return Outcome(reply, response_s, duration_s, broken, document)

    def stop(self) -> None:
        """End the process, then the server: calls that still wait are let go by the former."""
        self._process.stop(EXTENSION_GRACE_S if len(self._extensions) else 0.0)
        if self._memory:
            self._memory.stop()
        self._api.close()

    @property
    def _is_broken(self) -> bool:
        failed = self._runtime.phase in (Phase.FAILED, Phase.EXITED)
        return failed or self._extensions.failure is not None

    def _is_over(self, request_id: str) -> bool:
        return self._runtime.is_done(request_id) and self._extensions.are_ready

    def _wait(self, is_over: Callable[[], bool], until_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: is_over() or self._is_broken, until_s - time.monotonic())

    def _wait_phase(self, name: str, started_s: float, timeout_s: float) -> InitResult:
        self._wait(lambda: self.is_idle, started_s + timeout_s)
        duration_s = time.monotonic() - started_s
        if self.is_idle and not self._is_broken:
            if self._config.freeze:
                self._process.freeze()
            return InitResult("ok", duration_s)
        reported = self._runtime.failure
        if reported is not None:
            self._process.join(EXIT_AFTER_ERROR_S)  # let it finish its log
            return InitResult("error", duration_s, reported.payload(), error_type_of(reported))
        broken, document = self._breakage(name, timeout_s)
        return InitResult(broken, duration_s, document, document["errorType"])

    def _breakage(self, request_id: str, timeout_s: float) -> tuple[Reset, Document]:
        """Return what went wrong, where something did; most telling first."""
        if self._memory and self._memory.exceeded:
            return "out-of-memory", out_of_memory_document(request_id)
        if self._extensions.failure:
            failure = self._extensions.failure
            return "crashed", extension_document(request_id, failure.phase, failure.error_type)
        if self._runtime.phase is Phase.EXITED:
            return "crashed", exit_document(request_id, self._runtime.exit_code)
        return "timeout", timeout_document(request_id, timeout_s)

    def _exited(self, exit_code: int) -> None:
        self._runtime.runtime_exited(exit_code)
        self._extensions.stop()
