"""The extension: work after the response, and a next event asked for whatever happens."""

from __future__ import annotations

import atexit
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiler import own
from profiler.aws import extension as extension_module
from profiler.aws.extension import Extension, Job
from profiler.aws.extensions_api import ExtensionsApi
from profiler.engines.sampler import SamplerEngine
from tests.unit.profiler.fake_extensions_api import CLOSE, REGISTERED, RESET, Cut, FakeApi, http, invoke


class FakeRuntime:
    """A runtime client that runs and has answered what a test says."""

    def __init__(self) -> None:
        self.running: str | None = None
        self.waits = True
        self.error: BaseException | None = None

    def runs(self, request_id: str) -> None:
        self.running, self.waits = request_id, False

    def request_id(self) -> str | None:
        return self.running

    def is_waiting(self) -> bool:
        if self.error:
            error, self.error = self.error, None
            raise error
        return self.waits

    def has_answered(self, request_id: str) -> bool:
        return self.is_waiting() and self.running == request_id


class Log(list[str]):
    """What was done, in order."""

    def job(self, name: str = "done", error: BaseException | None = None) -> Job:
        def work(budget_s: float) -> None:
            self.append(name)
            self.budget_s = budget_s
            if error:
                raise error

        return work

    budget_s = 0.0


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def extension(api: FakeApi, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Extension]:
    """An extension whose thread ends with the test, which in a function it never does."""
    others = set(own.THREADS)
    extension = Extension(ExtensionsApi(api.address), runtime, 0.5)  # type: ignore[arg-type]
    yield extension

    def end(_pause_s: float) -> None:
        raise SystemExit

    monkeypatch.setattr(extension_module, "sleep", end)
    runtime.waits = True
    atexit.unregister(extension._at_exit)
    api.close()
    while (own.THREADS - others) & set(sys._current_frames()):
        time.sleep(0.001)
    own.THREADS.intersection_update(others)


@pytest.fixture
def serving(extension: Extension, api: FakeApi) -> Extension:
    api.registrations.put(REGISTERED)
    extension.start()
    api.wait_for_next()
    return extension


# ---- registration -------------------------------------------------------------------------------


def test_it_registers_for_invocations_alone(extension: Extension, api: FakeApi) -> None:
    api.registrations.put(REGISTERED)
    extension.start()
    headers, body = api.registered.get(timeout=10)
    assert headers["lambda-extension-name"] == "invocation-profiler"
    assert json.loads(body) == {"events": ["INVOKE"]}
    assert api.wait_for_next()["lambda-extension-identifier"] == "id-1"
    assert extension.is_serving
    assert extension.refusal is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(403, '{"errorType":"Extension.RegistrationClosed"}'), "403.*RegistrationClosed"),
        (http(500, "no"), "500 no"),
        (http(200, "{}"), "no identifier"),
        (RESET, ".+"),
        (CLOSE, ".+"),
        (b"what?\r\n\r\n", "BadStatusLine"),
    ],
)
def test_a_refused_registration_is_no_extension(
    answer: bytes | str, said: str, extension: Extension, api: FakeApi
) -> None:
    api.registrations.put(answer)
    extension.start()
    assert extension.refusal is not None
    assert re.search(said, extension.refusal)
    assert not extension.is_serving
    assert not extension.take(Log().job())
    assert not api.is_asked(0.05)


def test_nobody_at_the_address(extension: Extension, api: FakeApi) -> None:
    api.close()
    extension.start()
    assert extension.refusal
    assert not extension.take(Log().job())


def test_init_does_not_wait_for_an_api_that_is_silent(
    extension: Extension, api: FakeApi, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension_module, "REGISTRATION_S", 0.05)
    began_s = time.monotonic()
    extension.start()
    assert time.monotonic() - began_s < 5
    runtime.runs("a")
    assert not extension.take(Log().job())
    assert extension.refusal is None
    # It may still come: a registration that arrived must be served.
    api.registrations.put(REGISTERED)
    api.wait_for_next()
    assert extension.take(Log().job())


