"""Whatever happens in the profiler, the handler answers as it would have without it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from profiler import recorder as recorder_module
from profiler.bootstrap import wrap
from profiler.capture import EngineInfo, ThreadProfile
from profiler.engines.base import DEFAULT_INTERVAL_NS, Declined, Recording
from profiler.environment import ENVIRONMENT
from profiler.errors import StoreError
from profiler.keys import CaptureKey
from profiler.outbox import Outbox
from profiler.recorder import Recorder
from profiler.settings import Settings
from profiler.triggers import parse_keep, parse_rules
from profiler.triggers.token import make_token
from tests.events import NAME
from tests.unit.profiler.helpers import Context, MemorySink, names_of


class Armed(NamedTuple):
    call: Callable[..., Any]
    recorder: Recorder
    sink: MemorySink

    @property
    def captures(self) -> list[Any]:
        return self.sink.captures


def armed(handler: Callable[..., Any], *, sink: Any = None, **settings: Any) -> Armed:
    sink = sink or MemorySink()
    settings = {"cpu": "off", "memory": "off"} | settings
    recorder = Recorder(handler, Settings(enabled=True, **settings), Outbox(sink))
    return Armed(wrap(handler, recorder), recorder, sink)


def answer(event: Any, context: Any) -> Any:
    return event


class Answer:
    """Something whose identity tells that it has not been touched."""


class FakeEngine:
    """An engine that fails where it is told to, and sees two milliseconds in one frame."""

    fail_in: tuple[str, ...] = ()
    log: list[str]

    def __init__(self, interval_ns: int, clock: str) -> None:
        self._step("make")

    def start(self) -> None:
        self._step("start")

    def stop(self) -> Recording:
        self._step("stop")
        return Recording(EngineInfo("fake"), (), (ThreadProfile("MainThread", (), ()),))

    def _step(self, name: str) -> None:
        self.log.append(name)
        if name in self.fail_in:
            raise ValueError(f"engine fails to {name}")


@pytest.fixture
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> type[FakeEngine]:
    class Engine(FakeEngine):
        log: list[str] = []  # noqa: RUF012

    monkeypatch.setattr(recorder_module, "load_engine", lambda name: Engine)
    return Engine


@pytest.fixture(autouse=True)
def nobody_captures_afterwards() -> Any:
    yield
    assert recorder_module._CAPTURING.acquire(False), "the lock of the capture was not released"
    recorder_module._CAPTURING.release()


# ---- the handler's result, exception and context ------------------------------------------------


@pytest.mark.parametrize("cpu", ["off", "sampler"])
def test_the_result_passes_through(cpu: str) -> None:
    value = Answer()
    it = armed(answer, cpu=cpu)
    assert it.call(value, None) is value
    assert [capture.outcome for capture in it.captures] == ["ok"]


ERRORS = [
    ValueError("no"),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    MemoryError(),
    StopIteration(1),
    RecursionError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("cpu", ["off", "sampler"])
def test_the_exception_passes_through(error: BaseException, cpu: str) -> None:
    def fail(event: Any, context: Any) -> Any:
        raise error

    it = armed(fail, cpu=cpu)
    with pytest.raises(type(error)) as caught:
        it.call(None, None)
    assert caught.value is error
    assert error.__cause__ is None
    assert error.__context__ is None
    assert [capture.outcome for capture in it.captures] == ["error"]


@pytest.mark.parametrize("error", [ValueError(), SystemExit(1), asyncio.CancelledError()])
def test_an_async_handler_passes_through(error: BaseException) -> None:
    value = Answer()

    async def handler(event: Any, context: Any) -> Any:
        await asyncio.sleep(0)
        if event:
            raise error
        return value

    it = armed(handler)

    async def both() -> None:
        assert await it.call(False, None) is value
        with pytest.raises(type(error)) as caught:
            await it.call(True, None)
        assert caught.value is error

    asyncio.run(both())
    assert [capture.outcome for capture in it.captures] == ["ok", "error"]


def test_a_cancelled_handler_is_cancelled() -> None:
    async def wait(event: Any, context: Any) -> None:
        await asyncio.sleep(60)

    it = armed(wait, cpu="sampler")

    async def cancel() -> None:
        task = asyncio.ensure_future(it.call(None, None))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert [capture.outcome for capture in it.captures] == ["error"]


def test_context_variables_set_in_the_handler_stay_set() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    it = armed(lambda event, context: variable.set(event), cpu="sampler")
    token = it.call(7, None)
    assert variable.get() == 7
    variable.reset(token)


def test_the_profiler_holds_no_result_and_no_event() -> None:
    import weakref

    value = Answer()
    reference = weakref.ref(value)
    it = armed(answer, cpu="sampler", memory="census")
    it.call(value, None)
    del value
    gc.collect()
    assert reference() is None


def test_a_handler_may_take_anything() -> None:
    def handler(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    it = armed(handler)
    assert it.call() == ((), {})
    assert it.call(1, 2, 3, a=4) == ((1, 2, 3), {"a": 4})


# ---- what a capture says ------------------------------------------------------------------------


def test_the_facts_of_an_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2")
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    it = armed(answer, labels={"team": "shop"})
    before_ns = time.time_ns()
    it.call(None, Context())
    (capture,) = it.captures
    invocation = capture.invocation
    assert invocation.function_name == "shop"
    assert invocation.function_version == "7"
    assert invocation.request_id == "5f3c-request"
    assert invocation.memory_limit_mb == 256
    assert invocation.log_stream == "2025/01/01/[$LATEST]abc"
    assert (invocation.region, invocation.trace_id) == ("eu-west-1", "Root=1-2")
    assert invocation.init_type == "on-demand"
    assert invocation.labels == {"team": "shop"}
    assert before_ns <= invocation.started_at_ns <= time.time_ns()
    assert capture.engine == EngineInfo("off")
    assert capture.overhead.start_ns > 0
    assert capture.overhead.stop_ns > 0
    assert capture.overhead.encode_ns > 0


def test_without_a_context_the_variables_have_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cart")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    it = armed(answer)
    it.call(None, None)
    it.call(None, None)
    first, second = (capture.invocation for capture in it.captures)
    assert (first.function_name, first.memory_limit_mb) == ("cart", 512)
    assert len(first.request_id) == 32
    assert first.request_id != second.request_id


class Hostile:
    """A context of somebody's own making."""

    aws_request_id = "r"
    memory_limit_in_mb = "plenty"

    @property
    def function_name(self) -> str:
        raise RuntimeError("not now")

    def get_remaining_time_in_millis(self) -> int:
        raise RuntimeError("never")


