"""A few documents served on loopback, to the one who has the address and to nobody else.

Other users of the machine can reach the port, and other sites can make a browser send requests to it. So the
path begins with a random token, and a request must name loopback as its host (against DNS rebinding).
"""

from __future__ import annotations

import hmac
import http.server
import re
import secrets
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

ADDRESS = "127.0.0.1"
# With any port: it may be another at the far end of a tunnel.
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Document:
    """What is answered, and as what."""

    data: bytes
    media_type: str


class Site:
    """Serves from the moment it is entered until it is left.

    `documents` are by name; "" is the page itself. `policy` is the Content-Security-Policy of all of them.
    """

    def __init__(self, documents: Mapping[str, Document], policy: str, port: int = 0) -> None:
        self._token = secrets.token_urlsafe(16)
        answers = {f"/{self._token}/{name}": document for name, document in documents.items()}
        handler = type("Handler", (_Handler,), {"answers": answers, "policy": policy})
        self._server = _Server((ADDRESS, port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.port}/{self._token}/"

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Site:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Return never, but let Ctrl-C through on every platform."""
        while self._thread.is_alive():
            self._thread.join(0.5)


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A browser that leaves before it has everything is no error of ours.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    answers: Mapping[str, Document]
    policy: str
    server_version = "viewer"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        document = self._found()
        if document is not None:
            self._head(document)
            self.wfile.write(document.data)

    def do_HEAD(self) -> None:
        document = self._found()
        if document is not None:
            self._head(document)

    def _found(self) -> Document | None:
        if not _OWN_HOST.fullmatch(self.headers.get("Host", "")):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        path = self.path.partition("?")[0].encode("utf-8", "surrogateescape")
        for name, document in self.answers.items():
            if hmac.compare_digest(path, name.encode()):
                return document
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def _head(self, document: Document) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", document.media_type)
        self.send_header("Content-Length", str(len(document.data)))
        self.send_header("Content-Security-Policy", self.policy)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: whoever looks at the page sees what goes wrong."""
