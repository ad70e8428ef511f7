"""The emulator's HTTP: what it reads, what it refuses, and that it never hangs on either."""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.testing.http_message import BadRequest, Request, Response, read_request
from profiler.testing.http_server import LoopbackServer


def read(data: bytes) -> Request | None:
    return read_request(io.BytesIO(data), io.BytesIO())  # type: ignore[arg-type]


@given(st.lists(st.binary(min_size=1, max_size=40)), st.booleans())
def test_a_chunked_body_is_put_together(chunks: list[bytes], trailer: bool) -> None:
    body = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    end = b"0\r\nX-Trailer: 1\r\n\r\n" if trailer else b"0\r\n\r\n"
    request = read(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body + end)
    assert request == Request("POST", "/x", {"transfer-encoding": "chunked"}, b"".join(chunks))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused_or_cut_short(data: bytes) -> None:
    for start in (b"", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"GET / HTTP/1.1\r\n"):
        with contextlib.suppress(BadRequest):
            read(start + data)


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413),
    ],
)
def test_what_cannot_be_read_is_refused(message: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        read(message)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_half_a_request_is_none(message: bytes) -> None:
    assert read(message) is None


@pytest.fixture
def echo() -> Iterator[LoopbackServer]:
    server = LoopbackServer(lambda request: Response(200, request.body) if request.body else None)
    yield server
    server.close()


def test_the_server_keeps_a_connection_until_it_is_misused(echo: LoopbackServer) -> None:
    host, port = echo.address.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        for _ in range(2):
            connection.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            assert connection.recv(1000).endswith(b"\r\n\r\nabc")
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 Bad Request\r\nConnection: close")
        assert connection.recv(1000) == b""
