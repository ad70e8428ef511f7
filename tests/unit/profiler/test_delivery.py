"""Before the response or after it: who does the work, and what the settings make of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from profiler import delivery as delivery_module
from profiler.arming import make_recorder
from profiler.aws import extension as extension_module
from profiler.aws import runtime as runtime_module
from profiler.bootstrap import wrap
from profiler.delivery import AfterResponse, BeforeResponse, Parcel, open_delivery
from profiler.outbox import Outbox
from profiler.recorder import Recorder
from profiler.settings import Settings
from tests.unit.profiler.helpers import Context, MemorySink


class FakeExtension:
    """An extension that takes work, or does not, and does it when told that the response is out."""

    refusal: str | None = None

    def __init__(self, *_: Any, takes: bool = True) -> None:
        self.takes = takes
        self.jobs: list[Callable[[float], None]] = []
        self.skipped = 0

    def start(self) -> None:
        pass

    def take(self, job: Callable[[float], None]) -> bool:
        if self.takes:
            self.jobs.append(job)
        return self.takes

    def skip(self) -> None:
        self.skipped += 1

    def respond(self, budget_s: float = 5.0) -> None:
        while self.jobs:
            self.jobs.pop(0)(budget_s)


def parcel(log: list[Any], left_s: float = 3.0, **options: bool) -> Parcel:
    until_ns = time.perf_counter_ns() + round(left_s * 1e9)
    return Parcel(lambda: log.append("spooled"), log.append, until_ns, **options)


# ---- the two ways -------------------------------------------------------------------------------


def test_before_the_response_all_is_done_at_once() -> None:
    log: list[Any] = []
    BeforeResponse().after(parcel(log))
    assert log[0] == "spooled"
    assert 2 < log[1] <= 3
    BeforeResponse().skip()


def test_after_the_response_nothing_is_done_at_once() -> None:
    log: list[Any] = []
    extension: Any = FakeExtension()
    AfterResponse(extension).after(parcel(log))
    assert log == []
    extension.respond(5.0)
    assert log[0] == "spooled"
    assert 4 < log[1] <= 5


def test_what_the_extension_does_not_take_is_done_at_once() -> None:
    log: list[Any] = []
    extension: Any = FakeExtension(takes=False)
    AfterResponse(extension).after(parcel(log))
    assert log[0] == "spooled"


def test_where_the_process_ends_there_is_no_later() -> None:
    log: list[Any] = []
    extension: Any = FakeExtension()
    AfterResponse(extension).after(parcel(log, is_last=True))
    assert log[0] == "spooled"
    assert extension.jobs == []


# ---- the recorder -------------------------------------------------------------------------------


def armed(handler: Callable[..., Any], **settings: Any) -> tuple[Callable[..., Any], Any, MemorySink]:
    sink = MemorySink()
    extension: Any = FakeExtension()
    settings = {"cpu": "off", "memory": "off"} | settings
    recorder = Recorder(handler, Settings(enabled=True, **settings), Outbox(sink))
    recorder.delivery = AfterResponse(extension)
    return wrap(handler, recorder), extension, sink


def test_encoding_waits_for_the_response_too(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    encode = __import__("profiler.recorder", fromlist=["encode"]).encode
    monkeypatch.setattr(
        "profiler.recorder.encode", lambda *args, **more: (encoded.append("once"), encode(*args, **more))[1]
    )
    call, extension, sink = armed(lambda event, context: event)
    assert call(1, Context()) == 1
    assert (encoded, sink.captures) == ([], [])
    extension.respond()
    assert encoded == ["once"]
    assert [capture.outcome for capture in sink.captures] == ["ok"]


def test_an_invocation_that_is_not_captured_is_skipped() -> None:
    call, extension, _sink = armed(lambda event, context: event, rate=0.0)
    assert call(1, Context()) == 1
    assert (extension.skipped, extension.jobs) == (1, [])


def test_an_inner_handler_does_not_end_the_outer_ones_invocation() -> None:
    inner, extension, _ = armed(lambda event, context: event)

    def outer(event: Any, context: Any) -> Any:
        return inner(event, context)

    recorder = Recorder(outer, Settings(enabled=True, cpu="off", memory="off"), Outbox(MemorySink()))
    recorder.delivery = AfterResponse(extension)
    assert wrap(outer, recorder)(1, Context()) == 1
    assert extension.skipped == 0
    assert len(extension.jobs) == 1


def test_a_capture_that_fails_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    call, extension, _ = armed(lambda event, context: event)
    monkeypatch.setattr("profiler.recorder.Assembly", lambda *_: 1 / 0)
    for number in range(4):
        assert call(number, Context()) == number
    assert (extension.skipped, extension.jobs) == (4, [])


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_a_handler_that_ends_the_process_is_delivered_at_once(error: BaseException) -> None:
    def leave(event: Any, context: Any) -> None:
        raise error

    call, extension, sink = armed(leave)
    with pytest.raises(type(error)):
        call(None, Context())
    assert extension.jobs == []
    assert [capture.outcome for capture in sink.captures] == ["error"]


@pytest.mark.parametrize("step", ["take", "skip"])
def test_an_extension_that_breaks_is_contained(step: str) -> None:
    call, extension, _ = armed(lambda event, context: event, rate=0.0 if step == "skip" else 1.0)
    setattr(extension, step, lambda *_: 1 / 0)
    for number in range(5):
        assert call(number, Context()) == number


def test_without_time_the_capture_is_spooled_and_waits() -> None:
    call, extension, sink = armed(lambda event, context: event)
    call(1, Context())
    extension.respond(-1.0)
    assert sink.captures == []
    call(2, Context())
    extension.respond()
    assert len(sink.captures) == 2


# ---- the setting --------------------------------------------------------------------------------


LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}


class Init:
    """A runtime client during init."""

    running: str | None = None

    def request_id(self) -> str | None:
        return self.running


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Init]:
    class Client(Init):
        pass

    monkeypatch.setattr(delivery_module, "_extensions", {})
    monkeypatch.setattr(runtime_module.Runtime, "find", Client)
    monkeypatch.setattr(extension_module, "Extension", FakeExtension)
    return Client


@pytest.mark.parametrize("upload", ["auto", "after-response"])
def test_in_lambda_it_is_after_the_response(
    upload: str, client: type[Init], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (open_delivery(upload, 0.5, LAMBDA) for _ in range(2))
    assert isinstance(first, AfterResponse)
    assert isinstance(second, AfterResponse)
    assert first._extension is second._extension
    assert caplog.messages == []


def test_before_the_response_if_asked_for(client: type[Init]) -> None:
    assert isinstance(open_delivery("before-response", 0.5, LAMBDA), BeforeResponse)
    assert delivery_module._extensions == {}


def refused(*_: Any) -> FakeExtension:
    extension = FakeExtension()
    extension.refusal = "403 Extension.TooManyExtensions"
    return extension


class NoThread(FakeExtension):
    def start(self) -> None:
        raise RuntimeError("can't start new thread")


IMPOSSIBLE = {
    "no Lambda": "no Lambda environment",
    "parallel": "in parallel",
    "late": "during init",
    "another client": "awslambdaric",
    "refused": "TooManyExtensions",
    "no thread": "can't start new thread",
    "green threads": "gevent",
}


@pytest.mark.parametrize("upload", ["auto", "after-response"])
@pytest.mark.parametrize("why", IMPOSSIBLE)
def test_where_it_is_impossible_it_is_before_the_response(
    why: str,
    upload: str,
    client: type[Init],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = dict(LAMBDA)
    if why == "no Lambda":
        environ = {}
    elif why == "parallel":
        environ["AWS_LAMBDA_MAX_CONCURRENCY"] = "4"
    elif why == "late":
        client.running = "the first"
    elif why == "another client":
        monkeypatch.setattr(runtime_module.Runtime, "find", lambda: None)
    elif why == "refused":
        monkeypatch.setattr(extension_module, "Extension", refused)
    elif why == "green threads":
        monkeypatch.setattr("_thread.start_new_thread", lambda *_: None)
    else:
        monkeypatch.setattr(extension_module, "Extension", NoThread)
    assert isinstance(open_delivery(upload, 0.5, environ), BeforeResponse)
    if upload == "auto":
        assert caplog.messages == []
    else:
        (message,) = caplog.messages
        assert IMPOSSIBLE[why] in message


def test_a_recorder_has_the_delivery_that_its_settings_ask_for(
    client: type[Init], monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(event: Any, context: Any) -> None:
        """Nothing."""

    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
    monkeypatch.setenv("PROFILER_STORE", "somewhere")
    assert isinstance(make_recorder(handler, {}).delivery, AfterResponse)
    assert isinstance(make_recorder(handler, {"upload": "before-response"}).delivery, BeforeResponse)
