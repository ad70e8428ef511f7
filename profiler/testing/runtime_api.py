"""The Lambda Runtime API (version 2018-06-01) of one environment, on loopback.

Paths, status codes and error documents follow "Using the Lambda runtime API for custom runtimes" (AWS
Lambda developer guide), its OpenAPI description, and `aws-lambda-runtime-interface-emulator`.
"""

from __future__ import annotations

import json
import re
import time

from profiler.testing.documents import MAX_RESPONSE_BYTES, too_large_document
from profiler.testing.extensions import Extensions
from profiler.testing.extensions_api import API_PREFIX as EXTENSIONS_PREFIX
from profiler.testing.extensions_api import ExtensionsApi
from profiler.testing.function import FunctionConfig
from profiler.testing.http_message import Request, Response
from profiler.testing.http_server import LoopbackServer
from profiler.testing.protocol import Refused, Reply
from profiler.testing.state import RuntimeState

API_PREFIX = "/2018-06-01/runtime"
ERROR_TYPE_HEADER = "lambda-runtime-function-error-type"
_REPLY_PATH = re.compile(r"/invocation/(?P<request_id>[^/]+)/(?P<kind>response|error)")
_JSON = (("Content-Type", "application/json"),)


class RuntimeApi:
    """Serve `state` to one runtime process, and `extensions` to its extensions."""

    def __init__(self, state: RuntimeState, extensions: Extensions, config: FunctionConfig) -> None:
        self._state = state
        self._extensions = extensions
        self._extensions_api = ExtensionsApi(extensions, config)
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
            if request.path.startswith(f"{EXTENSIONS_PREFIX}/"):
                return self._extensions_api.route(request)
            return self._route(request)
        except Refused as refused:
            return Response(refused.status, json.dumps(refused.document).encode(), _JSON)

    def _route(self, request: Request) -> Response | None:
        path = request.path.removeprefix(API_PREFIX)
        match (request.method, path):
            case ("GET", "/invocation/next"):
                return self._next()
            case ("GET", "/restore/next"):
                self._extensions.close_registration()
                return Response(200, b"{}", _JSON) if self._state.next_restore() else None
            case ("POST", "/init/error"):
                self._state.fail_init(_error(request))
                return _accepted()
            case ("POST", "/restore/error"):
                self._state.fail_restore(_error(request))
                return _accepted()
        reply_path = _REPLY_PATH.fullmatch(path)
        if not reply_path or request.method != "POST":
            raise Refused(404, "NotFound", f"no {request.method} {request.path}")
        if reply_path["kind"] == "error":
            self._state.reply(reply_path["request_id"], _error(request))
        else:
            self._respond(reply_path["request_id"], request.body)
        return _accepted()

    def _next(self) -> Response | None:
        self._extensions.close_registration()
        invocation = self._state.next_invocation()
        if invocation is None:
            return None
        return Response(200, invocation.event, tuple(invocation.headers()))

    def _respond(self, request_id: str, body: bytes) -> None:
        """Take a response; of one that is too large the caller gets an error, and so does the runtime."""
        if len(body) <= MAX_RESPONSE_BYTES:
            self._state.reply(request_id, Reply(body, time.monotonic()))
            return
        document = too_large_document()
        instead = json.dumps(document).encode()
        self._state.reply(request_id, Reply(instead, time.monotonic(), document["errorType"]))
        message = f"Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
        raise Refused(413, "RequestEntityTooLarge", message)


def _error(request: Request) -> Reply:
    return Reply(request.body, time.monotonic(), request.headers.get(ERROR_TYPE_HEADER, "Unhandled"))


def _accepted() -> Response:
    return Response(202, b'{"status":"OK"}\n', _JSON)
