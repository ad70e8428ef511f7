"""A small HTTP/1.1 server with keep-alive: one thread a connection, all of them joined on close.

Not `http.server`, because that refuses header lines over 64 KiB, and `awslambdaric` sends the message
and traceback of an error in `Lambda-Runtime-Function-XRay-Error-Cause`, up to 1 MiB.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable

from profiler.testing.http_message import BadRequest, Request, Response, read_request

SHUTDOWN_POLL_S = 0.02

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
            try:
                while (request := read_request(self.rfile, self.wfile)) is not None:
                    response = self.server.dispatch(request)
                    if response is None:
                        return
                    self.wfile.write(response.encode())
            except BadRequest as error:
                close = (("Connection", "close"),)
                self.wfile.write(Response(error.status, str(error).encode(), close).encode())
