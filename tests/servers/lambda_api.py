"""moto's Lambda with what it lacks: revision ids that change and are checked, and updates that take time.

A proxy on loopback in front of moto's server. Source: UpdateFunctionConfiguration, AWS Lambda API reference.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import re
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from tests.servers.s3 import S3Server

_FUNCTION = re.compile(r"/[\d-]+/functions/(?P<name>[^/?]+)(?P<configuration>/configuration)?/?(?:\?.*)?$")


class LambdaServer:
    """The endpoint, and the faults that a test asks for.

    `before_update`: each is called once, before the next update is looked at, as somebody else's change
    would come. `conflicts`: so many updates are refused because another is under way. `in_progress`: so
    many times a function says after an update that it is not in effect. `failure`: the reason for which
    updates fail in the end.
    """

    def __init__(self, moto: S3Server) -> None:
        self._moto = moto
        self._target = urlsplit(moto.endpoint_url).netloc
        self._revisions: Counter[str] = Counter()
        self._pending: Counter[str] = Counter()
        self.before_update: list[Callable[[], object]] = []
        self.conflicts = 0
        self.in_progress = 0
        self.failure: str | None = None
        self.updates: list[dict[str, Any]] = []
        self.answer: tuple[int, str, str] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def env(self) -> dict[str, str]:
        """Return the variables with which `profiler` finds this server; nothing of the caller's."""
        endpoint = f"http://127.0.0.1:{self._server.server_port}"
        return {**self._moto.env(), "AWS_ENDPOINT_URL_LAMBDA": endpoint}

    def client(self, service: str = "lambda", region: str = "us-east-1") -> Any:
        """Return a client of moto itself, behind the proxy."""
        session = boto3.session.Session(self._moto.access_key, self._moto.secret_key, region_name=region)
        config = Config(retries={"total_max_attempts": 1})
        return session.client(service, endpoint_url=self._moto.endpoint_url, config=config)

    def make_function(self, name: str, region: str = "us-east-1", **more: Any) -> str:
        """Create a function and return its name."""
        iam = self.client("iam")
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName="role", AssumeRolePolicyDocument="{}")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", "def handler(event, context): return event\n")
        arguments: dict[str, Any] = {
            "Runtime": "python3.12",
            "Handler": "app.handler",
            "Code": {"ZipFile": code.getvalue()},
            **more,
        }
        role = iam.get_role(RoleName="role")["Role"]["Arn"]
        self.client(region=region).create_function(FunctionName=name, Role=role, **arguments)
        return name

    def make_layer(self, name: str, content: bytes) -> str:
        """Publish a version of a layer and return its ARN."""
        answer = self.client().publish_layer_version(LayerName=name, Content={"ZipFile": content})
        return str(answer["LayerVersionArn"])

    def change_behind(self, name: str, **variables: str) -> None:
        """Change a function's variables as somebody else would: its revision is another one then."""
        client = self.client()
        seen = (
            client.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
        )
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**seen, **variables}}
        )
        self._revisions[name] += 1

    def serve(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Answer one request; of another kind than these it is moto's."""
        match = _FUNCTION.match(path)
        name = match["name"].rpartition("function:")[2] if match else ""
        if self.answer is not None:
            return self.answer[0], _error(*self.answer[1:])
        if match and match["configuration"] and method == "PUT":
            if self.before_update:
                self.before_update.pop(0)()
            if self.conflicts:
                self.conflicts -= 1
                return 409, _error("ResourceConflictException", "An update is in progress")
            wanted = json.loads(body)
            if wanted.get("RevisionId") != self._revision(name):
                return 412, _error("PreconditionFailedException", "The Revision Id provided does not match")
            self.updates.append(wanted)
        status, answer = self._forward(method, path, headers, body)
        if match and status == 200:
            if method == "PUT":
                self._revisions[name] += 1
                self._pending[name] = self.in_progress
            document = json.loads(answer)
            self._describe(name, document.get("Configuration", document))
            answer = json.dumps(document).encode()
        return status, answer

    def _describe(self, name: str, configuration: dict[str, Any]) -> None:
        configuration["RevisionId"] = self._revision(name)
        if self._pending[name] > 0:
            self._pending[name] -= 1
            configuration["LastUpdateStatus"] = "InProgress"
        elif self.failure is not None:
            configuration["LastUpdateStatus"] = "Failed"
            configuration["LastUpdateStatusReason"] = self.failure

    def _revision(self, name: str) -> str:
        return f"{name}-{self._revisions[name]}"

    def _forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextlib.contextmanager
def lambda_server(moto: S3Server) -> Iterator[LambdaServer]:
    """Run the proxy in front of a moto that runs."""
    server = LambdaServer(moto)
    try:
        yield server
    finally:
        server.close()


def _error(code: str, message: str) -> bytes:
    return json.dumps({"__type": code, "Code": code, "Message": message}).encode()


def _handler(server: LambdaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            status, answer = server.serve(self.command, self.path, kept, body)
            self.send_response(status)
            if status >= 400:
                with contextlib.suppress(ValueError):
                    document = json.loads(answer)
                    code = document.get("__type") or document.get("Code")
                    if code:
                        self.send_header("x-amzn-ErrorType", str(code))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_DELETE = do

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    return Handler