class Strange(Hostile):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def get_remaining_time_in_millis(self) -> Any:
        return float("nan")


@pytest.mark.parametrize("make", [Hostile, Strange, object, int, str])
def test_any_context_will_do(make: Callable[[], Any]) -> None:
    it = armed(answer)
    assert it.call(1, make()) == 1
    assert len(it.captures) == 1
    assert it.recorder.guard.failures == 0


def test_an_invocation_too_short_for_a_sample_was_in_the_handler(fake_engine: type[FakeEngine]) -> None:
    it = armed(answer, cpu="sampler")
    it.call(None, None)
    (capture,) = it.captures
    (thread,) = capture.threads
    assert [capture.frames[index].name for index in thread.stacks[0]] == ["answer"]
    assert thread.weights_ns == (capture.invocation.duration_ns,)


def test_a_handler_that_only_waits_uses_no_cpu() -> None:
    it = armed(lambda event, context: time.sleep(0.2), cpu="sampler", clock="cpu")
    it.call(None, None)
    (capture,) = it.captures
    assert sum(capture.threads[0].weights_ns) < 100_000_000 < capture.invocation.duration_ns


def test_late_errors_are_timeouts() -> None:
    def late(event: Any, context: Any) -> None:
        time.sleep(0.02)
        raise KeyboardInterrupt

    it = armed(late)
    with pytest.raises(KeyboardInterrupt):
        it.call(None, Context(remaining_s=0.01))
    it.recorder.outbox.deliver(1)
    assert [capture.outcome for capture in it.captures] == ["timeout"]


def test_the_sequence_counts_what_is_not_captured() -> None:
    it = armed(answer, max_captures=2)
    other = armed(answer)
    for _ in range(4):
        it.call(None, None)
    other.call(None, None)
    first, second = (capture.invocation.sequence for capture in it.captures)
    assert second == first + 1
    assert other.captures[0].invocation.sequence == first + 4


def test_rate_zero_captures_nothing() -> None:
    it = armed(answer, rate=0.0, cpu="sampler", memory="census")
    assert it.call(5, None) == 5
    assert it.captures == []


