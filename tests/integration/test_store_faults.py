"""A thousand invocations while the store fails: no handler is affected, and nothing is lost.

boto3 talks to a real S3 server (moto, in a process of its own) through a proxy that injects the fault.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("moto")

from profiler.bootstrap import wrap
from profiler.codec import decode
from profiler.keys import CaptureKey
from profiler.outbox import Outbox, spool_folder
from profiler.recorder import Recorder
from profiler.settings import Settings
from profiler.sinks import open_sink
from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import PYTHON, write_app
from tests.servers import S3Server
from tests.servers.faulty import CUT, FAULTS, STALL, FaultyStore, faulty_store
from tests.unit.profiler.helpers import Context

INVOCATIONS = 1_000
# What an invocation has, and what of that the profiler may take: all but the reserve.
DEADLINE_S = 3.0
NOT_A_HOST = "s3.no-such-host.invalid"
APP = """
from profiler import profile

@profile
def handler(event, context):
    return event["n"]
"""


@pytest.fixture
def store(moto_s3: S3Server) -> Iterator[FaultyStore]:
    with faulty_store(moto_s3.endpoint_url) as served:
        yield served


@pytest.fixture
def bucket(moto_s3: S3Server) -> str:
    name = f"faults-{uuid.uuid4().hex[:12]}"
    moto_s3.client().create_bucket(Bucket=name)
    return name


def keys_in(server: S3Server, bucket: str) -> list[str]:
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", ())]


class Function:
    """An armed handler whose captures go to a bucket; it knows how long each call was held up."""

    def __init__(self, bucket: str, spool: Path, **settings: Any) -> None:
        def handler(event: Any, context: Any) -> Any:
            return event

        uri = f"s3://{bucket}/captures"
        chosen = Settings(enabled=True, store=uri, cpu="off", memory="off", **settings)
        folder = lambda make: spool_folder(uri, {"TMPDIR": str(spool)}, make=make)  # noqa: E731
        self.outbox = Outbox(open_sink(uri), chosen.spool_mb * 2**20, folder)
        self.recorder = Recorder(handler, chosen, self.outbox)
        self._call = wrap(handler, self.recorder)
        self.held_s: list[float] = []

    def invoke(self, number: int) -> None:
        began = time.monotonic()
        assert self._call(number, Context(remaining_s=DEADLINE_S)) == number
        self.held_s.append(time.monotonic() - began)


@pytest.fixture
def function(
    moto_s3: S3Server, store: FaultyStore, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Function:
    for name, value in moto_s3.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.endpoint)
    return Function(bucket, tmp_path)


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def check_all_arrive(function: Function, server: S3Server, bucket: str) -> None:
    """Everything that was captured is in the bucket, whole, under its own key, after one patient delivery."""
    waiting = dict(function.outbox.waiting())
    assert function.outbox.deliver(60, patient=True)
    assert function.outbox.dropped == 0
    found = [CaptureKey.parse(key) for key in keys_in(server, bucket)]
    assert len(found) == INVOCATIONS
    assert len({key.sequence for key in found if key}) == INVOCATIONS
    for key, data in list(waiting.items())[:3]:
        body = server.client().get_object(Bucket=bucket, Key=f"captures/{key}")["Body"].read()
        assert body == data
        decode(body)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_thousand_invocations_while_the_store_fails(
    fault: str,
    function: Function,
    store: FaultyStore,
    moto_s3: S3Server,
    bucket: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "profiler")
    store.fault = fault
    for number in range(INVOCATIONS):
        function.invoke(number)
    assert max(function.held_s) < DEADLINE_S
    assert sum(function.held_s) < 60  # few of them waited at all
    assert function.recorder.guard.failures == 0
    assert 0 < store.asked < INVOCATIONS  # a store that fails is left alone
    [warning] = warnings_in(caplog)
    assert "it will be tried again" in warning
    if fault != CUT:  # there the object has arrived, and only the answer has not
        assert keys_in(moto_s3, bucket) == []
    store.fault = None
    if fault == STALL:
        store.closing.set()
    check_all_arrive(function, moto_s3, bucket)


def test_a_thousand_invocations_without_a_name_server(
    function: Function,
    store: FaultyStore,
    moto_s3: S3Server,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The endpoint's name cannot be resolved; then it can, and is the proxy's address."""
    caplog.set_level(logging.WARNING, "profiler")
    port = store.endpoint.rpartition(":")[2]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{NOT_A_HOST}:{port}")
    for number in range(INVOCATIONS):
        function.invoke(number)
    assert max(function.held_s) < DEADLINE_S
    [warning] = warnings_in(caplog)
    assert NOT_A_HOST in warning
    resolve = socket.getaddrinfo

    def answered(host: Any, *rest: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host == NOT_A_HOST else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answered)
    check_all_arrive(function, moto_s3, bucket)


def test_over_the_bound_the_oldest_give_way_and_that_is_said(
    moto_s3: S3Server,
    store: FaultyStore,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "profiler")
    for name, value in moto_s3.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.endpoint)
    labels = {f"label{n}": os.urandom(600).hex() for n in range(20)}  # about 12 KB that gzip cannot shrink
    function = Function(bucket, tmp_path, spool_mb=1, labels=labels)
    store.fault = "SlowDown"
    for number in range(200):
        function.invoke(number)
    assert sum(len(data) for _, data in function.outbox.waiting()) <= 2**20
    dropped = function.outbox.dropped
    assert dropped > 50
    assert [text for text in warnings_in(caplog) if "dropped, oldest first" in text]
    store.fault = None
    assert function.outbox.deliver(60, patient=True)
    function.invoke(200)
    found = sorted(key.sequence for key in map(CaptureKey.parse, keys_in(moto_s3, bucket)) if key)
    assert len(found) == 201 - dropped
    assert found == list(range(found[-1] - len(found) + 1, found[-1] + 1))  # the newest, without a gap
    assert any(f"{dropped} were dropped meanwhile" in text for text in warnings_in(caplog))


@pytest.mark.parametrize("fault", ["SlowDown", STALL])
def test_through_the_runtime_client_after_the_response(
    fault: str, moto_s3: S3Server, store: FaultyStore, bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "function").mkdir()
    env = {
        **moto_s3.env(),
        "AWS_ENDPOINT_URL_S3": store.endpoint,
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": f"s3://{bucket}/captures",
        "PROFILER_UPLOAD": "after-response",
        "TMPDIR": str(tmp_path),
    }
    store.fault = fault
    app = write_app(tmp_path / "function", APP)
    with ExecutionEnvironment("app.handler", app, python=PYTHON, env=env) as function:
        for number in range(60):
            result = function.invoke({"n": number}, timeout_s=DEADLINE_S)
            assert (result.status, result.payload) == ("ok", number)
        store.fault = None
        store.closing.set()
        for number in range(60, 400):
            assert function.invoke({"n": number}, timeout_s=DEADLINE_S).payload == number
            if number % 10 == 0 and len(keys_in(moto_s3, bucket)) == number + 1:
                break
        last = number
        ends = time.monotonic() + 10
        while len(keys_in(moto_s3, bucket)) <= last and time.monotonic() < ends:
            time.sleep(0.05)
        assert function.log.count("WARNING") == function.log.count("it will be tried again") == 1
    keys = [key for key in map(CaptureKey.parse, keys_in(moto_s3, bucket)) if key]
    assert sorted(key.sequence for key in keys) == list(range(1, last + 2))
