"""The live flag: what its content means, when it is read; it fails to off, and keeps nobody waiting."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler import own
from profiler.cli.flag import _state
from profiler.environment import ENVIRONMENT
from profiler.flag import LiveFlag, live, open_source
from profiler.flag.value import FlagError, value_of
from tests.unit.profiler.local_answers import Answers, local_answers

UNTIL = 1_795_622_400  # 2026-11-25T16:00:00Z


# ---- what a content means ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "at_s", "expected"),
    [
        ("on", 0, True),
        (" TRUE\n", 0, True),
        ("off", 0, False),
        ("", 0, False),
        (True, 0, True),
        (False, 0, False),
        (1, 0, True),
        ("on until 2026-11-25T16:00:00Z", UNTIL - 1, True),
        ("on until 2026-11-25T16:00:00Z", UNTIL, False),
        ("on until 2026-11-25T17:00:00+01:00", UNTIL - 1, True),
        ("on until 2026-11-25T16:00:00", UNTIL + 1, False),
        ("off until 2026-11-25T16:00:00Z", 0, False),
        ('{"enabled": true}', 0, True),
        ('{"enabled": true, "until": "2026-11-25T16:00:00Z"}', UNTIL + 1, False),
        ('{"enabled": true, "until": 1795622400}', UNTIL - 1, True),
        ('{"enabled": false, "rate": 1}', 0, False),
        ('{"checkout": "on", "*": "off"}', 0, True),
        ('{"other": "on", "*": "off"}', 0, False),
        ('{"other": "on"}', 0, False),
        ('{"*": true}', 0, True),
        ('{"checkout": {"enabled": true, "until": 1795622400}}', UNTIL - 1, True),
        ('{"checkout": "on until 2026-11-25T16:00:00Z"}', UNTIL + 1, False),
        ('"on"', 0, True),
    ],
)
def test_what_a_content_says(content: Any, at_s: float, expected: bool) -> None:
    assert value_of(content, "checkout").holds(at_s) is expected


@pytest.mark.parametrize(
    "content",
    [
        *("maybe", "{", "{}", "[1]", None, 2.5, "on until tomorrow", "x" * 99_999, "[" * 10_000),
        *('{"enabled": "si"}', '{"checkout": []}', '{"enabled": true, "until": "soon"}'),
        # An end in milliseconds, or none that a clock can reach, would be on for ever.
        *(
            f'{{"enabled": true, "until": {end}}}'
            for end in ("NaN", "1e999", "-1", "1795622400000", "9" * 400)
        ),
        *("on until 0001-01-01T00:00:00+23:59", "on until 9999-12-31T23:59:59-23:59"),
    ],
)
def test_what_cannot_be_understood_is_an_error(content: Any) -> None:
    with pytest.raises(FlagError):
        value_of(content, "checkout")


KEYS = st.sampled_from(["enabled", "until", "checkout", "*"]) | st.text()
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["on", "off"]) | st.text()
TIMES = st.datetimes(timezones=st.timezones()).map(lambda moment: f"on until {moment.isoformat()}")


@given(
    st.text()
    | TIMES
    | st.recursive(LEAVES | TIMES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)).map(
        json.dumps
    )
)
def test_any_content_is_a_value_or_an_error(content: str) -> None:
    with contextlib.suppress(FlagError):
        value = value_of(content, "checkout")
        value.holds(0)
        assert _state(value, 0)  # what the command tells of it


# ---- when it is read -----------------------------------------------------------------------------


class Clock:
    """The wall clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_000_000.0
        monkeypatch.setattr(live, "time", lambda: self.now_s)


class Source:
    """A flag in memory; `hold` makes a read wait."""

    def __init__(self, content: Any = "off") -> None:
        self.content = content
        self.reads = 0
        self.hold = threading.Event()
        self.hold.set()

    def read(self) -> Any:
        self.reads += 1
        self.hold.wait(10)
        if isinstance(self.content, BaseException):
            raise self.content
        return self.content


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def settled(flag: LiveFlag) -> LiveFlag:
    """Wait until no read is under way."""
    with flag._reading:
        return flag


