"""A small HTTP server on loopback that answers what a test puts into it: AWS's local extensions, for one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answers:
    """What is answered to any GET, and the requests that came: (path, headers)."""

    port: int = 0
    status: int = 200
    body: str = ""
    delay_s: float = 0.0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextlib.contextmanager
def local_answers() -> Iterator[Answers]:
    """Serve on a free port of 127.0.0.1."""
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
            time.sleep(answers.delay_s)
            data = answers.body.encode()
            with contextlib.suppress(OSError):
                self.send_response(answers.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    answers.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
