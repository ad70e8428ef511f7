"""One execution environment of a function: init, invocations one after another, reset.

Life cycle as in "Lambda runtime environment lifecycle" (AWS Lambda developer guide): a time-out or the
runtime's end resets the environment, and the next invocation starts with init again.
"""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from profiler.testing.function import FunctionConfig, log_stream_name
from profiler.testing.protocol import (
    InitResult,
    Invocation,
    InvocationResult,
    Reply,
    Status,
    error_type_of,
    exit_document,
    timeout_document,
)
from profiler.testing.sandbox import Sandbox

INIT_TIMEOUT_S = 10.0
STOP_GRACE_S = 0.5


class ExecutionEnvironment:
    """Run a function as Lambda would; use it as a context manager.

    `env` is the function's own configuration; next to nothing is inherited from the caller.
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
    ) -> None:
        self.config = FunctionConfig(
            handler=handler,
            task_root=Path(task_root).resolve(),
            python=python,
            env=dict(env or {}),
            memory_mb=memory_mb,
            function_name=function_name,
        )
        self.log_stream_name = log_stream_name(self.config.function_version)
        self._init_timeout_s = init_timeout_s
        self._invoking = threading.Lock()
        self._scratch = tempfile.TemporaryDirectory(prefix="lambda-emulator-")
        self._log_path = Path(self._scratch.name, "log")
        self._log_path.touch()
        self._sandbox: Sandbox | None = None
        self._last_log = ""
        self.inits: list[InitResult] = []

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
        return self._sandbox.pid if self._sandbox else None

    @property
    def init(self) -> InitResult:
        """Return how the latest init phase ended."""
        return self.inits[-1]

    @property
    def log(self) -> str:
        """Return everything the runtime wrote to stdout and stderr, over all resets; also after `stop`."""
        return self._read_log(0) if self._log_path.exists() else self._last_log

    def start(self) -> InitResult:
        """Start the runtime and wait for the end of init. A failed init is a result, not an exception."""
        self._reset(grace_s=0.0)
        sandbox = Sandbox(self.config, self.log_stream_name, self._log_path)
        result = sandbox.wait_init(self._init_timeout_s)
        self.inits.append(result)
        if result.status == "ok":
            self._sandbox = sandbox
        else:
            sandbox.stop(grace_s=0.0)
        return result

    def stop(self) -> None:
        """End the runtime, SIGTERM then SIGKILL, and free port, threads and files. May be repeated.

        Work that goes on after a response is let finish, up to that invocation's deadline: Lambda
        shuts down only an environment that is idle.
        """
        if self._sandbox:
            self._sandbox.wait_ready()
        self._reset(STOP_GRACE_S)
        self._last_log = self.log
        self._scratch.cleanup()

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
        """Invoke the function once; bytes are sent as they are, anything else as JSON.

        `timeout_s` is the function's time-out. The environment serves one invocation at a time, so
        that calls from several threads queue. Raises TypeError or ValueError for an event that is
        not JSON, RuntimeError after `stop`.
        """
        if not self._log_path.exists():
            raise RuntimeError("this execution environment is stopped")
        body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
        with self._invoking:
            request_id = str(uuid.uuid4())
            log_start = self._log_path.stat().st_size
            sandbox = self._ready_sandbox()
            if sandbox is None:
                return self._failed_init(request_id, log_start)
            invocation = Invocation(
                request_id,
                body,
                deadline_ms=int((time.time() + timeout_s) * 1000),
                function_arn=self.config.arn,
                trace_id=trace_id or _new_trace_id(),
                client_context=_json_header(client_context),
                cognito_identity=_json_header(cognito_identity),
                tenant_id=tenant_id,
            )
            reply = sandbox.run(invocation, timeout_s)
            if reply is None:
                return self._unanswered(sandbox, request_id, timeout_s, log_start)
            return self._answered(sandbox, request_id, reply, log_start)

    def _ready_sandbox(self) -> Sandbox | None:
        """Return a runtime that waits for work: the present one, or a new one where that has ended."""
        if self._sandbox and not self._sandbox.wait_ready():
            self._reset(grace_s=0.0)
        if self._sandbox is None:
            self.start()
        return self._sandbox

    def _answered(self, sandbox: Sandbox, request_id: str, reply: Reply, log_start: int) -> InvocationResult:
        is_error = reply.error_type is not None
        return InvocationResult(
            status="error" if is_error else "ok",
            payload=reply.payload(),
            error_type=error_type_of(reply) if is_error else None,
            request_id=request_id,
            duration_s=reply.received_s - sandbox.offered_s,
            log=self._read_log(log_start),
        )

    def _unanswered(
        self, sandbox: Sandbox, request_id: str, timeout_s: float, log_start: int
    ) -> InvocationResult:
        """Tell a crash from a time-out; either resets the environment."""
        duration_s = time.monotonic() - sandbox.offered_s
        status: Status = "timeout"
        document = timeout_document(request_id, timeout_s)
        if sandbox.has_exited:
            status = "crashed"
            document = exit_document(request_id, sandbox.exit_code)
        self._reset(grace_s=0.0)  # without an extension Lambda sends no SIGTERM
        log = self._read_log(log_start)
        return InvocationResult(status, document, document["errorType"], request_id, duration_s, log)

    def _failed_init(self, request_id: str, log_start: int) -> InvocationResult:
        init = self.init
        log = self._read_log(log_start)
        return InvocationResult(init.status, init.payload, init.error_type, request_id, 0.0, log)

    def _reset(self, grace_s: float) -> None:
        if self._sandbox:
            self._sandbox.stop(grace_s)
            self._sandbox = None

    def _read_log(self, start: int) -> str:
        with self._log_path.open("rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")


def _new_trace_id() -> str:
    """Return an X-Ray trace header, not sampled. Format: "Tracing header", AWS X-Ray developer guide."""
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0"


def _json_header(value: object) -> str | None:
    return None if value is None else json.dumps(value)
