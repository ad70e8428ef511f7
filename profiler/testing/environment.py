"""One execution environment of a function: init, invocations, reset.

Life cycle as in "Lambda runtime environment lifecycle" (AWS Lambda developer guide): a time-out or the
runtime's end resets the environment, and the next invocation starts with init again.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from profiler.testing import memory
from profiler.testing.call import event_bytes, new_invocation
from profiler.testing.function import FunctionConfig, InitializationType, log_stream_name
from profiler.testing.protocol import InitResult, InvocationResult, error_type_of
from profiler.testing.sandbox import Outcome, Sandbox

INIT_TIMEOUT_S = 10.0
RESTORE_TIMEOUT_S = 10.0


class ExecutionEnvironment:
    """Run a function as Lambda would; use it as a context manager.

    `env` is the function's own configuration; next to nothing is inherited from the caller. With
    `freeze` every thread and process of the function stands still while the environment is idle; with
    `memory_limit_enforced` it is killed when it uses more than `memory_mb` (Linux only, else OSError).
    `max_concurrency` makes it one of Lambda Managed Instances: that many workers in parallel. `opt` is a
    folder with the contents of the function's layers, which Lambda unpacks into /opt.
    """

    def __init__(
        self,
        handler: str = "app.handler",
        task_root: Path | str = ".",
        *,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
        memory_mb: int = 128,
        function_name: str = "function",
        init_timeout_s: float = INIT_TIMEOUT_S,
        initialization_type: InitializationType = "on-demand",
        max_concurrency: int | None = None,
        freeze: bool = False,
        memory_limit_enforced: bool = False,
        opt: Path | str | None = None,
    ) -> None:
        self.config = FunctionConfig(
            handler=handler,
            task_root=Path(task_root).resolve(),
            python=python,
            env=dict(env or {}),
            memory_mb=memory_mb,
            function_name=function_name,
            initialization_type=initialization_type,
            max_concurrency=max_concurrency,
            freeze=freeze,
            memory_limit_enforced=memory_limit_enforced,
            opt=Path(opt).resolve() if opt is not None else None,
        )
        if freeze and self.config.workers is not None:
            raise ValueError("an environment that serves invocations in parallel is never frozen")
        if memory_limit_enforced:
            memory.check_available()
        self.log_stream_name = log_stream_name(self.config.function_version)
        self._init_timeout_s = init_timeout_s
        self._slots = threading.Semaphore(self.config.workers or 1)
        self._changing = threading.RLock()  # guards the sandbox's coming and going
        self._stopping = threading.Lock()
        self._scratch = tempfile.TemporaryDirectory(prefix="lambda-emulator-", ignore_cleanup_errors=True)
        self._log_path = Path(self._scratch.name, "log")
        self._log_path.touch()
        self.tmp = Path(self._scratch.name, "tmp")
        self.tmp.mkdir()
        self._sandbox: Sandbox | None = None
        self._last_log = ""
        self.inits: list[InitResult] = []
        self.restores: list[InitResult] = []

    def __enter__(self) -> ExecutionEnvironment:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Return the runtime's process id; None while none runs."""
        sandbox = self._sandbox
        return sandbox.pid if sandbox else None

    @property
    def init(self) -> InitResult:
        """Return how the latest init phase ended."""
        return self.inits[-1]

    @property
    def log(self) -> str:
        """Return everything the runtime wrote to stdout and stderr, over all resets; also after `stop`."""
        return self._read_log(0) if self._log_path.exists() else self._last_log

    def start(self) -> InitResult:
        """Start the runtime and wait for the end of init. A failed init is a result, not an exception.

        Under SnapStart init ends with the snapshot; the first invocation restores it.
        """
        with self._changing:
            self._reset(self._sandbox)
            sandbox = Sandbox(self.config, self.log_stream_name, self._log_path, self.tmp)
            self._sandbox = sandbox
            result = sandbox.wait_init(self._init_timeout_s)
            self.inits.append(result)
            if result.status != "ok":
                self._reset(sandbox)
            return result

    def stop(self) -> None:
        """Let invocations finish, end the runtime, and free port, threads and files. May be repeated."""
        slots = self.config.workers or 1
        with self._stopping:
            for _ in range(slots):
                self._slots.acquire()
            self._reset(self._sandbox)
            self._last_log = self.log
            self._scratch.cleanup()
            self._slots.release(slots)

    def invoke(
        self,
        event: object,
        *,
        timeout_s: float = 3.0,
        trace_id: str | None = None,
        client_context: object = None,
        cognito_identity: object = None,
        tenant_id: str | None = None,
    ) -> InvocationResult:
        """Invoke the function once and wait until the environment is idle again.

        An event of bytes is sent as it is, anything else as JSON. `timeout_s` is the function's
        time-out. Calls from several threads queue, one at a time or as many as there are workers.
        Raises TypeError or ValueError for an event that is not JSON or over 6 MiB, RuntimeError after
        `stop`.
        """
        body = event_bytes(event)
        with self._slots:
            if not self._log_path.exists():
                raise RuntimeError("this execution environment is stopped")
            log_start = self._log_path.stat().st_size
            sandbox = self._ready_sandbox()
            invocation = new_invocation(
                body,
                timeout_s=timeout_s,
                function_arn=self.config.arn,
                trace_id=trace_id,
                client_context=client_context,
                cognito_identity=cognito_identity,
                tenant_id=tenant_id,
            )
            if isinstance(sandbox, InitResult):
                return self._failed(sandbox, invocation.request_id, log_start)
            outcome = sandbox.run(invocation, timeout_s)
            if outcome.broken and not (sandbox.is_concurrent and outcome.broken == "timeout"):
                self._reset(sandbox)
            return self._result(outcome, invocation.request_id, log_start, sandbox)

    def _ready_sandbox(self) -> Sandbox | InitResult:
        """Return a runtime that waits for work, restored or new where need be; or why there is none."""
        with self._changing:
            if self._sandbox and not self._sandbox.is_idle:
                self._reset(self._sandbox)
            if self._sandbox is None:
                self.start()
            if self._sandbox is None:
                return self.init
            if self._sandbox.is_snapshot:
                restored = self._sandbox.restore(RESTORE_TIMEOUT_S)
                self.restores.append(restored)
                if restored.status != "ok":
                    self._reset(self._sandbox)
                    return restored
            return self._sandbox

    def _result(
        self, outcome: Outcome, request_id: str, log_start: int, sandbox: Sandbox
    ) -> InvocationResult:
        reset = outcome.broken if self._sandbox is not sandbox else None
        times = (outcome.response_s, outcome.duration_s)
        log = self._read_log(log_start)
        reply = outcome.reply
        if reply is None:
            document = outcome.document or {}
            status, error_type = outcome.broken or "crashed", document.get("errorType")
            return InvocationResult(status, document, error_type, request_id, *times, log, reset)
        if reply.error_type is None:
            return InvocationResult("ok", reply.payload(), None, request_id, *times, log, reset)
        error_type = error_type_of(reply)
        return InvocationResult("error", reply.payload(), error_type, request_id, *times, log, reset)

    def _failed(self, phase: InitResult, request_id: str, log_start: int) -> InvocationResult:
        log = self._read_log(log_start)
        return InvocationResult(phase.status, phase.payload, phase.error_type, request_id, None, 0.0, log)

    def _reset(self, sandbox: Sandbox | None) -> None:
        """Throw away that sandbox, unless another invocation has done so already."""
        with self._changing:
            if sandbox and self._sandbox is sandbox:
                sandbox.stop()
                self._sandbox = None

    def _read_log(self, start: int) -> str:
        with self._log_path.open("rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")