@pytest.mark.parametrize("rate", [1.0, 0.0])
def test_a_handler_within_a_handler_is_no_invocation_of_its_own(rate: float) -> None:
    inner = armed(answer, rate=rate)
    outer = armed(lambda event, context: inner.call(event, context), rate=rate)
    counted = armed(answer)
    counted.call(0, None)
    for number in range(5):
        assert outer.call(number, None) == number
    counted.call(0, None)
    first, last = (capture.invocation.sequence for capture in counted.captures)
    assert last - first == 6
    assert len(outer.captures) == 5 * rate
    assert inner.captures == []


def count_of(call: Callable[[], Any]) -> int:
    """Return how many invocations the environment has counted meanwhile."""
    before = ENVIRONMENT.next_sequence()
    call()
    return ENVIRONMENT.next_sequence() - before - 1


@pytest.mark.parametrize("rate", [1.0, 0.0])
def test_what_a_handler_calls_in_threads_is_a_part_of_its_invocation(rate: float) -> None:
    inner = armed(answer, rate=rate)

    def handler(event: Any, context: Any) -> Any:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(inner.call, range(5), [None] * 5))

    outer = armed(handler, rate=rate)
    assert count_of(lambda: outer.call({}, None)) == 1
    assert (len(outer.captures), inner.captures) == (rate, [])
    assert count_of(lambda: inner.call({}, None)) == 1  # by itself it is one


def test_a_profiled_worker_in_a_thread_does_not_hide_the_invocations() -> None:
    started, stop = threading.Event(), threading.Event()
    worker = armed(lambda event, context: (started.set(), stop.wait(10)), rate=0.0)
    it = armed(answer)
    thread = threading.Thread(target=worker.call, args=({}, None))
    thread.start()
    started.wait(10)
    assert count_of(lambda: it.call(1, None)) == 1
    stop.set()
    thread.join()
    assert len(it.captures) == 1


def test_a_task_that_outlives_its_invocation_is_no_part_of_the_next() -> None:
    inner = armed(answer, rate=0.0)
    counts: list[int] = []

    async def later() -> None:
        await asyncio.sleep(0.01)
        counts.append(count_of(lambda: inner.call(1, None)))

    async def handler(event: Any, context: Any) -> Any:
        return asyncio.ensure_future(later())

    async def serve() -> None:
        await (await armed(handler).call(1, None))

    asyncio.run(serve())
    assert counts == [1]


def test_a_coroutine_closed_in_another_context_hides_no_invocation() -> None:
    async def handler(event: Any, context: Any) -> Any:
        await asyncio.sleep(0)

    it = armed(handler)
    coroutine = it.call(1, None)
    coroutine.send(None)
    contextvars.Context().run(coroutine.close)
    asyncio.run(it.call(2, None))
    asyncio.run(it.call(3, None))
    assert len(it.captures) == 3


def test_async_handlers_side_by_side_are_invocations_of_their_own() -> None:
    async def handler(event: Any, context: Any) -> Any:
        await asyncio.sleep(0.01)
        return event

    it = armed(handler, rate=0.0)
    counted = armed(answer)

    async def several() -> list[Any]:
        return await asyncio.gather(*(it.call(number, None) for number in range(3)))

    counted.call(0, None)
    assert asyncio.run(several()) == [0, 1, 2]
    counted.call(0, None)
    first, last = (capture.invocation.sequence for capture in counted.captures)
    assert last - first == 4


def test_after_an_error_the_next_call_is_an_invocation_again() -> None:
    def handler(event: Any, context: Any) -> Any:
        if event == "fail":
            raise KeyError(event)
        return event

    it = armed(handler)
    with pytest.raises(KeyError):
        it.call("fail", None)
    assert it.call(1, None) == 1
    assert len(it.captures) == 2


# ---- what is kept -------------------------------------------------------------------------------


def test_what_is_not_kept_is_neither_encoded_nor_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[Any] = []
    encode = recorder_module.encode
    monkeypatch.setattr(
        recorder_module, "encode", lambda capture, **rest: encoded.append(1) or encode(capture, **rest)
    )

    def handler(event: Any, context: Any) -> Any:
        if event == "fail":
            raise KeyError(event)
        return event

    it = armed(handler, keep=parse_keep("error"), max_captures=2, memory="census")
    skipped: list[int] = []
    it.recorder.delivery.skip = lambda: skipped.append(1)  # type: ignore[method-assign]
    for _ in range(5):
        assert it.call("fine", None) == "fine"
    assert (encoded, len(skipped)) == ([], 5)
    for _ in range(3):
        with pytest.raises(KeyError):
            it.call("fail", None)
    assert [capture.outcome for capture in it.captures] == ["error", "error"]
    assert "kept because of PROFILER_KEEP: error" in it.captures[0].notes
    assert len(encoded) == 2


