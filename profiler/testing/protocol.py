"""What travels between Lambda, the runtime and the caller: plain values, no I/O.

Sources: "Using the Lambda runtime API for custom runtimes" and "Lambda runtime environment lifecycle"
in the AWS Lambda developer guide; `awslambdaric` for the shapes of error documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "error", "timeout", "crashed", "out-of-memory"]
Reset = Literal["timeout", "crashed", "out-of-memory"]


class Refused(Exception):
    """A call that the API answers with an error document: `status` is the HTTP status."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type

    @property
    def document(self) -> dict[str, str]:
        """Return the body of the answer."""
        return {"errorType": self.error_type, "errorMessage": str(self)}


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
    """How the init phase, or the restore of a snapshot, ended: `ok` once the environment was idle."""

    status: Status
    duration_s: float
    payload: object = None
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What the caller of a function sees, and what its owner sees.

    `payload` is the decoded response or the error document. `response_s` runs from the event's handing
    over until the response is out, None where none came; `duration_s` until the environment is idle
    again, so the work of extensions after the response is in it. `log` is what was written in that
    time. `reset` says why the environment was thrown away, which may be after a good response.
    """

    status: Status
    payload: object
    error_type: str | None
    request_id: str
    response_s: float | None
    duration_s: float
    log: str
    reset: Reset | None = None


def error_type_of(reply: Reply) -> str | None:
    """Return the error's type: `errorType` of the document, else the header's value.

    `awslambdaric` sends the header for init errors only.
    """
    document = reply.payload()
    if isinstance(document, dict) and isinstance(document.get("errorType"), str):
        return str(document["errorType"])
    return reply.error_type
