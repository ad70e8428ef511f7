"""The Lambda Runtime API (version 2018-06-01) of one runtime, on loopback.

Paths, status codes and error documents follow "Using the Lambda runtime API for custom runtimes"
(AWS Lambda developer guide) and its OpenAPI description.
"""

from __future__ import annotations

import json
import re
import time

from profiler.testing.http_server import LoopbackServer, Request, Response
from profiler.testing.protocol import API_PREFIX, Reply
from profiler.testing.state import InvalidRequestId, InvalidTransition, RuntimeState

ERROR_TYPE_HEADER = "lambda-runtime-function-error-type"
_REPLY_PATH = re.compile(rf"{API_PREFIX}/invocation/(?P<request_id>[^/]+)/(?P<kind>response|error)")
_JSON = (("Content-Type", "application/json"),)


class RuntimeApi:
    """Serve `state` to one runtime process."""

    def __init__(self, state: RuntimeState) -> None:
        self._state = state
        self._server = LoopbackServer(self._dispatch)

    @property
    def address(self) -> str:
        """Return the value of `AWS_LAMBDA_RUNTIME_API`."""
        return self._server.address

    def close(self) -> None:
        """Stop serving; the runtime must have ended, or its `next` would never be answered."""
        self._server.close()

    def _dispatch(self, request: Request) -> Response | None:
        try:
            return self._route(request)
        except InvalidRequestId:
            return _refusal(400, "InvalidRequestID", "Invalid request ID")
        except InvalidTransition as error:
            return _refusal(403, "InvalidStateTransition", str(error))

    def _route(self, request: Request) -> Response | None:
        if (request.method, request.path) == ("GET", f"{API_PREFIX}/invocation/next"):
            return self._next()
        if (request.method, request.path) == ("POST", f"{API_PREFIX}/init/error"):
            self._state.fail_init(_reply(request, is_error=True))
            return _accepted()
        match = _REPLY_PATH.fullmatch(request.path)
        if match and request.method == "POST":
            self._state.reply(match["request_id"], _reply(request, is_error=match["kind"] == "error"))
            return _accepted()
        return _refusal(404, "NotFound", f"no {request.method} {request.path}")

    def _next(self) -> Response | None:
        invocation = self._state.next_invocation()
        if invocation is None:
            return None
        return Response(200, invocation.event, tuple(invocation.headers()))


def _reply(request: Request, *, is_error: bool) -> Reply:
    error_type = request.headers.get(ERROR_TYPE_HEADER, "Unhandled") if is_error else None
    return Reply(request.body, time.monotonic(), error_type)


def _accepted() -> Response:
    return Response(202, b'{"status":"OK"}\n', _JSON)


def _refusal(status: int, error_type: str, message: str) -> Response:
    document = {"errorType": error_type, "errorMessage": message}
    return Response(status, json.dumps(document).encode(), _JSON)
