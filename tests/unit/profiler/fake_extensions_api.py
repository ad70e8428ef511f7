"""An Extensions API that answers what a test tells it to, over a real socket."""

from __future__ import annotations

import json
import queue
import socket
import socketserver
import struct
import threading
import time

# What may come instead of an answer.
RESET = "reset"
CLOSE = "close"


class Cut(bytes):
    """Bytes after which the connection is closed."""


def http(status: int, body: bytes | str = b"", *headers: str) -> bytes:
    """Return an answer as it stands on the wire."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def invoke(request_id: str, left_s: float = 60.0) -> bytes:
    """Return the event of an invocation that has so much time."""
    deadline_ms = round((time.time() + left_s) * 1000)
    return http(200, json.dumps({"eventType": "INVOKE", "requestId": request_id, "deadlineMs": deadline_ms}))


REGISTERED = http(200, "{}", "Lambda-Extension-Identifier: id-1")


class FakeApi:
    """`answers` are given one by one to `next`; each call of it is put into `asked` before."""

    def __init__(self) -> None:
        self.registrations: queue.Queue[bytes | str] = queue.Queue()
        self.registered: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.answers: queue.Queue[bytes | str] = queue.Queue()
        self.asked: queue.Queue[dict[str, str]] = queue.Queue()
        self.connections = 0
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def wait_for_next(self, timeout_s: float = 10.0) -> dict[str, str]:
        """Wait until `next` is called; return its headers."""
        return self.asked.get(timeout=timeout_s)

    def is_asked(self, within_s: float) -> bool:
        """Tell whether `next` is called within that time."""
        try:
            self.asked.get(timeout=within_s)
        except queue.Empty:
            return False
        return True

    def close(self) -> None:
        """Refuse connections from now on, and let go of the calls that wait."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.closing.set()
        for _ in range(self.connections):
            self.answers.put(CLOSE)
            self.registrations.put(CLOSE)
        for thread in self._server.threads:
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, api: FakeApi) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.api = api
        self.closing = threading.Event()
        self.threads: list[threading.Thread] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is nothing to print."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.threads.append(threading.current_thread())
        api = self.server.api
        api.connections += 1
        self.connection.settimeout(0.05)
        while (request := self._read()) is not None:
            path, headers, body = request
            if path.endswith("/register"):
                api.registered.put((headers, body))
                answer = api.registrations.get()
            else:
                api.asked.put(headers)
                answer = api.answers.get()
            if answer == RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            if isinstance(answer, str):
                return
            self.wfile.write(answer)
            if isinstance(answer, Cut):
                return

    def _read(self) -> tuple[str, dict[str, str], bytes] | None:
        data = b""
        while b"\r\n\r\n" not in data:
            try:
                more = self.connection.recv(65536)
            except TimeoutError:
                if self.server.closing.is_set():
                    return None
                continue
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        while len(body) < int(headers.get("content-length", "0")):
            body += self.connection.recv(65536)
        return first.split(" ")[1], headers, body
