"""The Lambda Extensions API (version 2020-01-01), as internal extensions use it.

Paths, headers and error types follow "Lambda Extensions API reference" (AWS Lambda developer guide) and
`rapi/handler/agent*.go` of `aws-lambda-runtime-interface-emulator`.
"""

from __future__ import annotations

import json

from profiler.testing.extensions import Extensions
from profiler.testing.function import ACCOUNT_ID, FunctionConfig
from profiler.testing.http_message import Request, Response
from profiler.testing.protocol import Invocation, Refused

API_PREFIX = "/2020-01-01/extension"
_NAME = "lambda-extension-name"
_IDENTIFIER = "lambda-extension-identifier"
_ERROR_TYPE = "lambda-extension-function-error-type"
_FEATURES = "lambda-extension-accept-feature"
_JSON = ("Content-Type", "application/json")


class ExtensionsApi:
    """Serve `extensions` of one environment; `Refused` is the caller's to answer."""

    def __init__(self, extensions: Extensions, config: FunctionConfig) -> None:
        self._extensions = extensions
        self._config = config

    def route(self, request: Request) -> Response | None:
        """Answer one request; None closes its connection. Raises Refused."""
        identifier = request.headers.get(_IDENTIFIER, "")
        match (request.method, request.path.removeprefix(API_PREFIX)):
            case ("POST", "/register"):
                return self._register(request)
            case ("GET", "/event/next"):
                return self._next(identifier)
            case ("POST", "/init/error"):
                return self._fail(identifier, "Init", request)
            case ("POST", "/exit/error"):
                return self._fail(identifier, "Exit", request)
        raise Refused(404, "NotFound", f"no {request.method} {request.path}")

    def _register(self, request: Request) -> Response:
        identifier = self._extensions.register(request.headers.get(_NAME, ""), _events(request.body))
        document = {
            "functionName": self._config.function_name,
            "functionVersion": self._config.function_version,
            "handler": self._config.handler,
        }
        if "accountid" in request.headers.get(_FEATURES, "").lower():
            document["accountId"] = ACCOUNT_ID
        headers = (_JSON, ("Lambda-Extension-Identifier", identifier))
        return Response(200, json.dumps(document).encode(), headers)

    def _next(self, identifier: str) -> Response | None:
        invocation = self._extensions.next_event(identifier)
        if invocation is None:
            return None
        return Response(200, json.dumps(invoke_event(invocation)).encode(), (_JSON,))

    def _fail(self, identifier: str, phase: str, request: Request) -> Response:
        self._extensions.fail(identifier, phase, request.headers.get(_ERROR_TYPE, ""))
        return Response(202, b'{"status":"OK"}\n', (_JSON,))


def invoke_event(invocation: Invocation) -> dict[str, object]:
    """Return the INVOKE event of an invocation."""
    return {
        "eventType": "INVOKE",
        "deadlineMs": invocation.deadline_ms,
        "requestId": invocation.request_id,
        "invokedFunctionArn": invocation.function_arn,
        "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id},
    }


def _events(body: bytes) -> list[str]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Refused(403, "InvalidRequestFormat", str(error)) from None
    events = document.get("events") or [] if isinstance(document, dict) else None
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        raise Refused(403, "InvalidRequestFormat", 'the body is {"events": [...]}')
    return events
