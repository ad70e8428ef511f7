"""What Lambda says about an invocation, through its context object and its variables."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class InvocationFacts:
    """The facts of one invocation. `remaining_s` is None where no deadline is known."""

    function_name: str
    function_version: str
    request_id: str
    memory_limit_mb: int | None
    remaining_s: float | None
    trace_id: str
    region: str
    init_type: str
    log_stream: str


def facts_of(arguments: tuple[Any, ...], default_name: str, environ: Mapping[str, str]) -> InvocationFacts:
    """Return the facts of a call; whatever its arguments are, nothing is raised.

    A Lambda context is the second argument (of a method the third) and has `aws_request_id`; without
    one the variables and a made-up request id have to do.
    """
    context = next((item for item in arguments[1:3] if _fact(item, "aws_request_id")), None)
    name = _fact(context, "function_name") or environ.get("AWS_LAMBDA_FUNCTION_NAME")
    version = _fact(context, "function_version") or environ.get("AWS_LAMBDA_FUNCTION_VERSION")
    return InvocationFacts(
        function_name=str(name or default_name),
        function_version=str(version or ""),
        request_id=str(_fact(context, "aws_request_id") or os.urandom(16).hex()),
        memory_limit_mb=_memory_limit(context, environ),
        remaining_s=_remaining_s(context),
        trace_id=environ.get("_X_AMZN_TRACE_ID", ""),
        region=environ.get("AWS_REGION", ""),
        init_type=environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", ""),
        log_stream=str(_fact(context, "log_stream_name") or environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")),
    )


def is_lambda(environ: Mapping[str, str]) -> bool:
    """Tell whether this process is a Lambda execution environment."""
    return "AWS_LAMBDA_RUNTIME_API" in environ


def _fact(context: Any, name: str) -> Any:
    # An event that stands where a context is looked for may answer anything to any name.
    try:
        value = getattr(context, name, None)
    except Exception:  # noqa: BLE001
        return None
    return value if isinstance(value, (str, int)) else None


def _memory_limit(context: Any, environ: Mapping[str, str]) -> int | None:
    # awslambdaric gives it as a string.
    raw = _fact(context, "memory_limit_in_mb") or environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    try:
        return int(raw) if raw else None
    except (TypeError, ValueError):
        return None


def _remaining_s(context: Any) -> float | None:
    try:
        remaining_s = float(context.get_remaining_time_in_millis()) / 1000
    except Exception:  # noqa: BLE001 — the user's own context, in the user's own tests
        return None
    return remaining_s if math.isfinite(remaining_s) else None
