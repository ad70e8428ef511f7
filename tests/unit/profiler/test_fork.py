"""What a forked child finds: nothing of its parent's capture, and everything as it was before that."""

from __future__ import annotations

import os
import sys
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from profiler import own
from profiler.bootstrap import wrap
from profiler.outbox import Outbox
from profiler.recorder import Recorder
from profiler.settings import Settings
from tests.unit.profiler.helpers import MemorySink
from tests.unit.profiler.outboxes import forking

pytestmark = [forking, pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")]


def in_child(check: Callable[[], bool]) -> int:
    """Fork; in the child end with 0 where `check` holds. Return how it ended."""
    child = os.fork()
    if not child:
        code = 9
        try:
            code = 0 if check() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def armed(handler: Callable[..., Any], **settings: Any) -> tuple[Callable[..., Any], MemorySink, Recorder]:
    sink = MemorySink()
    recorder = Recorder(handler, Settings(enabled=True, **settings), Outbox(sink))
    return wrap(handler, recorder), sink, recorder


@pytest.mark.parametrize("cpu", ["sampler", "pyinstrument"])
def test_nothing_goes_on_in_the_child(cpu: str) -> None:
    if cpu == "pyinstrument":
        pytest.importorskip("pyinstrument")
    before_s = sys.getswitchinterval()

    def as_before() -> bool:
        calm = sys.getswitchinterval() == before_s
        return calm and sys.getprofile() is None and not tracemalloc.is_tracing()

    call, sink, recorder = armed(lambda *_: in_child(as_before), cpu=cpu, memory="tracemalloc")
    assert [call(None, None) for _ in range(2)] == [0, 0]
    # The parent's own goes on, in all of it.
    first, second = (capture.memory.tracing_since for capture in sink.captures)
    assert first == second is not None
    assert tracemalloc.is_tracing()
    assert recorder.guard.failures == 0
    recorder.abandon()


def test_a_child_of_another_thread_captures_its_own() -> None:
    """The handler's thread does not exist in it, and will never give back its turn."""
    forked: list[int] = []
    other, others, _ = armed(lambda *_: 5, cpu="off", memory="off")

    def check() -> bool:
        return other(None, None) == 5 and [capture.invocation.sequence for capture in others.captures] == [1]

    def handler(*_: Any) -> None:
        thread = threading.Thread(target=lambda: forked.append(in_child(check)))
        thread.start()
        thread.join()

    call, sink, _ = armed(handler, cpu="sampler", memory="census")
    call(None, None)
    assert forked == [0]
    assert len(sink.captures) == 1


def test_a_child_that_captures_while_it_returns_gives_back_its_own_turn() -> None:
    """It goes back through its parent's handler, and has called another on the way."""
    other, others, _ = armed(lambda *_: 5, cpu="off", memory="off")
    parent = os.getpid()

    def handler(*_: Any) -> int:
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        other(None, None)
        return -1

    call, sink, recorder = armed(handler, cpu="sampler", memory="off")
    try:
        answer = call(None, None)
        if os.getpid() != parent:
            again = call.__wrapped__ is handler and other(None, None) == 5
            fine = again and len(others.captures) == 2 and not sink.captures
            os._exit(0 if fine and recorder.guard.failures == 0 else 1)
    finally:
        if os.getpid() != parent:
            os._exit(8)
    assert answer == 0
    assert len(sink.captures) == 1


def test_threads_that_are_not_there_are_nobodys() -> None:
    own.THREADS.add(12345)
    try:
        assert in_child(lambda: not own.THREADS) == 0
        assert 12345 in own.THREADS
    finally:
        own.THREADS.discard(12345)