def ask(flag: LiveFlag) -> bool:
    """Do as an invocation does."""
    is_on = flag.is_on()
    flag.keep_up()
    return is_on


def test_the_first_answer_is_off_and_the_next_what_was_read(clock: Clock) -> None:
    threads = set(own.THREADS)
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    source.hold.clear()
    assert not ask(flag)
    assert not ask(flag)
    source.hold.set()
    assert settled(flag).is_on()
    assert source.reads == 1
    assert threads == own.THREADS


def test_it_is_read_anew_when_it_is_old_and_nobody_waits(clock: Clock) -> None:
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    flag.read_ahead()
    assert settled(flag).is_on()
    source.content = "off"
    clock.now_s += 29
    assert ask(flag)
    assert source.reads == 1
    clock.now_s += 2
    source.hold.clear()
    began = time.perf_counter()
    assert all(ask(flag) for _ in range(100))  # the old value, while the new one is on its way
    assert time.perf_counter() - began < 5
    source.hold.set()
    assert not settled(flag).is_on()
    assert source.reads == 2


def test_a_value_holds_in_an_environment_that_is_seldom_called(clock: Clock) -> None:
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    flag.read_ahead()
    settled(flag)
    for _ in range(5):
        clock.now_s += 3_600
        assert ask(flag)
        settled(flag)
    assert source.reads == 6


def test_without_news_it_fails_to_off(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    threads = threading.active_count()
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    flag.read_ahead()
    settled(flag)
    source.content = OSError("connection refused")
    states = []
    for _ in range(8):
        clock.now_s += 31
        ask(flag)
        states.append(settled(flag).is_on())
    assert states == [True] * 4 + [False] * 4
    [record] = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert "connection refused" in record.getMessage()
    assert threading.active_count() == threads
    source.content = "on"
    clock.now_s += 31
    ask(flag)
    assert settled(flag).is_on()


def test_a_read_that_hangs_is_no_news_either(clock: Clock) -> None:
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    flag.read_ahead()
    settled(flag)
    source.hold.clear()
    clock.now_s += 31
    assert ask(flag)
    clock.now_s += 200
    assert not ask(flag)
    while source.reads < 2:
        time.sleep(0.001)
    assert not ask(flag)
    assert source.reads == 2  # no second one beside the first
    source.hold.set()
    settled(flag)


def test_an_end_is_kept_without_a_read(clock: Clock) -> None:
    flag = LiveFlag(Source({"enabled": True, "until": clock.now_s + 10}), "checkout", 30)
    flag.read_ahead()
    assert settled(flag).is_on()
    clock.now_s += 11
    assert not flag.is_on()


def test_a_clock_that_went_back_is_a_reason_to_look(clock: Clock) -> None:
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    flag.read_ahead()
    settled(flag)
    clock.now_s -= 5_000
    ask(flag)
    assert settled(flag).is_on()
    assert source.reads == 2


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), RecursionError(), FlagError("no")])
def test_whatever_a_source_raises_ends_nothing(clock: Clock, error: BaseException) -> None:
    threads = set(own.THREADS)
    flag = LiveFlag(Source(error), "checkout", 30)
    flag.read_ahead()
    assert not settled(flag).is_on()
    assert threads == own.THREADS


