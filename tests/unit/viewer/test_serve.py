"""The application over a store, without a browser: who may come in, what is meant, what is answered."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

pytest.importorskip("starlette")

from profiler.errors import SelectionError
from tests.unit.viewer.builders import STARTED_NS, capture, fill, memory, thread
from viewer.serve.choice import Choice, few
from viewer.serve.index import Index
from viewer.store import open_store

DAY_NS = 86_400 * 10**9


def made(count: int = 10, start: int = 1) -> list[object]:
    return [
        capture(
            n,
            outcome="error" if n % 5 == 0 else "ok",
            memory=memory(),
            threads=(thread(((0,), 10), ((0, 1), 30 + n % 3 + (20 if n > 5 else 0))),),
        )
        for n in range(start, start + count)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    fill(tmp_path, made())  # type: ignore[arg-type]
    return tmp_path


# ---- what there is --------------------------------------------------------------------------------


def test_the_index_knows_what_names_tell(store: Path) -> None:
    found = Index(open_store(str(store))).invocations("checkout")
    assert len(found.captures) == len(found.started_ms) == 10
    assert sorted(found.duration_ms)[0] == pytest.approx(401)
    assert sum(flag & 1 for flag in found.flags) == 1  # the cold one
    assert sum(flag >> 1 == 1 for flag in found.flags) == 2  # errors


def test_what_comes_later_is_added_once(store: Path) -> None:
    now_s = [0.0]
    index = Index(open_store(str(store)), lambda: now_s[0])
    index.refreshed("checkout")
    fill(store, made(3, 11))  # type: ignore[arg-type]
    assert len(index.refreshed("checkout").captures) == 10  # not yet: it was listed just now
    now_s[0] = 60.0
    found = index.refreshed("checkout")
    assert len(found.captures) == 13
    assert len(index.invocations("checkout").captures) == 13


def test_only_what_was_listed_can_be_opened(store: Path) -> None:
    index = Index(open_store(str(store)))
    found = index.invocations("checkout")
    assert index.stored("checkout", found.captures[3].path) is found.captures[3]
    for path in ("../../etc/passwd", "/etc/passwd", "", found.captures[3].path + "/.."):
        assert index.stored("checkout", path) is None


# ---- what is meant --------------------------------------------------------------------------------


def chosen(store: Path, text: str) -> list[int]:
    found = Index(open_store(str(store))).invocations("checkout")
    return sorted(stored.key.sequence for stored in Choice.parse(text).of(found))


def test_a_rectangle_chooses(store: Path) -> None:
    assert chosen(store, "") == list(range(1, 11))
    start_ms = STARTED_NS / 1e6
    assert chosen(store, f"{start_ms + 3000},{start_ms + 6000},,") == [3, 4, 5, 6]
    assert chosen(store, ",,408,") == [8, 9, 10]
    assert chosen(store, ",,,,cold") == [1]
    assert chosen(store, ",,,,,error+crashed") == [5, 10]
    assert chosen(store, ",,408,,warm,ok") == [8, 9]


@pytest.mark.parametrize(
    "text", ["a", "1,2,3,nan", ",,,,lukewarm", ",,,,,fine", ",,,,,,", "1,2,3,4,all,ok,more"]
)
def test_what_is_no_choice(text: str) -> None:
    with pytest.raises(SelectionError):
        Choice.parse(text)


def test_of_many_a_few_are_read() -> None:
    many = list(range(10_000))
    read = few(many)  # type: ignore[arg-type]
    assert len(read) == 400
    assert (read[0], read[-1]) == (0, 9_999)


# ---- the server -----------------------------------------------------------------------------------


class Server:
    """`viewer serve` as it is started, and a client that is as patient as a browser."""

    def __init__(self, store: Path) -> None:
        command = [sys.executable, "-m", "viewer", "serve", "--store", str(store)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.netloc = urlsplit(self.address).netloc
        self.cookie = ""

    def get(self, route: str, **parameters: str) -> tuple[int, dict[str, str], bytes]:
        headers = {"Cookie": self.cookie} if self.cookie else {}
        return self.raw(f"{route}?{urlencode(parameters)}" if parameters else route, headers)

    def raw(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.netloc, timeout=30)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, body

    def enter(self) -> None:
        _, headers, _ = self.get("/?" + urlsplit(self.address).query)
        self.cookie = headers["set-cookie"].partition(";")[0]

    def json(self, route: str, **parameters: str) -> object:
        status, _, body = self.get(route, **parameters)
        assert status == 200, body
        return json.loads(body)


@pytest.fixture
def server(store: Path) -> Iterator[Server]:
    running = Server(store)
    yield running
    running.process.terminate()
    running.process.wait(10)


def test_only_who_has_the_token_comes_in(server: Server) -> None:
    assert server.address.startswith("http://127.0.0.1:")
    for path in ("/", "/app.js", "/api/functions", "/flamegraph?function=checkout"):
        assert server.get(path)[0] == 403
    assert server.get("/?token=guess")[0] == 403
    status, headers, _ = server.get("/?" + urlsplit(server.address).query)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    server.enter()
    assert server.get("/")[0] == 200


def test_another_name_for_this_machine_is_turned_away(server: Server) -> None:
    server.enter()
    for host in ("evil.example", "127.0.0.1", "[::1]"):
        status, _, body = server.raw("/", {"Host": host, "Cookie": server.cookie})
        assert status == 421
        assert b"token" not in body


def test_the_policy_lets_nothing_else_in(server: Server) -> None:
    server.enter()
    _, headers, body = server.get("/")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert b"://" not in body  # nothing from elsewhere
    _, headers, _ = server.get("/flamegraph", function="checkout")
    assert headers["content-security-policy"] == "frame-ancestors 'self'"


def test_what_is_drawn_comes_in_columns(server: Server) -> None:
    server.enter()
    assert server.json("/api/functions")["functions"] == ["checkout"]  # type: ignore[index]
    found = server.json("/api/invocations", function="checkout")
    columns = array("d")
    columns.frombytes(base64.b64decode(found["started"]))  # type: ignore[index]
    assert len(columns) == found["total"] == 10  # type: ignore[index]
    rest = server.json("/api/invocations", **{"function": "checkout", "from": "8"})
    assert len(base64.b64decode(rest["flags"])) == 2  # type: ignore[index]


def test_rows_come_in_pages(server: Server) -> None:
    server.enter()
    page = server.json("/api/rows", function="checkout", order="slowest")
    assert page["total"] == 10  # type: ignore[index]
    assert [row["sequence"] for row in page["rows"]][:2] == [10, 9]  # type: ignore[index]
    assert server.json("/api/rows", function="checkout", page="1")["rows"] == []  # type: ignore[index]


def test_pages_of_a_choice(server: Server) -> None:
    server.enter()
    _, _, merged = server.get("/flamegraph", function="checkout")
    assert b"10 captures merged" in merged
    row = server.json("/api/rows", function="checkout")["rows"][0]  # type: ignore[index]
    status, _, one = server.get("/capture", function="checkout", path=row["path"])
    assert (status, b"checkout \\u00b7" in one) == (200, True)
    _, _, compared = server.get("/diff", function="checkout", before=",,,405", after=",,406,")
    assert b"per invocation" in compared
    _, _, leaks = server.get("/leaks", function="checkout")
    assert b"Leaks of checkout" in leaks


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("/flamegraph", {}, "which function?"),
        ("/flamegraph", {"function": "checkout", "choice": "x"}, "no part of the picture"),
        ("/flamegraph", {"function": "checkout", "choice": ",,9999,"}, "no invocation is in that part"),
        ("/flamegraph", {"function": "nobody"}, "no invocation is in that part"),
        ("/capture", {"function": "checkout", "path": "../../../etc/passwd"}, "no such capture"),
        ("/api/rows", {"function": "checkout", "page": "-1"}, "page is no number"),
        (
            "/diff",
            {"function": "checkout", "before": ",,9999,", "after": ""},
            "no invocation is in that part",
        ),
    ],
)
def test_what_cannot_be_answered_is_said(
    server: Server, path: str, parameters: dict[str, str], message: str
) -> None:
    server.enter()
    status, headers, body = server.get(path, **parameters)
    assert status == 400
    assert headers["content-type"].startswith("text/plain")
    assert message in body.decode()


def test_a_broken_capture_is_left_out(server: Server, store: Path) -> None:
    server.enter()
    path = sorted(store.rglob("*.json.gz"))[0]
    path.write_bytes(b"junk")
    _, _, merged = server.get("/flamegraph", function="checkout")
    assert b"9 captures merged" in merged


def test_a_store_that_is_not_there_is_said_before_it_serves(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "viewer", "serve", "--store", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
