"""Asleep means absent: the same function object, and nothing imported."""

from __future__ import annotations

import importlib.util

import pytest

from tests.unit.profiler.helpers import run_python

DISABLED = """
    import sys
    {first}
    before = set(sys.modules)
    from profiler import profile

    def handler(event, context): return event
    def lines(event, context): yield event
    async def wait(event, context): return event
    async def stream(event, context): yield event
    class Service:
        @profile
        def method(self, event): return event
        @profile(rate=0.5)
        def other(self, event): return event
    service = Service()

    for function in (handler, lines, wait, stream, service, len, service.method):
        assert profile(function) is function
        assert profile()(function) is function
        assert profile(cpu="nonsense", no_such_setting=1)(function) is function
        assert profile(enabled=False)(function) is function
    assert Service.method.__name__ == "method"
    new = set(sys.modules) - before
    assert len(sys._current_frames()) == 1
    assert new == {{"profiler", "profiler._wrap"}}, new
"""


@pytest.mark.parametrize("flag", [None, "", "0", "off", "False", " no "])
def test_a_disabled_profiler_imports_nothing(flag: str | None) -> None:
    done = run_python(DISABLED.format(first=""), **({} if flag is None else {"PROFILER_ENABLED": flag}))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(importlib.util.find_spec("awslambdaric") is None, reason="awslambdaric is not installed")
def test_a_disabled_profiler_imports_nothing_in_lambda() -> None:
    done = run_python(
        DISABLED.format(first="import awslambdaric.bootstrap, threading"),
        AWS_LAMBDA_RUNTIME_API="127.0.0.1:9",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_argument_beats_the_flag() -> None:
    code = """
        from profiler import profile
        def handler(event, context): return event
        assert profile(enabled={argument})(handler) is {not_} handler
    """
    asleep = run_python(code.format(argument=False, not_=""), PROFILER_ENABLED="1")
    awake = run_python(code.format(argument=True, not_="not"), PROFILER_ENABLED="0")
    assert (asleep.returncode, asleep.stderr) == (0, "")
    assert (awake.returncode, awake.stderr) == (0, "")


def test_an_armed_profiler_loads_no_client_and_no_engine_it_does_not_use() -> None:
    code = """
        import sys
        from profiler import profile
        @profile
        def handler(event, context): return event
        assert handler.__wrapped__ is not handler
        heavy = {"boto3", "botocore", "pyinstrument", "yappi", "psutil", "rich", "asyncio", "tracemalloc"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """
    done = run_python(code, PROFILER_ENABLED="1", PROFILER_STORE="s3://bucket/prefix")
    assert (done.returncode, done.stderr) == (0, "")
