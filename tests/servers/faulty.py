"""A proxy between boto3 and a real S3 server, in which a fault can be switched on and off."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import struct
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

# Answers as S3 gives them ("Error responses", Amazon S3 API reference).
REFUSALS = {
    "SlowDown": (503, "Please reduce your request rate."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "ExpiredToken": (400, "The provided token has expired."),
    "RequestTimeTooSkewed": (
        403,
        "The difference between the request time and the server's time is too large.",
    ),
}
RESET, STALL, CUT = "reset in the middle of the body", "no answer for ten seconds", "answer cut short"
FAULTS = (*REFUSALS, RESET, STALL, CUT)
STALL_S = 10.0


class FaultyStore:
    """Passes everything on to `upstream` while `fault` is None. `asked` counts the requests."""

    def __init__(self, address: str, upstream: str) -> None:
        self.endpoint = f"http://{address}"
        self.upstream = urlsplit(upstream)
        self.fault: str | None = None
        self.asked = 0
        self.closing = threading.Event()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        store = self.server.store
        store.asked += 1
        fault = store.fault
        length = int(self.headers.get("Content-Length") or 0)
        if fault == RESET:
            self.rfile.read(length // 2)
            # SO_LINGER of no time: the kernel sends a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        body = self.rfile.read(length)
        if fault in REFUSALS:
            self._refuse(fault)
            return
        if fault == STALL:
            store.closing.wait(STALL_S)
            self.close_connection = True
            return
        self._pass_on(body, cut=fault == CUT)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _answer

    def handle_expect_100(self) -> bool:
        self.send_response_only(http.HTTPStatus.CONTINUE)
        self.end_headers()
        return True

    def _refuse(self, code: str) -> None:
        status, message = REFUSALS[code]
        data = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _pass_on(self, body: bytes, *, cut: bool) -> None:
        upstream = self.server.store.upstream
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port or 80, timeout=30)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            headers["Host"] = upstream.netloc  # by whatever name we were called
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        if cut:
            # The object is stored, and nobody hears of it.
            self.wfile.write(b"HTTP/1.1 2")
            self.wfile.flush()
            self.close_connection = True
            return
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    store: FaultyStore

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        super().__init__(address, handler)
        self.connections: set[socket.socket] = set()

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        self.connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.discard(request)

    def hang_up(self) -> None:
        """End the connections that clients keep open, and wait for their threads."""
        ends_s = time.monotonic() + 5
        while self.connections and time.monotonic() < ends_s:
            for connection in list(self.connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            time.sleep(0.01)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is nothing to print."""


@contextlib.contextmanager
def faulty_store(upstream: str) -> Iterator[FaultyStore]:
    """Serve on a free port of 127.0.0.1."""
    server = _Server(("127.0.0.1", 0), _Handler)
    host, port = server.server_address[:2]
    server.store = FaultyStore(f"{host!s}:{port}", upstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.store
    finally:
        server.store.closing.set()
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()
