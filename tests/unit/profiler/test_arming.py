"""From the flag to the wrapper: what is armed, what is left alone, and what is said about it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from profiler import profile
from profiler.bootstrap import is_async, original_of
from profiler.codec import decode


def handler(event: Any, context: Any) -> Any:
    """Answer."""
    return event


@pytest.fixture(autouse=True)
def enabled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROFILER_ENABLED", "1")
    monkeypatch.setenv("PROFILER_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PROFILER_MEMORY", "off")


def stored(tmp_path: Path) -> list[Any]:
    return [decode(path.read_bytes()) for path in sorted((tmp_path / "store").rglob("*.json.gz"))]


def test_an_armed_handler_answers_and_leaves_a_capture(tmp_path: Path) -> None:
    armed = profile(handler)
    event = {"a": 1}
    assert armed is not handler
    assert armed(event, None) is event
    (capture,) = stored(tmp_path)
    assert capture.invocation.function_name == handler.__module__
    assert capture.invocation.cold == (capture.invocation.sequence == 1)


def test_an_armed_handler_looks_like_the_handler() -> None:
    armed = profile(handler)
    assert (armed.__name__, armed.__doc__, armed.__module__) == ("handler", "Answer.", __name__)
    assert inspect.signature(armed) == inspect.signature(handler)
    assert original_of(armed) is handler


def test_arming_twice_is_arming_once() -> None:
    armed = profile(handler)
    assert profile(armed) is armed


def test_a_decorator_around_an_armed_handler_keeps_its_work() -> None:
    inner = profile(handler)

    @functools.wraps(inner)
    def outer(event: Any, context: Any) -> Any:
        return ["outer", inner(event, context)]

    assert original_of(outer) is outer
    assert profile(outer) is outer
    assert outer(1, None) == ["outer", 1]


def test_generators_are_left_as_they_are() -> None:
    def lines(event: Any, context: Any) -> Iterator[int]:
        yield 1

    async def stream(event: Any, context: Any) -> Any:
        yield 1

    assert profile(lines) is lines
    assert profile(stream) is stream
    assert profile(functools.partial(lines, 1)).func is lines


def test_what_cannot_be_called_is_left_as_it_is() -> None:
    assert profile(3) == 3  # type: ignore[call-overload]


def test_methods(tmp_path: Path) -> None:
    class Context:
        aws_request_id = "request-of-a-method"

    class Service:
        @profile
        def serve(self, event: Any, context: Any) -> Any:
            return (self, event)

    service = Service()
    assert service.serve(1, Context()) == (service, 1)
    assert stored(tmp_path)[0].invocation.request_id == "request-of-a-method"


def test_callable_objects_and_partials(tmp_path: Path) -> None:
    class App:
        def __init__(self) -> None:
            self.name = "app"

        def __call__(self, event: Any, context: Any) -> Any:
            return event

    assert profile(App())(1, None) == 1
    assert profile(functools.partial(handler, "event"))("context") == "event"
    assert profile(len)("abc") == 3
    assert profile(MagicMock(return_value=4))(1, MagicMock()) == 4
    assert len(stored(tmp_path)) == 4


def test_async_handlers_of_every_kind(tmp_path: Path) -> None:
    async def wait(event: Any, context: Any) -> Any:
        await asyncio.sleep(0.02)
        return event

    class App:
        async def __call__(self, event: Any, context: Any) -> Any:
            return await wait(event, context)

    for awaitable in (wait, functools.partial(wait, context=None), App()):
        armed = profile(awaitable)
        assert is_async(armed)
        arguments = (1,) if isinstance(awaitable, functools.partial) else (1, None)
        assert asyncio.run(armed(*arguments)) == 1
    assert [capture.invocation.duration_ns > 10_000_000 for capture in stored(tmp_path)] == [True] * 3


def test_keyword_arguments_reach_the_handler() -> None:
    assert profile(handler)(event=1, context=None) == 1


# ---- what keeps it from being armed: one warning, and the handler itself ------------------------


def not_armed(caplog: pytest.LogCaptureFixture, **settings: Any) -> str:
    assert profile(**settings)(handler) is handler
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    message = record.getMessage()
    assert message.startswith("profiler: not armed: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PROFILER_RATE", "1.5"), ("PROFILER_ENABLED", "flase"), ("PROFILER_STORE", "s3://")],
)
def test_a_bad_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(variable, value)
    assert f"{variable}={value}: " in not_armed(caplog)


def test_a_bad_argument(caplog: pytest.LogCaptureFixture) -> None:
    assert "rate=7: allowed is a number" in not_armed(caplog, rate=7)


def test_an_unknown_argument(caplog: pytest.LogCaptureFixture) -> None:
    assert "no setting 'rat'" in not_armed(caplog, rat=7)


def test_no_store_inside_lambda(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    monkeypatch.delenv("PROFILER_STORE")
    assert "PROFILER_STORE is not set" in not_armed(caplog)


def test_a_store_argument_is_enough_inside_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    monkeypatch.delenv("PROFILER_STORE")
    assert profile(store="/tmp/nowhere")(handler) is not handler


def test_an_engine_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr("profiler.recorder.load_engine", missing)
    assert "pip install 'invocation-profiler[pyinstrument]'" in not_armed(caplog, cpu="pyinstrument")


def test_an_engine_whose_library_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyinstrument", None)
    message = not_armed(caplog, cpu="pyinstrument")
    assert "pip install 'invocation-profiler[pyinstrument]'" in message


def test_anything_unforeseen(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("profiler.arming.make_recorder", lambda *_: 1 / 0)
    assert profile(handler) is handler
    assert caplog.messages == ["profiler: not armed"]


def test_a_handler_that_cannot_be_wrapped(caplog: pytest.LogCaptureFixture) -> None:
    class Awkward:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(f"no {name}")

        def __call__(self, event: Any, context: Any) -> Any:
            return event

    awkward = Awkward()
    assert profile(awkward)(5, None) == 5


def test_a_slip_of_the_pen_is_a_warning_and_no_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PROFILER_RATTE", "0.1")
    assert profile(handler) is not handler
    assert caplog.messages == ["profiler: PROFILER_RATTE is set but is no setting of the profiler"]
