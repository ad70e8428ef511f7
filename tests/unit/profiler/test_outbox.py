"""Captures on their way: in order, bounded, tried again, never lost silently; on disk and in memory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiler import host
from profiler.environment import ENVIRONMENT
from profiler.errors import StoreError
from profiler.keys import CaptureKey
from profiler.location import LocalLocation
from profiler.outbox import Outbox
from profiler.outbox.shelf import Folder
from profiler.sinks.local import LocalSink
from tests.unit.profiler.helpers import MemorySink
from tests.unit.profiler.outboxes import Answer, Choosy, folder_in, forking, key, sequences


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Folder | None:
    """Where captures wait."""
    return folder_in(tmp_path) if request.param == "disk" and host.CAN_LOCK_FILES else None


@pytest.fixture
def filled(place: Folder | None) -> Callable[..., Outbox]:
    def fill(sink: Any, count: int, size: int = 10, bound: int = 1_000_000) -> Outbox:
        outbox = Outbox(sink, bound, place)
        for sequence in range(1, count + 1):
            outbox.add(key(sequence), bytes(size))
        return outbox

    return fill


def test_the_oldest_goes_first(filled: Callable[..., Outbox]) -> None:
    sink = MemorySink()
    outbox = filled(sink, 5)
    assert outbox.deliver(5)
    assert sequences(sink) == [1, 2, 3, 4, 5]
    assert outbox.delivered == 5
    assert outbox.waiting() == []


def test_nothing_to_deliver_starts_no_thread(filled: Callable[..., Outbox]) -> None:
    before = threading.active_count()
    assert filled(MemorySink(), 0).deliver(5)
    assert threading.active_count() == before


def test_without_time_nothing_is_tried(filled: Callable[..., Outbox]) -> None:
    sink = MemorySink()
    outbox = filled(sink, 1)
    assert not outbox.deliver(0)
    assert not outbox.deliver(-5)
    assert sink.stored == []


def test_what_fails_stays_in_its_place(
    filled: Callable[..., Outbox], caplog: pytest.LogCaptureFixture
) -> None:
    sink = MemorySink(failing=True)
    outbox = filled(sink, 2)
    assert not outbox.deliver(5)
    assert not outbox.deliver(5)
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == [1, 2]
    assert len(caplog.records) == 1
    sink.failing = False
    outbox.add(key(3), b"")
    assert outbox.deliver(5)
    assert sequences(sink) == [1, 2, 3]
    # A new bad day is told again.
    sink.failing = True
    outbox.add(key(4), b"")
    assert not outbox.deliver(5)
    assert len(caplog.records) == 2


def test_over_the_bound_the_oldest_are_dropped_and_that_is_said(
    filled: Callable[..., Outbox], caplog: pytest.LogCaptureFixture
) -> None:
    outbox = filled(MemorySink(), 5, size=4000, bound=10_000)
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == [4, 5]
    assert outbox.dropped == 3
    assert caplog.messages == ["profiler: captures are dropped, oldest first: the store takes none"]


def test_one_capture_over_the_bound_is_kept(filled: Callable[..., Outbox]) -> None:
    outbox = filled(MemorySink(), 2, size=5000, bound=1000)
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == [2]


def test_a_capture_dropped_while_it_is_on_its_way_takes_no_other_with_it(
    filled: Callable[..., Outbox],
) -> None:
    entered = threading.Event()
    go_on = threading.Event()

    class Slow(MemorySink):
        def put(self, key: CaptureKey, data: bytes) -> None:
            entered.set()
            assert go_on.wait(10)
            super().put(key, data)

    sink = Slow()
    outbox = filled(sink, 1, size=600, bound=1000)
    assert not outbox.deliver(0.01)
    assert entered.wait(10)
    outbox.add(key(2), bytes(600))  # drops the first
    go_on.set()
    assert outbox.deliver(10, patient=True)
    assert sequences(sink) == [1, 2]


def test_many_threads_deliver_each_capture_once(filled: Callable[..., Outbox]) -> None:
    sink = MemorySink()
    outbox = filled(sink, 0)

    def work(first: int) -> None:
        for sequence in range(first, first + 50):
            outbox.add(key(sequence), b"x")
            outbox.deliver(5)

    threads = [threading.Thread(target=work, args=(number * 50 + 1,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.deliver(5)
    assert sorted(sequences(sink)) == list(range(1, 201))
    assert outbox.delivered == 200


def test_the_carrier_is_a_daemon_that_bears_the_profilers_name(filled: Callable[..., Outbox]) -> None:
    seen: list[threading.Thread] = []

    class Watching(MemorySink):
        def put(self, key: CaptureKey, data: bytes) -> None:
            seen.append(threading.current_thread())

    filled(Watching(), 1).deliver(5)
    assert seen[0].daemon
    assert seen[0].name.startswith("invocation-profiler")


def test_a_slow_store_is_given_up_within_its_budget(filled: Callable[..., Outbox]) -> None:
    released = threading.Event()

    class Slow(MemorySink):
        def put(self, key: CaptureKey, data: bytes) -> None:
            released.wait(30)

    outbox = filled(Slow(), 1)
    began = time.monotonic()
    assert not outbox.deliver(0.05)
    assert time.monotonic() - began < 5
    released.set()
    assert outbox.deliver(5, patient=True)


def test_check_asks_the_sink(filled: Callable[..., Outbox]) -> None:
    filled(MemorySink(), 0).check()
    with pytest.raises(Exception, match="the store is shut"):
        filled(MemorySink(failing=True), 0).check()


def test_a_note_tells_of_what_was_dropped(
    filled: Callable[..., Outbox], caplog: pytest.LogCaptureFixture
) -> None:
    sink = MemorySink(failing=True)
    outbox = filled(sink, 2, size=4000, bound=10_000)
    assert outbox.notes() == ()
    outbox.deliver(1)
    for sequence in (3, 4):
        outbox.add(key(sequence), bytes(4000))
    assert outbox.notes() == ("2 earlier captures were dropped: the store took none (PROFILER_SPOOL_MB)",)
    sink.failing = False
    assert outbox.deliver(5, patient=True)
    assert sequences(sink) == [3, 4]
    assert caplog.messages[-1] == "profiler: the store takes captures again; 2 were dropped meanwhile"
    assert outbox.delivered == 2


def test_what_did_not_arrive_can_be_taken_back(filled: Callable[..., Outbox]) -> None:
    sink = MemorySink(failing=True)
    outbox = filled(sink, 3)
    back = outbox.take_back()
    assert next(back)[0].sequence == 1
    # Whoever takes it keeps it first, and then asks for the next.
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == [1, 2, 3]
    assert [taken.sequence for taken, _ in back] == [2, 3]
    assert outbox.waiting() == []
    assert outbox.delivered == 0


def test_within_a_time_budget_no_delivery_begins_after_its_end(filled: Callable[..., Outbox]) -> None:
    class Slow(MemorySink):
        def put(self, key: CaptureKey, data: bytes) -> None:
            time.sleep(0.05)
            super().put(key, data)

    sink = Slow()
    outbox = filled(sink, 40)
    assert not outbox.deliver(0.1)
    time.sleep(0.2)
    assert 1 <= len(sink.stored) <= 5
    assert outbox.deliver(20, patient=True)
    assert sequences(sink) == list(range(1, 41))


# ---- captures that cannot be delivered ----------------------------------------------------------


def test_a_refused_capture_is_set_aside_and_blocks_nobody(
    filled: Callable[..., Outbox], caplog: pytest.LogCaptureFixture
) -> None:
    sink = Choosy({1: Answer("EntityTooLarge", 400), 3: Answer("UnheardOf", 400)})
    outbox = filled(sink, 4)
    for _ in range(3):
        outbox.deliver(5)
    assert sequences(sink) == [2, 4]
    assert outbox.waiting() == []
    assert sink.attempts.count(1) == sink.attempts.count(3) == 3
    assert outbox.delivered == 2
    (message,) = caplog.messages
    assert message.startswith("profiler: a capture cannot be delivered, it is ")
    assert message.endswith(": no")


def test_a_capture_at_which_the_store_stumbles_goes_behind_the_others(
    filled: Callable[..., Outbox], caplog: pytest.LogCaptureFixture
) -> None:
    """A sink's own mistake, or one capture too large for the line: it looks like an outage."""
    sink = Choosy({1: ZeroDivisionError("a bug")})
    outbox = filled(sink, 3)
    for _ in range(8):
        assert not outbox.deliver(5, patient=True)
    assert sequences(sink) == []
    for _ in range(3):
        outbox.add(key(10), b"")
        outbox.deliver(5, patient=True)
    assert sequences(sink) == [2, 3, 10, 10, 10]
    assert outbox.waiting() == []
    assert len(caplog.messages) == 4  # once down, twice again after others had arrived, once set aside


