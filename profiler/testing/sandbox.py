"""What a reset throws away: one runtime process with its Runtime API."""

from __future__ import annotations

import time
from pathlib import Path

from profiler.testing.function import FunctionConfig, function_environ
from profiler.testing.process import RuntimeProcess
from profiler.testing.protocol import (
    InitResult,
    Invocation,
    Reply,
    error_type_of,
    exit_document,
    timeout_document,
)
from profiler.testing.runtime_api import RuntimeApi
from profiler.testing.state import Phase, RuntimeState

EXIT_AFTER_INIT_ERROR_S = 2.0


class Sandbox:
    """Start a runtime for `config`; give it invocations one at a time; stop it."""

    def __init__(self, config: FunctionConfig, log_stream: str, log: Path) -> None:
        self._started_s = self.offered_s = self._deadline_s = time.monotonic()
        self._state = RuntimeState()
        self._api = RuntimeApi(self._state)
        environ = function_environ(config, self._api.address, log_stream)
        try:
            self._process = RuntimeProcess(config, environ, log, self._state.runtime_exited)
        except BaseException:
            self._api.close()
            raise

    @property
    def pid(self) -> int:
        """Return the runtime's process id."""
        return self._process.pid

    @property
    def has_exited(self) -> bool:
        """Say whether the runtime has ended."""
        return self._state.phase is Phase.EXITED

    @property
    def exit_code(self) -> int | None:
        """Return how the runtime ended, negative for a signal; None before that."""
        return self._state.exit_code

    def wait_init(self, timeout_s: float) -> InitResult:
        """Wait for the first `next`, an init error, the process's end, or the time-out."""
        phase = self._state.wait_while(Phase.INIT, until_s=self._started_s + timeout_s)
        duration_s = time.monotonic() - self._started_s
        if phase is Phase.READY:
            return InitResult("ok", duration_s)
        reported = self._state.init_error
        if reported is not None:
            self._process.join(EXIT_AFTER_INIT_ERROR_S)  # let it finish its log
            return InitResult("error", duration_s, reported.payload(), error_type_of(reported))
        if phase is Phase.EXITED:
            document = exit_document("init", self._state.exit_code)
            return InitResult("crashed", duration_s, document, document["errorType"])
        document = timeout_document("init", timeout_s)
        return InitResult("timeout", duration_s, document, document["errorType"])

    def wait_ready(self) -> bool:
        """Wait until the runtime asks for work; its last invocation's deadline is the limit."""
        phase = self._state.wait_while(Phase.RESPONDED, until_s=self._deadline_s)
        return phase is Phase.READY

    def run(self, invocation: Invocation, timeout_s: float) -> Reply | None:
        """Return the runtime's reply; None after its end or the time-out."""
        self.offered_s = time.monotonic()
        self._deadline_s = self.offered_s + timeout_s
        self._state.offer(invocation)
        return self._state.wait_reply(self._deadline_s)

    def stop(self, grace_s: float) -> None:
        """End the process, then the server: a `next` that still waits is let go by the former."""
        self._process.stop(grace_s)
        self._api.close()