def test_no_thread_can_be_started(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", refuse)
    flag = LiveFlag(Source("on"), "checkout", 30)
    assert not ask(flag)
    assert not flag._reading.locked()


def test_what_fails_during_init_is_read_by_the_first_invocation(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(FlagError("HTTP 400: not ready to serve traffic, please wait"))
    flag = LiveFlag(source, "checkout", 30)
    flag.read_ahead()
    settled(flag)
    source.content = "on"
    assert not ask(flag)
    assert settled(flag).is_on()
    assert source.reads == 2
    assert caplog.records == []


def test_a_read_that_failed_is_soon_tried_again(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    source = Source(OSError("connection refused"))
    flag = LiveFlag(source, "checkout", 30)
    began_s, read_at_s = clock.now_s, []
    for _ in range(120):
        before = source.reads
        ask(flag)
        settled(flag)
        if source.reads > before:
            read_at_s.append(clock.now_s - began_s)
        clock.now_s += 1
    assert read_at_s == [0, 1, 3, 7, 15, 31, 61, 91]
    assert len(caplog.records) == 1


def test_a_copy_of_a_snapshot_believes_nothing_old(clock: Clock) -> None:
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    flag.read_ahead()
    assert settled(flag).is_on()
    source.content = "off"
    ENVIRONMENT.restored()
    clock.now_s += 20
    assert ask(flag)  # read seconds ago; and read anew at once
    assert not settled(flag).is_on()
    source.content = "on"
    clock.now_s += 31
    ask(flag)
    assert settled(flag).is_on()
    ENVIRONMENT.restored()
    clock.now_s += 30 * 86_400
    assert not ask(flag)
    assert settled(flag).is_on()


def test_what_was_asked_before_a_snapshot_is_no_answer(clock: Clock) -> None:
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    source.hold.clear()
    flag.read_ahead()
    asked_before = flag._reading
    ENVIRONMENT.restored()
    clock.now_s += 30 * 86_400
    assert not flag.is_on()
    source.hold.set()
    with asked_before:
        assert not flag.is_on()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_reads_for_itself(clock: Clock) -> None:
    source = Source("on")
    flag = LiveFlag(source, "checkout", 30)
    source.hold.clear()
    flag.read_ahead()  # under way as the process forks
    child = os.fork()
    if child == 0:
        try:
            source.hold = SimpleNamespace(wait=lambda timeout: True)  # type: ignore[assignment]
            ask(flag)
            os._exit(0 if settled(flag).is_on() else 1)
        finally:
            os._exit(2)
    source.hold.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    settled(flag)


# ---- the sources ---------------------------------------------------------------------------------


@pytest.fixture
def answers() -> Iterator[Answers]:
    with local_answers() as served:
        yield served


def test_appconfig_through_its_extension(answers: Answers) -> None:
    answers.body = '{"enabled": true, "until": "2999-01-01T00:00:00Z"}'
    environ = {"AWS_APPCONFIG_EXTENSION_HTTP_PORT": str(answers.port)}
    source = open_source("appconfig:my shop/prod/flags#profile it", "checkout", environ)
    assert value_of(source.read(), "checkout").is_on
    [(path, _)] = answers.requests
    assert path == "/applications/my%20shop/environments/prod/configurations/flags?flag=profile%20it"


def test_a_parameter_through_its_extension(answers: Answers) -> None:
    answers.body = json.dumps({"Parameter": {"Name": "/shop/profile", "Type": "String", "Value": "on"}})
    environ = {"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(answers.port), "AWS_SESSION_TOKEN": "the-token"}
    source = open_source("ssm:/shop/profile", "checkout", environ)
    assert source.read() == "on"
    [(path, headers)] = answers.requests
    assert path == "/systemsmanager/parameters/get?name=%2Fshop%2Fprofile&withDecryption=true"
    assert headers["x-aws-parameters-secrets-token"] == "the-token"
    answers.body = "[]"
    with pytest.raises(FlagError, match="holds no parameter"):
        source.read()


@pytest.mark.parametrize(("status", "body"), [(404, '{"Message": "no such flag"}'), (500, ""), (400, "bad")])
def test_an_extension_that_refuses(answers: Answers, status: int, body: str) -> None:
    answers.status, answers.body = status, body
    environ = {"AWS_APPCONFIG_EXTENSION_HTTP_PORT": str(answers.port)}
    with pytest.raises(FlagError, match=f"HTTP {status}"):
        open_source("appconfig:a/b/c", "checkout", environ).read()


def test_the_token_stays_out_of_the_log(answers: Answers) -> None:
    environ = {"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(answers.port), "AWS_SESSION_TOKEN": "secret\n"}
    with pytest.raises(FlagError, match="cannot be asked") as raised:
        open_source("ssm:/shop/profile", "checkout", environ).read()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("port", ["x", "0", "70000", "-1"])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(FlagError, match="is no port"):
        open_source("appconfig:a/b/c", "f", {"AWS_APPCONFIG_EXTENSION_HTTP_PORT": port}).read()


def test_nobody_is_there() -> None:
    with local_answers() as gone:
        port = gone.port
    with pytest.raises(ConnectionRefusedError):
        open_source("appconfig:a/b/c", "f", {"AWS_APPCONFIG_EXTENSION_HTTP_PORT": str(port)}).read()


def test_openfeature_with_a_real_provider() -> None:
    api: Any = pytest.importorskip("openfeature.api")
    provider: Any = pytest.importorskip("openfeature.provider.in_memory_provider")
    flags = {
        "profile": provider.InMemoryFlag("on", {"on": True, "off": False}),
        "quiet": provider.InMemoryFlag("off", {"on": True, "off": False}),
        "text": provider.InMemoryFlag("a", {"a": "words"}),
    }
    api.set_provider(provider.InMemoryProvider(flags))
    try:
        assert open_source("openfeature:profile", "checkout", {}).read() is True
        assert open_source("openfeature:quiet", "checkout", {}).read() is False
        for key in ("text", "missing"):
            with pytest.raises(FlagError):
                open_source(f"openfeature:{key}", "checkout", {}).read()
    finally:
        api.clear_providers()


# ---- in a recorder -------------------------------------------------------------------------------


def test_a_recorder_follows_the_flag(clock: Clock) -> None:
    import tracemalloc

    from profiler.bootstrap import wrap
    from profiler.outbox import Outbox
    from profiler.recorder import Recorder
    from profiler.settings import Settings
    from tests.unit.profiler.helpers import MemorySink

    sink, source = MemorySink(), Source("off")

    def handler(event: Any, context: Any) -> Any:
        return event

    settings = Settings(enabled="live", flag="ssm:x", cpu="off", memory="tracemalloc")
    recorder = Recorder(handler, settings, Outbox(sink))
    recorder.live_flag = flag = LiveFlag(source, "checkout", 30)
    skipped: list[int] = []
    recorder.delivery.skip = lambda: skipped.append(1)  # type: ignore[method-assign]
    call: Callable[..., Any] = wrap(handler, recorder)

    def next_round(content: str) -> None:
        source.content = content
        clock.now_s += 31
        assert call(0, None) == 0
        settled(flag)

    next_round("off")
    assert call(1, None) == 1
    assert (sink.captures, len(skipped)) == ([], 2)
    next_round("on")
    assert call(2, None) == 2
    assert tracemalloc.is_tracing()
    next_round("off")
    call(3, None)
    assert not tracemalloc.is_tracing()
    sequences = [capture.invocation.sequence for capture in sink.captures]
    assert sequences[1] - sequences[0] == 1  # the second saw the old value
    assert sequences[0] > 3


@pytest.mark.parametrize("rate", [1, 0])
def test_no_read_begins_beside_a_capture(clock: Clock, rate: float) -> None:
    from profiler.bootstrap import wrap
    from profiler.outbox import Outbox
    from profiler.recorder import Recorder
    from profiler.settings import Settings
    from tests.unit.profiler.helpers import MemorySink

    sink, source = MemorySink(), Source("on")
    reads: list[int] = []

    def handler(event: Any, context: Any) -> None:
        time.sleep(0.01)  # a read that had begun would be counted by now
        reads.append(source.reads)

    settings = Settings(enabled="live", flag="ssm:x", cpu="off", rate=rate)
    recorder = Recorder(handler, settings, Outbox(sink))
    recorder.live_flag = flag = LiveFlag(source, "checkout", 30)
    flag.read_ahead()
    settled(flag)
    call: Callable[..., Any] = wrap(handler, recorder)
    for _ in range(4):
        clock.now_s += 31
        call(0, None)
        settled(flag)
    assert source.reads == 5  # the first, and one for each invocation, captured or not
    assert len(sink.captures) == 4 * rate
    assert rate == 0 or reads == [1, 2, 3, 4]