def test_what_was_slow_is_kept() -> None:
    it = armed(lambda event, context: time.sleep(event), keep=parse_keep("slow:30ms"))
    it.call(0.0, None)
    it.call(0.04, None)
    assert [capture.invocation.duration_ns > 30e6 for capture in it.captures] == [True]


def test_a_signed_request_is_captured_at_rate_zero() -> None:
    key = "a key that nobody guesses"
    it = armed(answer, rate=0.0, request_key=key)
    token = make_token(key, it.recorder.function_name, int(time.time()) + 60, "0" * 16)
    it.call({}, None)
    it.call({"headers": {"X-Profile-Token": token}}, None)
    it.call({"headers": {"X-Profile-Token": token}}, None)
    assert [capture.trigger for capture in it.captures] == ["request"]


def test_a_signed_request_is_kept_whatever_is_kept_otherwise() -> None:
    key = "a key that nobody guesses"
    it = armed(answer, rate=0.0, request_key=key, keep=parse_keep("error"))
    token = make_token(key, it.recorder.function_name, int(time.time()) + 60, "1" * 16)
    it.call({"x-profile-token": token}, None)
    [capture] = it.captures
    assert not any("PROFILER_KEEP" in note for note in capture.notes)


def test_a_token_is_for_one_of_the_handlers_that_an_event_goes_through() -> None:
    key = "a key that nobody guesses"
    first, second = (armed(answer, rate=0.0, request_key=key) for _ in range(2))
    event = {NAME: make_token(key, first.recorder.function_name, int(time.time()) + 60, "2" * 16)}
    first.call(event, None)
    second.call(event, None)
    assert (len(first.captures), second.captures) == (1, [])


