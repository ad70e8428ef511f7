"""What travels between Lambda, the runtime and the caller: plain values, no I/O.

Sources: "Using the Lambda runtime API for custom runtimes" and "Lambda runtime environment lifecycle"
in the AWS Lambda developer guide; `awslambdaric` for the shapes of error documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

API_PREFIX = "/2018-06-01/runtime"

Status = Literal["ok", "error", "timeout", "crashed"]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to the runtime. JSON-valued headers are kept as JSON text."""

    request_id: str
    event: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str
    client_context: str | None = None
    cognito_identity: str | None = None
    tenant_id: str | None = None

    def headers(self) -> Iterator[tuple[str, str]]:
        """Yield the headers of the answer to `GET /runtime/invocation/next`, the optional ones if set."""
        yield "Content-Type", "application/json"
        values = {
            "Aws-Request-Id": self.request_id,
            "Deadline-Ms": str(self.deadline_ms),
            "Invoked-Function-Arn": self.function_arn,
            "Trace-Id": self.trace_id,
            "Client-Context": self.client_context,
            "Cognito-Identity": self.cognito_identity,
            "Aws-Tenant-Id": self.tenant_id,
        }
        for name, value in values.items():
            if value is not None:
                yield f"Lambda-Runtime-{name}", value


@dataclass(frozen=True, slots=True)
class Reply:
    """What the runtime posted: a response, or an error with its type. `received_s` is monotonic."""

    body: bytes
    received_s: float
    error_type: str | None = None

    def payload(self) -> object:
        """Return the body as JSON, or as it is where it is not JSON."""
        try:
            decoded: object = json.loads(self.body)
        except ValueError:
            return self.body
        return decoded


@dataclass(frozen=True, slots=True)
class InitResult:
    """How the init phase ended: `ok` once the runtime asked for its first invocation."""

    status: Status
    duration_s: float
    payload: object = None
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What the caller of a function sees.

    `payload` is the decoded response or the error document. `duration_s` runs from the event's
    handing over to the response. `log` is what the runtime wrote in that time.
    """

    status: Status
    payload: object
    error_type: str | None
    request_id: str
    duration_s: float
    log: str


def error_type_of(reply: Reply) -> str | None:
    """Return the error's type: `errorType` of the document, else the header's value.

    `awslambdaric` sends the header for init errors only.
    """
    document = reply.payload()
    if isinstance(document, dict) and isinstance(document.get("errorType"), str):
        return str(document["errorType"])
    return reply.error_type


def exit_document(request_id: str, exit_code: int | None) -> dict[str, str]:
    """Return Lambda's error document for a runtime process that ended on its own."""
    if exit_code is not None and exit_code < 0:
        reason = f"Runtime exited with error: signal: {-exit_code}"
    elif exit_code:
        reason = f"Runtime exited with error: exit status {exit_code}"
    else:
        reason = "Runtime exited without providing a reason"
    return {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {reason}"}


def timeout_document(request_id: str, timeout_s: float) -> dict[str, str]:
    """Return Lambda's error document for an invocation that ran over its time-out."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}