def test_no_thread_can_be_started(
    extension: Extension, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("profiler.aws.extension._thread.start_new_thread", refuse)
    with pytest.raises(RuntimeError):
        extension.start()
    assert api.registered.empty()


# ---- work after the response --------------------------------------------------------------------


def test_work_waits_for_the_response_and_the_environment_for_the_work(
    serving: Extension, api: FakeApi, runtime: FakeRuntime
) -> None:
    log = Log()
    for request_id in ("a", "b"):
        runtime.runs(request_id)
        api.answers.put(invoke(request_id))
        assert serving.take(log.job(request_id))
        assert serving.take(log.job(f"{request_id} too"))
        assert not api.is_asked(0.1)
        assert not [name for name in log if name.startswith(request_id)]
        runtime.waits = True
        api.wait_for_next()
    assert log == ["a", "a too", "b", "b too"]
    assert api.connections == 1


def test_work_that_comes_before_the_event(serving: Extension, api: FakeApi, runtime: FakeRuntime) -> None:
    log = Log()
    runtime.runs("quick")
    assert serving.take(log.job())
    runtime.waits = True
    time.sleep(0.05)
    assert log == []
    api.answers.put(invoke("quick"))
    api.wait_for_next()
    assert log == ["done"]


def test_the_runtime_that_still_waits_for_the_event_has_not_answered_it(
    serving: Extension, api: FakeApi, runtime: FakeRuntime
) -> None:
    runtime.running = "before"
    api.answers.put(invoke("now"))
    assert not api.is_asked(0.1)
    runtime.runs("now")
    log = Log()
    assert serving.take(log.job())
    runtime.waits = True
    api.wait_for_next()
    assert log == ["done"]


def test_an_invocation_without_work_ends_with_its_response(
    serving: Extension, api: FakeApi, runtime: FakeRuntime
) -> None:
    runtime.runs("a")
    api.answers.put(invoke("a"))
    assert not api.is_asked(0.1)
    runtime.waits = True
    api.wait_for_next()


@pytest.mark.parametrize("order", ["event first", "skipped first"])
def test_what_leaves_nothing_is_not_waited_for(
    order: str, serving: Extension, api: FakeApi, runtime: FakeRuntime
) -> None:
    runtime.runs("a")
    if order == "skipped first":
        serving.skip()
    api.answers.put(invoke("a"))
    if order == "event first":
        assert not api.is_asked(0.05)
        serving.skip()
    api.wait_for_next()
    # What comes all the same in this invocation is the caller's to do.
    assert not serving.take(Log().job())
    runtime.runs("b")
    assert serving.take(Log().job())


def test_a_skip_takes_away_no_work(serving: Extension, api: FakeApi, runtime: FakeRuntime) -> None:
    log = Log()
    runtime.runs("a")
    api.answers.put(invoke("a"))
    assert serving.take(log.job())
    serving.skip()
    assert not api.is_asked(0.05)
    runtime.waits = True
    api.wait_for_next()
    assert log == ["done"]


def test_a_runtime_with_ids_of_its_own_hangs_nothing(
    serving: Extension, api: FakeApi, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension_module, "STRANGER_S", 0.05)
    log = Log()
    runtime.running = "another"
    assert serving.take(log.job())
    api.answers.put(invoke("a"))
    api.wait_for_next()
    assert log == ["done"]


# ---- the deadline -------------------------------------------------------------------------------


def test_the_budget_ends_at_the_reserve(serving: Extension, api: FakeApi, runtime: FakeRuntime) -> None:
    log = Log()
    runtime.runs("a")
    runtime.waits = True
    assert serving.take(log.job())
    api.answers.put(invoke("a", left_s=3.0))
    api.wait_for_next()
    assert 1.0 < log.budget_s < 2.5


def test_the_budget_is_bounded_where_there_is_much_time(
    serving: Extension, api: FakeApi, runtime: FakeRuntime
) -> None:
    log = Log()
    runtime.runs("a")
    runtime.waits = True
    assert serving.take(log.job())
    api.answers.put(invoke("a", left_s=900.0))
    api.wait_for_next()
    assert 5 < log.budget_s < extension_module.WORK_AT_MOST_S


def test_at_the_reserve_work_is_done_without_a_budget_and_the_thread_lets_go(
    serving: Extension, api: FakeApi, runtime: FakeRuntime
) -> None:
    log = Log()
    runtime.runs("a")
    assert serving.take(log.job())
    api.answers.put(invoke("a", left_s=0.7))
    api.wait_for_next()  # while the handler runs on
    assert log == ["done"]
    assert log.budget_s < 0
    assert not serving.take(log.job())


def test_a_deadline_that_has_passed(serving: Extension, api: FakeApi, runtime: FakeRuntime) -> None:
    runtime.runs("a")
    api.answers.put(invoke("a", left_s=-100))
    api.wait_for_next()


def test_work_that_hangs_hangs_no_invocation(
    serving: Extension, api: FakeApi, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension_module, "WORK_AT_MOST_S", 0.1)
    released = threading.Event()
    entered = threading.Event()

    def hang(_budget_s: float) -> None:
        entered.set()
        released.wait(30)

    runtime.runs("a")
    assert serving.take(hang)
    runtime.waits = True
    api.answers.put(invoke("a"))
    api.wait_for_next()
    assert entered.is_set()
    # The next one is not made to wait behind it.
    runtime.runs("b")
    api.answers.put(invoke("b"))
    assert not serving.take(Log().job())
    runtime.waits = True
    api.wait_for_next(5)
    released.set()
    ends_s = time.monotonic() + 10
    runtime.runs("c")
    while not serving.take(Log().job()):
        assert time.monotonic() < ends_s
        time.sleep(0.01)


# ---- whatever fails, next is asked for ----------------------------------------------------------


class Odd(BaseException):
    """Nothing that anybody expects."""


ERRORS = [ValueError("no"), MemoryError(), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Odd()]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_work_that_fails(
    error: BaseException,
    serving: Extension,
    api: FakeApi,
    runtime: FakeRuntime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log()
    runtime.runs("a")
    assert serving.take(log.job("first", error))
    assert serving.take(log.job("second"))
    runtime.waits = True
    api.answers.put(invoke("a"))
    api.wait_for_next()
    assert log == ["first", "second"]
    assert caplog.messages == ["profiler: work after the response failed"]
    assert serving.is_serving


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_thread_itself_fails(
    error: BaseException, serving: Extension, api: FakeApi, runtime: FakeRuntime
) -> None:
    log = Log()
    runtime.runs("a")
    assert serving.take(log.job())
    runtime.error = error
    api.answers.put(invoke("a"))
    api.wait_for_next()
    assert log == ["done"]
    runtime.runs("b")
    api.answers.put(invoke("b"))
    runtime.waits = True
    api.wait_for_next()
    assert serving.is_serving


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_no_thread_for_the_work(
    error: Exception,
    serving: Extension,
    api: FakeApi,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    log = Log()
    runtime.runs("a")
    assert serving.take(log.job())
    runtime.waits = True
    monkeypatch.setattr(threading.Thread, "start", refuse)
    api.answers.put(invoke("a"))
    api.wait_for_next()
    assert log == ["done"]
    runtime.runs("b")
    assert serving.take(log.job())


MALFORMED = {
    "reset": RESET,
    "closed": CLOSE,
    "403": http(403, '{"errorType":"Extension.InvalidExtensionState"}'),
    "500": http(500, "no"),
    "301": http(301, "", "Location: http://127.0.0.1:1/"),
    "no JSON": http(200, "<html>"),
    "a list": http(200, "[]"),
    "null": http(200, "null"),
    "no id": http(200, '{"deadlineMs": 1}'),
    "no deadline": http(200, '{"requestId": "a"}'),
    "a deadline that is none": http(200, '{"requestId": "a", "deadlineMs": {}}'),
    "no UTF-8": http(200, b"\xff\xfe"),
    "empty": http(200),
    "broken off": Cut(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"requestId"'),
    "no HTTP": b"hello\r\n\r\n",
    "no length": Cut(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
    "endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "too long": http(200, b" " * 2_000_000),
}


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
def test_an_api_that_fails_is_called_again(
    answer: bytes | str,
    serving: Extension,
    api: FakeApi,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses_s: list[float] = []
    serving_meanwhile: list[bool] = []

    def pause(pause_s: float) -> None:
        serving_meanwhile.append(serving.is_serving)
        pauses_s.append(pause_s)

    log = Log()
    monkeypatch.setattr(extension_module, "sleep", pause)
    runtime.runs("a")
    assert serving.take(log.job("taken"))
    for _ in range(8):
        api.answers.put(answer)
    for _ in range(8):
        api.wait_for_next()
    assert pauses_s[:2] == [0.01, 0.02]
    assert max(pauses_s) == extension_module.LONGEST_PAUSE_S
    assert not any(serving_meanwhile)
    # What was taken is not lost, and nothing more is taken.
    assert log == ["taken"]
    assert log.budget_s <= 0
    runtime.runs("b")
    assert not serving.take(log.job())
    api.answers.put(invoke("b"))
    runtime.waits = True
    api.wait_for_next()
    runtime.runs("c")
    assert serving.take(log.job("again"))
    api.answers.put(invoke("c"))
    runtime.waits = True
    api.wait_for_next()
    assert log == ["taken", "again"]


def test_a_process_that_ends_keeps_what_was_taken(serving: Extension, runtime: FakeRuntime) -> None:
    log = Log()
    runtime.runs("a")
    assert serving.take(log.job("first", SystemExit(1)))
    assert serving.take(log.job("second"))
    serving._at_exit()
    assert log == ["first", "second"]
    assert log.budget_s <= 0
    serving._at_exit()
    assert len(log) == 2


def test_a_forked_child_that_ends_does_nothing_of_its_parents(
    serving: Extension, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    runtime.runs("a")
    assert serving.take(log.job())
    monkeypatch.setattr("profiler.aws.extension.os.getpid", lambda: -1)
    serving._at_exit()
    assert log == []


# ---- nobody notices it --------------------------------------------------------------------------


def test_user_code_does_not_count_it_and_no_profile_shows_it(extension: Extension, api: FakeApi) -> None:
    before = threading.enumerate()
    api.registrations.put(REGISTERED)
    extension.start()
    api.wait_for_next()
    started = [thread for thread in threading.enumerate() if thread not in before]
    assert [thread for thread in started if "process_request_thread" not in thread.name] == []
    assert set(sys._current_frames()) >= own.THREADS
    engine = SamplerEngine()
    engine.start()
    time.sleep(0.03)
    recording = engine.stop()
    names = {frame.name for frame in recording.frames}
    assert not [name for name in names if "Extension" in name or "next_event" in name]
    assert not [thread.name for thread in recording.threads if thread.name.startswith("thread ")]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells it")
def test_no_signal_ends_with_it_instead_of_the_main_thread(serving: Extension) -> None:
    def blocked(task: Path) -> int:
        (line,) = (line for line in (task / "status").read_text().splitlines() if line.startswith("SigBlk"))
        return int(line.split()[1], 16)

    terminate = 1 << (signal.SIGTERM - 1)
    tasks = list(Path("/proc/self/task").iterdir())
    assert [task.name for task in tasks if blocked(task) & terminate] != []
    assert not blocked(Path("/proc/self/task", str(os.getpid()))) & terminate


def test_in_a_forked_child_nothing_is_taken(
    serving: Extension, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.runs("a")
    monkeypatch.setattr("profiler.aws.extension.os.getpid", lambda: -1)
    with serving._changed:  # as it may be in a child: held by a thread that is not there
        assert not serving.take(Log().job())
        serving.skip()


def test_what_it_took_is_in_the_log_for_those_who_look(
    serving: Extension, api: FakeApi, runtime: FakeRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "profiler")
    runtime.runs("a")
    assert serving.take(Log().job())
    runtime.waits = True
    api.answers.put(invoke("a"))
    api.wait_for_next()
    assert any("ms of work after the response" in message for message in caplog.messages)
