"""The write sides of the stores; S3 with a client that answers as it is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from profiler.capture import Capture, Invocation
from profiler.environment import ENVIRONMENT
from profiler.errors import PluginError, StoreError
from profiler.keys import CaptureKey
from profiler.location import LocalLocation, S3Location, parse_location
from profiler.sinks import open_sink
from profiler.sinks.local import LocalSink
from profiler.sinks.s3 import S3Sink

KEY = CaptureKey.of(Capture(Invocation("shop", "r", "e", 1, 0, 0, True)))


def test_a_location_decides_the_sink(tmp_path: Path) -> None:
    assert isinstance(open_sink("s3://bucket/prefix"), S3Sink)
    assert isinstance(open_sink(str(tmp_path / "new")), LocalSink)
    assert not (tmp_path / "new").exists()
    with pytest.raises(StoreError):
        open_sink("s3://")
    with pytest.raises(PluginError, match="no package registers 'ftp'"):
        open_sink("ftp://x")


def test_a_folder_takes_captures(tmp_path: Path) -> None:
    sink = LocalSink(LocalLocation(tmp_path / "a" / "b"))
    sink.check()
    sink.put(KEY, b"one")
    sink.put(KEY, b"two")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [tmp_path / "a" / "b" / str(KEY)]
    assert files[0].read_bytes() == b"two"


def test_the_longest_name_fits(tmp_path: Path) -> None:
    name = "ü😀" * 200
    key = CaptureKey.of(
        Capture(Invocation(name, name, name, 10**9, 0, 10**15, True), outcome="out-of-memory")
    )
    LocalSink(LocalLocation(tmp_path)).put(key, b"x")
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert CaptureKey.parse(path.as_posix()) == key


def test_a_folder_below_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sink = LocalSink(LocalLocation(tmp_path / "file" / "store"))
    for step in (sink.check, lambda: sink.put(KEY, b"x")):
        with pytest.raises(StoreError, match=r"file/store: cannot write there \(Not a directory\)"):
            step()


@pytest.mark.parametrize("function", ["os.replace", "os.open"])
def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    sink = LocalSink(LocalLocation(tmp_path))
    if function == "os.replace":
        monkeypatch.setattr(function, full)
    else:
        (tmp_path / str(KEY)).mkdir(parents=True)  # a folder where the file should go
    with pytest.raises(StoreError):
        sink.put(KEY, b"x")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


class Client:
    """As much of an S3 client as a sink uses."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls: list[dict[str, Any]] = []

    def put_object(self, **arguments: Any) -> None:
        self.calls.append(arguments)
        if self.error:
            raise self.error

    def head_bucket(self, **arguments: Any) -> None:
        self.put_object(**arguments)


class ClientError(Exception):
    def __init__(self, code: str, status: int) -> None:
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}


def s3_sink(client: Client, monkeypatch: pytest.MonkeyPatch, uri: str = "s3://bucket/p") -> S3Sink:
    made = []

    def make_client(**options: Any) -> Client:
        made.append(options)
        assert len(made) == 1, "the client was made twice"
        return client

    monkeypatch.setattr("profiler.sinks.s3.make_client", make_client)
    location = parse_location(uri)
    assert isinstance(location, S3Location)
    return S3Sink(location)


def test_a_bucket_takes_captures(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    sink = s3_sink(client, monkeypatch, "s3://bucket/p?kms_key_id=k")
    sink.check()
    sink.put(KEY, b"x")
    assert client.calls == [
        {"Bucket": "bucket"},
        {
            "Bucket": "bucket",
            "Key": f"p/{KEY}",
            "Body": b"x",
            "ContentType": "application/gzip",
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": "k",
        },
    ]


def test_what_a_bucket_answers_is_an_error_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = s3_sink(Client(ClientError("404", 404)), monkeypatch)
    for step in (sink.check, lambda: sink.put(KEY, b"x")):
        with pytest.raises(StoreError, match="store s3://bucket/p: the bucket does not exist"):
            step()


def test_a_role_that_may_only_put_passes_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    s3_sink(Client(ClientError("403", 403)), monkeypatch).check()


def test_one_attempt_with_time_outs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr("profiler.sinks.s3.make_client", lambda **options: made.append(options) or Client())
    open_sink("s3://bucket").put(KEY, b"x")
    assert made == [{"connect_timeout_s": 2, "read_timeout_s": 5, "attempts": 1}]


@pytest.mark.parametrize(("code", "clients"), [("ExpiredToken", 3), ("InvalidToken", 3), ("SlowDown", 1)])
def test_credentials_that_have_expired_are_looked_for_anew(
    monkeypatch: pytest.MonkeyPatch, code: str, clients: int
) -> None:
    made: list[Client] = []

    def make_client(**_: Any) -> Client:
        made.append(Client(ClientError(code, 400)))
        return made[-1]

    monkeypatch.setattr("profiler.sinks.s3.make_client", make_client)
    sink = open_sink("s3://bucket")
    for _ in range(3):
        with pytest.raises(StoreError):
            sink.put(KEY, b"x")
    assert len(made) == clients


def test_a_forked_process_makes_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Client] = []
    monkeypatch.setattr("profiler.sinks.s3.make_client", lambda **_: made.append(Client()) or made[-1])
    sink = open_sink("s3://bucket")
    sink.put(KEY, b"x")
    sink.put(KEY, b"x")
    assert len(made) == 1
    child = os.getpid() + 1
    monkeypatch.setattr("os.getpid", lambda: child)
    sink.put(KEY, b"x")
    assert len(made) == 2
    assert [len(client.calls) for client in made] == [2, 1]


def test_a_restored_snapshot_makes_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of the snapshot are closed by then, and its credentials may have expired."""
    made: list[Client] = []
    monkeypatch.setattr("profiler.sinks.s3.make_client", lambda **_: made.append(Client()) or made[-1])
    sink = open_sink("s3://bucket")
    sink.put(KEY, b"x")
    ENVIRONMENT.restored()
    sink.put(KEY, b"x")
    sink.put(KEY, b"x")
    assert [len(client.calls) for client in made] == [1, 2]


def test_without_boto3_there_is_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(StoreError, match="pip install"):
        open_sink("s3://bucket").check()


def test_no_file_is_open_afterwards(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc here")
    sink = LocalSink(LocalLocation(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        sink.put(KEY, b"x")
    assert len(os.listdir("/proc/self/fd")) == before