@pytest.mark.parametrize("trigger", ["first:2", "cold", "request"])
def test_tracing_ends_where_no_capture_is_to_be_expected(
    trigger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count(1)
    monkeypatch.setattr(ENVIRONMENT, "next_sequence", lambda: next(numbers))
    key = "a key that nobody guesses"
    rules = parse_rules("rate" if trigger == "request" else trigger)
    it = armed(answer, memory="tracemalloc", trigger=rules, rate=0.0, request_key=key)
    nonce = f"{len(trigger):016x}"
    signed = {NAME: make_token(key, it.recorder.function_name, int(time.time()) + 60, nonce)}
    event = signed if trigger == "request" else {}
    traced = []
    for _ in range(3):
        it.call(event, None)
        traced.append(tracemalloc.is_tracing())
    assert traced == [trigger == "first:2", False, False]
    assert [one.memory.tracing_since for one in it.captures] == ([1, 1] if trigger == "first:2" else [1])


# ---- one capture at a time ----------------------------------------------------------------------


def test_a_profiled_handler_that_calls_another() -> None:
    inner = armed(answer, cpu="sampler")

    def outer_handler(event: Any, context: Any) -> Any:
        return inner.call(event, context)

    outer = armed(outer_handler, cpu="sampler")
    assert outer.call(1, None) == 1
    assert len(outer.captures) == 1
    assert inner.captures == []
    assert inner.call(2, None) == 2
    assert len(inner.captures) == 1


def test_an_invocation_that_was_not_captured_uses_up_no_capture() -> None:
    def handler(event: Any, context: Any) -> Any:
        return it.call(event - 1, None) if event else "done"

    it = armed(handler, max_captures=2)
    assert it.call(5, None) == "done"
    assert it.call(5, None) == "done"
    assert len(it.captures) == 2


def test_concurrent_threads_all_get_their_answers() -> None:
    it = armed(lambda event, context: (time.sleep(0.01), event)[1], cpu="sampler", memory="census")
    answers: dict[int, int] = {}

    def work(number: int) -> None:
        for step in range(5):
            answers[number * 10 + step] = it.call(number * 10 + step, None)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert all(key == value for key, value in answers.items())
    assert it.recorder.guard.failures == 0
    it.recorder.outbox.deliver(5)
    assert 1 <= len(it.captures) <= 20
    sequences = [capture.invocation.sequence for capture in it.captures]
    assert len(set(sequences)) == len(sequences)


def test_concurrent_tasks_all_get_their_answers() -> None:
    async def wait(event: Any, context: Any) -> Any:
        await asyncio.sleep(0.01)
        return event

    it = armed(wait, cpu="sampler")

    async def many() -> list[Any]:
        return await asyncio.gather(*(it.call(number, None) for number in range(10)))

    assert asyncio.run(many()) == list(range(10))
    assert len(it.captures) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("cpu", ["off", "sampler"])
@pytest.mark.parametrize("leave", ["return", "exit", "again"])
def test_a_fork_in_the_handler(cpu: str, leave: str) -> None:
    def handler(event: Any, context: Any) -> Any:
        if event != "fork":
            return os.getpid()
        child = os.fork()
        if child == 0:
            if leave == "exit":
                os._exit(7)
            return "child"
        return os.waitpid(child, 0)[1]

    it = armed(handler, cpu=cpu, memory="census")
    parent = os.getpid()
    try:
        answered = it.call("fork", None)
        if answered == "child":
            # In the child: the capture is the parent's, and the next one is the child's own.
            switch_s = sys.getswitchinterval()
            again = leave != "again" or it.call("", None) == os.getpid()
            captures = len(it.captures) + len(it.recorder.outbox.waiting())
            os._exit(7 if again and captures == (leave == "again") and switch_s == 0.005 else 1)
    finally:
        if os.getpid() != parent:
            os._exit(3)
    assert os.waitstatus_to_exitcode(answered) == 7
    assert len(it.captures) == 1


# ---- engines that fail --------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["make", "start", "stop"])
def test_an_engine_that_fails(
    step: str, fake_engine: type[FakeEngine], caplog: pytest.LogCaptureFixture
) -> None:
    fake_engine.fail_in = (step,)
    it = armed(answer, cpu="sampler")
    for number in range(5):
        assert it.call(number, None) == number
    assert it.captures == []
    assert it.recorder.guard.tripped
    # Three times and no more.
    assert fake_engine.log.count("make") == 3
    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert len(caplog.records) == 2


def test_the_handlers_exception_passes_an_engine_that_fails(fake_engine: type[FakeEngine]) -> None:
    fake_engine.fail_in = ("stop",)
    error = ValueError("the handler's own")

    def fail(event: Any, context: Any) -> None:
        raise error

    it = armed(fail, cpu="sampler")
    with pytest.raises(ValueError, match="the handler's own") as caught:
        it.call(None, None)
    assert caught.value is error
    assert error.__context__ is None


def test_an_engine_that_declines_is_a_note(
    fake_engine: type[FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decline(self: Any) -> None:
        raise Declined("somebody else profiles")

    monkeypatch.setattr(fake_engine, "start", decline)
    it = armed(answer, cpu="sampler")
    assert it.call(1, None) == 1
    (capture,) = it.captures
    assert capture.notes == ("somebody else profiles",)
    assert capture.engine == EngineInfo("off")
    assert it.recorder.guard.failures == 0
    assert "stop" not in fake_engine.log


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("profiler.engines.sampler._thread.start_new_thread", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    before = sys.getswitchinterval()
    for settings in ({"cpu": "sampler"}, {}):
        it = armed(answer, **settings)
        for number in range(4):
            assert it.call(number, None) == number
        assert it.recorder.guard.tripped
        assert sys.getswitchinterval() == before


# ---- memory, encoding and time that fail --------------------------------------------------------


@pytest.mark.parametrize("step", ["before", "after", "notes"])
def test_a_memory_probe_that_fails(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"profiler.recorder.MemoryProbe.{step}", lambda *_: 1 / 0)
    it = armed(answer, cpu="sampler", memory="census")
    for number in range(5):
        assert it.call(number, None) == number
    assert it.captures == []
    assert it.recorder.guard.failures == 3


def test_memory_that_cannot_be_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.recorder.MemoryProbe.relieve", lambda *_: 1 / 0)
    it = armed(answer, memory="census")
    it.recorder.relieve()  # in the thread that watches, which must go on
    assert it.call(1, None) == 1
    assert len(it.captures) == 1


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), OSError(28, "No space left on device")])
def test_encoding_that_fails(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> bytes:
        raise error

    monkeypatch.setattr(recorder_module, "encode", fail)
    it = armed(answer, cpu="sampler")
    for number in range(4):
        assert it.call(number, None) == number
    assert it.recorder.guard.tripped


def test_a_disarmed_environment_traces_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "encode", lambda *_, **__: 1 / 0)
    it = armed(answer, memory="tracemalloc")
    it.call(1, None)
    assert tracemalloc.is_tracing()
    it.call(2, None)
    it.call(3, None)
    assert not tracemalloc.is_tracing()
    assert it.call(4, None) == 4
    assert not tracemalloc.is_tracing()


def test_after_the_last_capture_nothing_is_traced() -> None:
    it = armed(answer, memory="tracemalloc", max_captures=2)
    it.call(1, None)
    assert tracemalloc.is_tracing()
    it.call(2, None)
    assert not tracemalloc.is_tracing()
    assert it.call(3, None) == 3
    assert len(it.captures) == 2


def test_somebody_elses_tracemalloc_goes_on() -> None:
    tracemalloc.start(2)
    try:
        it = armed(answer, memory="tracemalloc", max_captures=1)
        it.call(1, None)
        assert tracemalloc.is_tracing()
        (capture,) = it.captures
        assert any("already tracing, 2 frames deep" in note for note in capture.notes)
    finally:
        tracemalloc.stop()


# ---- stores that fail ---------------------------------------------------------------------------


def test_a_store_that_refuses_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    it = armed(answer, sink=MemorySink(failing=True))
    for number in range(5):
        assert it.call(number, None) == number
    assert caplog.messages == ["profiler: capture not delivered, it will be tried again: the store is shut"]
    assert it.recorder.guard.failures == 0
    it.sink.failing = False
    it.call(5, None)
    sequences = [capture.invocation.sequence for capture in it.captures]
    assert len(sequences) == 6
    assert sequences == sorted(sequences)


def test_a_store_that_breaks_is_one_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemorySink):
        def put(self, key: Any, data: bytes) -> None:
            raise ZeroDivisionError

    it = armed(answer, sink=Broken())
    for number in range(4):
        assert it.call(number, None) == number
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


