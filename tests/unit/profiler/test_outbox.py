"""Captures on their way: in order, bounded, tried again, never lost silently."""

from __future__ import annotations

import threading
import time

import pytest

from profiler.capture import Capture, Invocation
from profiler.keys import CaptureKey
from profiler.outbox import Outbox
from tests.unit.profiler.helpers import MemorySink


def key(sequence: int) -> CaptureKey:
    return CaptureKey.of(Capture(Invocation("f", "r", "e", sequence, 0, 0, False)))


def filled(sink: MemorySink, count: int, size: int = 10, bound: int = 1000) -> Outbox:
    outbox = Outbox(sink, bound)
    for sequence in range(1, count + 1):
        outbox.add(key(sequence), bytes(size))
    return outbox


def sequences(sink: MemorySink) -> list[int]:
    return [stored.sequence for stored, _ in sink.stored]


def test_the_oldest_goes_first() -> None:
    sink = MemorySink()
    outbox = filled(sink, 5)
    assert outbox.deliver(5)
    assert sequences(sink) == [1, 2, 3, 4, 5]
    assert outbox.delivered == 5
    assert outbox.waiting() == []


def test_nothing_to_deliver_starts_no_thread() -> None:
    before = threading.active_count()
    assert filled(MemorySink(), 0).deliver(5)
    assert threading.active_count() == before


def test_without_time_nothing_is_tried() -> None:
    sink = MemorySink()
    outbox = filled(sink, 1)
    assert not outbox.deliver(0)
    assert not outbox.deliver(-5)
    assert sink.stored == []


def test_what_fails_stays_in_its_place(caplog: pytest.LogCaptureFixture) -> None:
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


def test_over_the_bound_the_oldest_are_dropped_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    outbox = filled(MemorySink(), 5, size=400, bound=1000)
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == [4, 5]
    assert outbox.dropped == 3
    assert caplog.messages == ["profiler: captures are dropped, oldest first: the store takes none"]


def test_one_capture_over_the_bound_is_kept() -> None:
    outbox = filled(MemorySink(), 2, size=5000, bound=1000)
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == [2]


def test_a_capture_dropped_while_it_is_on_its_way_takes_no_other_with_it() -> None:
    entered = threading.Event()
    go_on = threading.Event()

    class Slow(MemorySink):
        def put(self, key: CaptureKey, data: bytes) -> None:
            entered.set()
            assert go_on.wait(10)
            super().put(key, data)

    sink = Slow()
    outbox = filled(sink, 1, size=600)
    assert not outbox.deliver(0.01)
    assert entered.wait(10)
    outbox.add(key(2), bytes(600))  # drops the first
    go_on.set()
    assert outbox.deliver(10, patient=True)
    assert sequences(sink) == [1, 2]


def test_many_threads_deliver_each_capture_once() -> None:
    sink = MemorySink()
    outbox = Outbox(sink)

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


def test_the_carrier_is_a_daemon_that_bears_the_profilers_name() -> None:
    seen: list[threading.Thread] = []

    class Watching(MemorySink):
        def put(self, key: CaptureKey, data: bytes) -> None:
            seen.append(threading.current_thread())

    filled(Watching(), 1).deliver(5)
    assert seen[0].daemon
    assert seen[0].name.startswith("invocation-profiler")


def test_a_slow_store_is_given_up_within_its_budget() -> None:
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


def test_check_asks_the_sink() -> None:
    filled(MemorySink(), 0).check()
    with pytest.raises(Exception, match="the store is shut"):
        filled(MemorySink(failing=True), 0).check()
