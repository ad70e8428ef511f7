"""Triggers in the emulator, with the real runtime client: what is asked for, and what is kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from profiler.capture import Capture
from profiler.codec import decode
from profiler.testing import ExecutionEnvironment
from profiler.triggers.token import make_token
from tests.events import CARRIERS, NAME, load
from tests.integration.emulated import PYTHON, write_app

KEY = "a key that nobody guesses"
APP = """
import time
from concurrent.futures import ThreadPoolExecutor
from profiler import profile


@profile
def handler(event, context):
    time.sleep(event.get("sleep_s", 0))
    if event.get("threads"):
        with ThreadPoolExecutor() as pool:
            return [name for names in pool.map(part, range(event["threads"])) for name in names]
    if event.get("fail"):
        raise ValueError("no")
    return sorted(event)


@profile
def part(number):
    return handler({"sleep_s": 0}, None)
"""


def environment(folder: Path, **variables: str) -> ExecutionEnvironment:
    app = folder / "function"
    app.mkdir()
    env = {"PROFILER_ENABLED": "1", "PROFILER_STORE": str(folder / "store"), "TMPDIR": str(folder)}
    return ExecutionEnvironment(
        "app.handler", write_app(app, APP), python=PYTHON, env=env | variables, function_name="shop"
    )


def captures(folder: Path) -> list[Capture]:
    found = [decode(path.read_bytes()) for path in (folder / "store").rglob("*.gz")]
    return sorted(found, key=lambda capture: capture.invocation.sequence)


def answered(function: ExecutionEnvironment, event: Any) -> Any:
    result = function.invoke(event)
    assert result.status == "ok", result
    return result.payload


@pytest.mark.parametrize("name", CARRIERS)
def test_a_signed_request_captures_one_invocation(name: str, tmp_path: Path) -> None:
    plain, signed, forged = load(name), load(name), load(name)
    CARRIERS[name](signed, make_token(KEY, "shop", int(time.time()) + 600, "0123456789abcdef"))
    CARRIERS[name](forged, make_token("another key, a wrong one", "shop", int(time.time()) + 600, "0" * 16))
    with environment(tmp_path, PROFILER_RATE="0", PROFILER_REQUEST_KEY=KEY) as function:
        for event in (plain, forged, signed, signed, plain):
            assert answered(function, event) == sorted(event)
    [capture] = captures(tmp_path)
    assert (capture.trigger, capture.invocation.sequence) == ("request", 3)


def test_the_client_context_carries_a_token(tmp_path: Path) -> None:
    token = make_token(KEY, "shop", int(time.time()) + 600, "0123456789abcdef")
    context = {"client": {"app_title": "till"}, "custom": {NAME: token}, "env": {"locale": "en"}}
    with environment(tmp_path, PROFILER_RATE="0", PROFILER_REQUEST_KEY=KEY) as function:
        for client_context in (None, context, context):
            assert function.invoke({}, client_context=client_context).status == "ok"
    [capture] = captures(tmp_path)
    assert (capture.trigger, capture.invocation.sequence) == ("request", 2)


def test_what_was_asked_for_is_kept(tmp_path: Path) -> None:
    signed = {NAME: make_token(KEY, "shop", int(time.time()) + 600, "0123456789abcdef")}
    with environment(tmp_path, PROFILER_KEEP="error", PROFILER_REQUEST_KEY=KEY) as function:
        for event in ({}, signed, signed):
            answered(function, event)
    assert [one.invocation.sequence for one in captures(tmp_path)] == [2]


def test_what_threads_call_is_a_part_of_the_invocation(tmp_path: Path) -> None:
    with environment(tmp_path) as function:
        for _ in range(2):
            assert answered(function, {"threads": 3}) == ["sleep_s"] * 3
    assert [one.invocation.sequence for one in captures(tmp_path)] == [1, 2]


def test_what_was_slow_or_failed_is_kept(tmp_path: Path) -> None:
    with environment(tmp_path, PROFILER_KEEP="error,slow:80ms") as function:
        answered(function, {})
        answered(function, {"sleep_s": 0.1})
        assert function.invoke({"fail": True}).status == "error"
        answered(function, {})
    found = captures(tmp_path)
    assert [(one.invocation.sequence, one.outcome) for one in found] == [(2, "ok"), (3, "error")]
    assert [one.notes[-1].rpartition(" ")[2] for one in found] == ["slow", "error"]


def test_the_cold_one_and_every_third(tmp_path: Path) -> None:
    with environment(tmp_path, PROFILER_TRIGGER="cold,every:3") as function:
        for _ in range(7):
            answered(function, {})
    found = {one.invocation.sequence: one.trigger for one in captures(tmp_path)}
    assert found == {1: "cold", 3: "every", 6: "every"}
