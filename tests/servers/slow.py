"""A store that takes its time: it answers every request with 200, late or never."""

from __future__ import annotations

import contextlib
import http.server
import sys
import threading
import time
from collections.abc import Iterator


class SlowStore:
    """As much of S3 as a PUT needs. `delay_s` None never answers.

    `bodies` is what arrived whole, `paths` where it was put.
    """

    def __init__(self, address: str, delay_s: float | None) -> None:
        self.endpoint = f"http://{address}"
        self.delay_s = delay_s
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.asked = 0
        self.closing = threading.Event()

    @property
    def env(self) -> dict[str, str]:
        """Return the variables that lead boto3 here."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_PUT(self) -> None:
        store = self.server.store
        store.asked += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if store.closing.wait(store.delay_s):
            self.close_connection = True
            return
        store.bodies.append(body)
        store.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("ETag", '"0"')
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    store: SlowStore

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is nothing to print."""


@contextlib.contextmanager
def slow_store(delay_s: float | None) -> Iterator[SlowStore]:
    """Serve on a free port of 127.0.0.1; `delay_s` may be changed meanwhile."""
    server = _Server(("127.0.0.1", 0), _Handler)
    host, port = server.server_address[:2]
    server.store = SlowStore(f"{host!s}:{port}", delay_s)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.store
    finally:
        server.store.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
        ends_s = time.monotonic() + 5
        while any("process_request" in t.name for t in threading.enumerate()) and time.monotonic() < ends_s:
            time.sleep(0.01)


def main() -> None:
    """Serve in a process of its own: print the endpoint, and end when standard input does."""
    with slow_store(float(sys.argv[1])) as store:
        print(store.endpoint, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
