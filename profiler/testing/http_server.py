"""A small HTTP/1.1 server with keep-alive: one thread a connection, all of them joined on close.

Not `http.server`, because that refuses header lines over 64 KiB, and `awslambdaric` sends the message
and traceback of an error in `Lambda-Runtime-Function-XRay-Error-Cause`, up to 1 MiB.
"""

from __future__ import annotations

import contextlib
import http
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BufferedIOBase

MAX_LINE_BYTES = 2 * 1024 * 1024
SHUTDOWN_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One response; its length is added when it is sent."""

    status: int
    body: bytes = b""
    headers: Iterable[tuple[str, str]] = field(default_factory=tuple)

    def encode(self) -> bytes:
        """Return the bytes on the wire, in one piece so that they leave in one packet."""
        lines = [f"HTTP/1.1 {self.status} {http.HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


Dispatch = Callable[[Request], Response | None]


class LoopbackServer:
    """Serve `dispatch` on a free port of 127.0.0.1 until `close`. None closes the connection."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._server = _Server(dispatch)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(SHUTDOWN_POLL_S,), name="runtime-api", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """Return `127.0.0.1:PORT`."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def close(self) -> None:
        """Stop accepting, cut the connections, and wait for every thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.cut_connections()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True  # a forgotten `close` must not keep the interpreter from exiting

    def __init__(self, dispatch: Dispatch) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.dispatch = dispatch
        self._connections: list[tuple[threading.Thread, socket.socket]] = []

    def process_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="runtime-api-connection",
            daemon=True,
        )
        self._connections = [(t, s) for t, s in self._connections if t.is_alive()]
        self._connections.append((thread, request))
        thread.start()

    def cut_connections(self) -> None:
        for thread, connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        # A killed runtime resets its connection: the environment learns of its end from the process.
        with contextlib.suppress(ConnectionError):
            while (request := read_request(self.rfile, self.wfile)) is not None:
                response = self.server.dispatch(request)
                if response is None:
                    return
                self.wfile.write(response.encode())


def read_request(rfile: BufferedIOBase, wfile: BufferedIOBase) -> Request | None:
    """Read one request with a `Content-Length` body; None at the end of the connection."""
    line = _read_line(rfile)
    if not line:
        return None
    method, path, _version = line.split(" ", 2)
    headers = {}
    while line := _read_line(rfile):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = int(headers.get("content-length", "0"))
    body = rfile.read(length)
    if len(body) < length:
        return None  # the peer died in mid-sentence: half a response is none
    return Request(method, path, headers, body)


def _read_line(rfile: BufferedIOBase) -> str:
    return rfile.readline(MAX_LINE_BYTES).decode("latin-1").rstrip("\r\n")
