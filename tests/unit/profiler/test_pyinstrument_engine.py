"""pyinstrument as an engine: the handler's stacks, `await` included, and nobody else displaced."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from profiler.engines import load_engine
from profiler.engines.base import Declined, Recording

pyinstrument = pytest.importorskip("pyinstrument")


def new_engine() -> Any:
    return load_engine("pyinstrument")(interval_ns=1_000_000)


def recorded(work: Callable[[], object]) -> tuple[Recording, int]:
    engine = new_engine()
    engine.start()
    began = time.perf_counter_ns()
    try:
        work()
    finally:
        watched_ns = time.perf_counter_ns() - began
        recording = engine.stop()
    return recording, watched_ns


def stacks(recording: Recording) -> list[list[str]]:
    return [[recording.frames[index].name for index in stack] for stack in recording.threads[0].stacks]


def busy(seconds: float) -> None:
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        step()


def step() -> None: ...


def test_a_handlers_time_and_stacks() -> None:
    def handler() -> None:
        busy(0.15)

    recording, watched_ns = recorded(handler)
    (thread,) = recording.threads
    assert sum(thread.weights_ns) == pytest.approx(watched_ns, rel=0.5)
    assert {stack[0] for stack in stacks(recording)} == {"handler"}
    assert any(stack[:2] == ["handler", "busy"] for stack in stacks(recording))
    (frame,) = (frame for frame in recording.frames if frame.name == "busy")
    assert (frame.file, frame.line) == (__file__, busy.__code__.co_firstlineno)
    assert recording.info.name == "pyinstrument"
    assert recording.info.version == pyinstrument.__version__
    assert recording.info.samples > 5
    assert sys.getprofile() is None


def test_stacks_follow_await() -> None:
    async def inner() -> None:
        await asyncio.sleep(0.1)

    async def handler() -> None:
        await inner()

    async def main() -> Recording:
        engine = new_engine()
        engine.start()
        await handler()
        recording: Recording = engine.stop()
        return recording

    recording = asyncio.run(main())
    assert any(stack[:3] == ["handler", "inner", "sleep"] for stack in stacks(recording))
    assert sum(recording.threads[0].weights_ns) > 50_000_000
    assert sys.getprofile() is None


def test_it_declines_where_somebody_else_profiles() -> None:
    def hook(*arguments: object) -> None: ...

    sys.setprofile(hook)
    try:
        with pytest.raises(Declined, match="already set"):
            new_engine().start()
        assert sys.getprofile() is hook
    finally:
        sys.setprofile(None)


def test_a_profiler_of_the_users_own_runs_beside_it() -> None:
    def handler() -> str:
        with pyinstrument.Profiler(interval=0.001) as own:
            busy(0.05)
        return str(own.output_text())

    said: list[str] = []
    recording, _ = recorded(lambda: said.append(handler()))
    assert "busy" in said[0]
    assert any("busy" in stack for stack in stacks(recording))
    assert sys.getprofile() is None


def test_every_capture_starts_anew() -> None:
    recorded(lambda: busy(0.05))
    recording, _ = recorded(lambda: None)
    assert recording.info.samples < 20


def test_what_is_not_installed_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyinstrument", None)
    with pytest.raises(ImportError):
        load_engine("pyinstrument")


def test_pyinstrument_is_not_part_of_the_handler() -> None:
    from profiler.engines.pyinstrument_engine import _stack
    from profiler.engines.stacks import FrameTable

    table = FrameTable()
    outer = [("main", "/app/main.py", 1)]
    main, handler = "main\x00/app/main.py\x001", "handler\x00/app/app.py\x003"
    own = f"stop\x00{pyinstrument.__file__.replace('__init__', 'profiler')}\x009"
    assert _stack((main, own), outer, table) == ()
    assert _stack((main,), outer, table) == ()
    kept = _stack((main, handler, own), outer, table)
    assert [table.frames[index].name for index in kept] == ["handler", "stop"]
