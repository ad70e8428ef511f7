"""HTTP/1.1 messages, as much of them as a runtime and its extensions send and need."""

from __future__ import annotations

import http
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BufferedIOBase

MAX_LINE_BYTES = 2 * 1024 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024


class BadRequest(Exception):
    """A message that cannot be read: `status` is the answer, and the connection ends with it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


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


def read_request(rfile: BufferedIOBase, wfile: BufferedIOBase) -> Request | None:
    """Read one request; None at the end of the connection. Raises BadRequest."""
    line = _read_line(rfile)
    if not line:
        return None
    parts = line.split(" ")
    if len(parts) != 3:
        raise BadRequest(400, "no request line")
    headers = {}
    while line := _read_line(rfile):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked":
            raise BadRequest(501, "of the transfer encodings only chunked is read")
        body = _read_chunks(rfile)
    else:
        body = _read_exactly(rfile, _size(headers.get("content-length", "0"), 10))
    # A peer that died in mid-sentence: half a response is none.
    return None if body is None else Request(parts[0], parts[1], headers, body)


def _read_chunks(rfile: BufferedIOBase) -> bytes | None:
    """Read a chunked body and its trailer (RFC 9112, section 7.1); None if it breaks off."""
    chunks: list[bytes] = []
    total = 0
    while True:
        line = _read_line(rfile)
        if not line:
            return None
        size = _size(line.partition(";")[0].strip(), 16)
        if size == 0:
            while _read_line(rfile):
                pass
            return b"".join(chunks)
        total += size
        if total > MAX_BODY_BYTES:
            raise BadRequest(413, f"a body has at most {MAX_BODY_BYTES} bytes")
        chunk = _read_exactly(rfile, size + 2)
        if chunk is None:
            return None
        if not chunk.endswith(b"\r\n"):
            raise BadRequest(400, "a chunk is longer than it says")
        chunks.append(chunk[:-2])


def _size(text: str, base: int) -> int:
    # int() alone would take "-1", "+1", "0x1" and "1_0".
    if not text or not set(text) <= set(string.hexdigits if base == 16 else string.digits) or len(text) > 20:
        raise BadRequest(400, f"no length: {text[:40]!r}")
    if (size := int(text, base)) > MAX_BODY_BYTES:
        raise BadRequest(413, f"a body has at most {MAX_BODY_BYTES} bytes")
    return size


def _read_exactly(rfile: BufferedIOBase, size: int) -> bytes | None:
    data = rfile.read(size)
    return data if len(data) == size else None


def _read_line(rfile: BufferedIOBase) -> str:
    return rfile.readline(MAX_LINE_BYTES).decode("latin-1").rstrip("\r\n")
