"""A leak test as a team writes it: with the plugin that the distribution brings, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from profiler.errors import ProfilerError
from profiler.leaktest import assert_no_leak

APP = """
import asyncio, functools

CACHE, KNOWN = {}, []
BOUNDED = functools.lru_cache(maxsize=8)(str)


def leaks(event, context):
    CACHE[event["order"]] = "x" * 100
    return len(CACHE)


def keeps_its_word(event, context):
    BOUNDED(event["order"])
    return context.aws_request_id


def known(event, context):
    KNOWN.append(event)


async def leaks_async(event, context):
    await asyncio.sleep(0)
    CACHE[event["order"]] = 1


def fails(event, context):
    raise KeyError(event["order"])
"""
TESTS = """
import app, pytest


def order(n):
    return {"order": f"o{n}"}


def test_clean(assert_no_leak):
    assert_no_leak(app.keeps_its_word, order)


def test_leak(assert_no_leak):
    with pytest.raises(AssertionError) as caught:
        assert_no_leak(app.leaks, order, invocations=40)
    text = str(caught.value)
    assert "app.CACHE grows by 1.0 entries" in text and "app.py:9 in leaks" in text


def test_a_leak_of_an_async_handler(assert_no_leak):
    with pytest.raises(AssertionError, match="app.CACHE grows by 1.0 entries"):
        assert_no_leak(app.leaks_async, lambda n: {"order": f"async{n}"}, invocations=40)


def test_the_same_event_again_fills_no_cache(assert_no_leak):
    assert_no_leak(app.leaks, {"order": "same"})


def test_known(assert_no_leak):
    assert_no_leak(app.known, order, ignore=["app.KNOWN"])
    with pytest.raises(AssertionError, match="app.KNOWN grows"):
        assert_no_leak(app.known, order)


def test_an_error_is_the_handlers_own(assert_no_leak):
    with pytest.raises(KeyError, match="o0"):
        assert_no_leak(app.fails, order)
"""


def test_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "test_app.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


def test_too_few_invocations_are_refused() -> None:
    with pytest.raises(ValueError, match="takes 20"):
        assert_no_leak(lambda event, context: None, invocations=5)


def test_what_cannot_be_judged_is_no_leak_and_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.leaktest._judge", lambda store, ignore: (2, "rich is not installed"))
    with pytest.raises(ProfilerError, match="rich is not installed"):
        assert_no_leak(lambda event, context: None, invocations=20)