def test_one_that_is_down_for_long_loses_nothing(filled: Callable[..., Outbox]) -> None:
    sink = MemorySink(failing=True)
    outbox = filled(sink, 5)
    for _ in range(50):
        assert not outbox.deliver(5, patient=True)
    sink.failing = False
    assert outbox.deliver(5, patient=True)
    assert sorted(sequences(sink)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("may_retry", "attempts"), [(True, 4), (False, 1)])
def test_what_may_pass_is_tried_again_only_while_the_store_is_thought_well(
    filled: Callable[..., Outbox], monkeypatch: pytest.MonkeyPatch, may_retry: bool, attempts: int
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("profiler.outbox.carrier.sleep", pauses.append)
    monkeypatch.setattr("profiler.outbox.carrier.share_at_random", lambda: 1.0)
    sink = Choosy({1: Answer("SlowDown", 503)})
    outbox = filled(sink, 1)
    if not may_retry:
        outbox._patience.failed()
    assert not outbox.deliver(60)
    assert sink.attempts == [1] * attempts
    assert pauses == ([0.2, 0.4, 0.8] if may_retry else [])


def test_no_pause_reaches_beyond_the_time_that_is_left(
    filled: Callable[..., Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("profiler.outbox.carrier.sleep", pauses.append)
    monkeypatch.setattr("profiler.outbox.carrier.share_at_random", lambda: 1.0)
    sink = Choosy({1: Answer("SlowDown", 503)})
    assert not filled(sink, 1).deliver(0.3)
    assert pauses == [0.2]


def test_a_store_that_recovers_within_the_time_gets_the_capture(filled: Callable[..., Outbox]) -> None:
    class Recovering(MemorySink):
        attempts = 0

        def put(self, key: CaptureKey, data: bytes) -> None:
            self.attempts += 1
            if self.attempts < 3:
                raise StoreError("reset") from ConnectionResetError()
            super().put(key, data)

    sink = Recovering()
    assert filled(sink, 1).deliver(30)
    assert sink.attempts == 3


# ---- a sink that is as safe as the disk ---------------------------------------------------------


def test_a_folder_is_written_at_once_and_what_it_does_not_take_waits(
    place: Folder | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    threads = threading.active_count()
    store = tmp_path / "store"
    outbox = Outbox(LocalSink(LocalLocation(store)), folder=place, at_once=True)
    outbox.add(key(1), b"one")
    assert (store / str(key(1))).read_bytes() == b"one"
    assert threading.active_count() == threads
    assert outbox.deliver(5)
    assert not (tmp_path / f"invocation-profiler-{os.getuid()}").exists()
    store.rename(tmp_path / "gone")
    store.write_text("a file where the folder was")
    outbox.add(key(2), b"two")
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == [2]
    assert not outbox.deliver(5)
    store.unlink()
    outbox.add(key(3), b"three")
    assert outbox.deliver(5)
    assert (store / str(key(2))).read_bytes() == b"two"
    assert outbox.delivered == 3
    assert len(caplog.messages) == 1


@forking
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_delivers_its_own_and_not_what_its_parent_has_in_memory(place: Folder | None) -> None:
    sink = MemorySink(failing=True)
    outbox = Outbox(sink, folder=place)
    outbox.add(key(1), b"")
    outbox.deliver(5)
    with outbox._lock:  # as another thread of the parent might hold it
        child = os.fork()
        if child == 0:
            code = 9
            try:
                sink.failing = False
                outbox.add(key(2), b"")
                arrived = outbox.deliver(5)
                expected = [1, 2] if place is not None else [2]
                code = 0 if arrived and sequences(sink) == expected and outbox.delivered == 1 else 1
            finally:
                os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == ([] if place is not None else [1])


def test_what_waits_outlives_a_restore_and_how_the_store_did_does_not(place: Folder | None) -> None:
    sink = MemorySink(failing=True)
    outbox = Outbox(sink, folder=place)
    outbox.add(key(1), b"")
    while not outbox._patience._calls_to_skip:  # until it pauses, for the store has failed so often
        outbox.deliver(5)
    sink.failing = False
    assert not outbox.deliver(5)
    ENVIRONMENT.restored()
    assert outbox.deliver(5)
    assert sequences(sink) == [1]
