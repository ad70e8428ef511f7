"""Make the invocation that a caller asks for."""

from __future__ import annotations

import json
import secrets
import time
import uuid

from profiler.testing.documents import MAX_EVENT_BYTES
from profiler.testing.protocol import Invocation


def event_bytes(event: object) -> bytes:
    """Return the event as it is sent: bytes as they are, anything else as JSON.

    Raises TypeError or ValueError for what is not JSON, and ValueError over Lambda's limit.
    """
    body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
    if len(body) > MAX_EVENT_BYTES:
        raise ValueError(f"an event has at most {MAX_EVENT_BYTES} bytes, this one has {len(body)}")
    return body


def new_invocation(
    body: bytes,
    *,
    timeout_s: float,
    function_arn: str,
    trace_id: str | None = None,
    client_context: object = None,
    cognito_identity: object = None,
    tenant_id: str | None = None,
) -> Invocation:
    """Return an invocation with a new request id, whose time runs from now."""
    return Invocation(
        str(uuid.uuid4()),
        body,
        deadline_ms=int((time.time() + timeout_s) * 1000),
        function_arn=function_arn,
        trace_id=trace_id or _new_trace_id(),
        client_context=_json_header(client_context),
        cognito_identity=_json_header(cognito_identity),
        tenant_id=tenant_id,
    )


def _new_trace_id() -> str:
    """Return an X-Ray trace header, not sampled. Format: "Tracing header", AWS X-Ray developer guide."""
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0"


def _json_header(value: object) -> str | None:
    return None if value is None else json.dumps(value)