class Hanging(MemorySink):
    """A store that does not answer until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def put(self, key: Any, data: bytes) -> None:
        assert self.released.wait(30)
        super().put(key, data)


def test_a_store_that_hangs_costs_no_more_than_the_time_that_is_left() -> None:
    sink = Hanging()
    it = armed(answer, sink=sink, reserve_ms=300)
    began = time.monotonic()
    assert it.call(1, Context(remaining_s=0.5)) == 1
    assert time.monotonic() - began < 2
    assert len(it.recorder.outbox.waiting()) == 1
    sink.released.set()
    assert it.recorder.outbox.deliver(5, patient=True)


def test_a_store_that_hangs_is_waited_for_at_length_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_BUDGET_WITHOUT_DEADLINE_S", 1.0)
    monkeypatch.setattr("profiler.outbox.patience.IMPATIENT_S", 0.01)
    sink = Hanging()
    it = armed(answer, sink=sink)
    it.call(0, None)
    began = time.monotonic()
    for number in range(10):
        assert it.call(number, None) == number
    assert time.monotonic() - began < 5  # and not 10
    sink.released.set()
    assert it.recorder.outbox.deliver(5, patient=True)
    assert len(it.captures) == 11


def test_with_no_time_left_the_capture_waits() -> None:
    it = armed(answer)
    assert it.call(1, Context(remaining_s=0.2)) == 1
    assert it.captures == []
    assert it.call(2, Context()) == 2
    assert len(it.captures) == 2


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    from profiler.location import LocalLocation
    from profiler.sinks.local import LocalSink

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    it = armed(answer, sink=LocalSink(LocalLocation(tmp_path)))
    monkeypatch.setattr("os.replace", full)
    assert it.call(1, None) == 1
    assert "No space left on device" in caplog.messages[0]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert it.call(2, None) == 2
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


def test_a_store_error_is_told_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(MemorySink):
        def put(self, key: Any, data: bytes) -> None:
            raise StoreError("no such bucket")

    it = armed(answer, sink=Refusing())
    it.call(1, None)
    assert [record.exc_info for record in caplog.records] == [None] or not caplog.records[0].exc_info


def test_the_stacks_hold_nothing_of_the_profiler_or_the_caller() -> None:
    def busy(event: Any, context: Any) -> None:
        ends = time.perf_counter() + 0.05
        while time.perf_counter() < ends:
            sum(range(100))

    it = armed(busy, cpu="sampler", memory="census")
    it.call(None, None)
    (capture,) = it.captures
    roots = {capture.frames[stack[0]].name for stack in capture.threads[0].stacks}
    assert {name.rpartition(".")[2] for name in roots} == {"busy"}
    assert not any("wrapper" in name for name in names_of(capture))
    profiler_folder = str(Path(recorder_module.__file__).parent)
    assert not [frame for frame in capture.frames if frame.file.startswith(profiler_folder)]


def test_an_engine_that_keeps_every_sample_looks_less_often_when_there_is_much_time(
    fake_engine: type[FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_engine, "samples_at_most", 1000, raising=False)
    intervals: list[int] = []

    def started(engine: FakeEngine, interval_ns: int, clock: str) -> None:
        intervals.append(interval_ns)

    monkeypatch.setattr(fake_engine, "__init__", started)
    one = armed(answer, cpu="sampler")
    one.call({}, Context(remaining_s=0.9))
    one.call({}, Context(remaining_s=900))
    assert intervals[0] == DEFAULT_INTERVAL_NS
    assert intervals[1] == 900_000_000
    assert [bool(capture.notes) for capture in one.captures] == [False, True]


# ---- what there is so far -----------------------------------------------------------------------


def test_a_running_invocation_can_be_captured_as_far_as_it_has_come() -> None:
    partial: list[Any] = []

    def handler(event: Any, context: Any) -> str:
        time.sleep(0.05)
        thread = threading.Thread(target=lambda: partial.append(shop.recorder.partial(window, "timeout")))
        thread.start()
        thread.join()
        return "done"

    shop = armed(handler, cpu="sampler", memory="census", labels={"team": "shop"})
    window = shop.recorder.begin(({}, Context()))
    assert window is not None
    assert handler({}, Context()) == "done"
    shop.recorder.end(window, None)

    (capture,) = partial
    (whole,) = shop.captures
    assert (capture.outcome, capture.complete, whole.outcome, whole.complete) == (
        "timeout",
        False,
        "ok",
        True,
    )
    assert 40_000_000 < capture.invocation.duration_ns < whole.invocation.duration_ns
    assert any("handler" in name for name in names_of(capture))
    assert capture.memory.process.rss_bytes
    assert capture.invocation.labels == {"team": "shop"}
    same = ("request_id", "environment_id", "sequence", "started_at_ns")
    assert [getattr(capture.invocation, fact) for fact in same] == [
        getattr(whole.invocation, fact) for fact in same
    ]


# ---- what waited before the first invocation -----------------------------------------------------


@pytest.mark.parametrize(("rate", "captured"), [(1.0, 1), (0.0, 0)])
@pytest.mark.parametrize("raises", [False, True])
def test_what_init_left_is_delivered_with_the_first_invocation(
    rate: float, captured: int, raises: bool
) -> None:
    def handler(event: Any, context: Any) -> Any:
        arrived.append(len(it.sink.stored))
        if raises:
            raise KeyError("mine")
        return event

    arrived: list[int] = []
    it = armed(handler, rate=rate)
    it.recorder.outbox.add(CaptureKey("f", "e", 0, 0, 0, "ok", "-"), b"init")
    for _ in range(2):
        with pytest.raises(KeyError, match="mine") if raises else nullcontext():
            assert it.call("event", Context()) == "event"
    # After the handler, and not again.
    assert arrived == [0, 1 + captured]
    assert len(it.sink.stored) == 1 + 2 * captured


def test_what_waited_goes_out_also_where_the_first_capture_fails(fake_engine: type[FakeEngine]) -> None:
    fake_engine.fail_in = ("stop",)
    it = armed(answer, cpu="sampler")
    it.recorder.outbox.add(CaptureKey("f", "e", 0, 0, 0, "ok", "-"), b"init")
    assert it.call(1, Context()) == 1
    assert [key.sequence for key, _ in it.sink.stored] == [0]


def test_an_outbox_that_cannot_be_asked_is_no_errand(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it = armed(answer, rate=0.0)

    def fail() -> bool:
        raise OSError("no")

    monkeypatch.setattr(it.recorder.outbox, "is_empty", fail)
    assert [it.call(number, None) for number in range(3)] == [0, 1, 2]
    assert len(caplog.records) == 1
