"""The environment's id and count, and what the host tells."""

from __future__ import annotations

import os
import random
import sys
import threading
from types import SimpleNamespace

import pytest

from profiler import host
from profiler.environment import Environment
from profiler.memory.process import ProcessReading, compare, read_process


def test_invocations_are_counted_from_one() -> None:
    environment = Environment()
    assert [environment.next_sequence() for _ in range(3)] == [1, 2, 3]


def test_threads_never_get_the_same_number() -> None:
    environment = Environment()
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.extend(environment.next_sequence() for _ in range(200)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 801))


def test_ids_differ_even_where_the_handler_seeds_random() -> None:
    state = random.getstate()
    random.seed(1)
    first = Environment().id
    random.seed(1)
    assert Environment().id != first
    random.setstate(state)


def test_a_fork_is_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment()
    environment.next_sequence()
    first = environment.id
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert environment.next_sequence() == 1
    assert environment.id != first


def test_a_restored_snapshot_is_an_environment_of_its_own() -> None:
    environment = Environment()
    environment.next_sequence()
    first = environment.id
    environment.restored()
    assert environment.id != first
    assert [environment.next_sequence() for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("hooks", [True, False])
def test_the_first_invocation_after_a_snapshot_notices_by_itself(
    monkeypatch: pytest.MonkeyPatch, hooks: bool
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    environment = Environment()
    before = environment.id
    if hooks:
        environment.restored()
    restored = environment.id
    assert (restored != before) == hooks
    assert environment.next_sequence() == 1
    first = environment.id
    assert first != before
    assert (first == restored) == hooks
    assert [environment.next_sequence() for _ in range(2)] == [2, 3]
    assert environment.id == first


def test_the_id_alone_follows_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment()
    first = environment.id
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert environment.id != first


def test_psutil_looks_at_the_child_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Process:
        def __init__(self) -> None:
            self.pid = os.getpid()
            asked.append(self.pid)

    monkeypatch.setitem(sys.modules, "psutil", SimpleNamespace(Process=Process))
    monkeypatch.setattr(host, "_process", host._unset)
    for _ in range(2):
        host._psutil_process()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert host._psutil_process().pid == -1
    assert len(asked) == 2


def test_the_process_tells_its_size() -> None:
    before = read_process()
    block = bytearray(64 * 1024 * 1024)
    memory = compare(before, read_process())
    assert memory.blocks is not None
    assert memory.threads == len(sys._current_frames())
    if host.IS_LINUX:
        assert memory.rss_growth_bytes is not None
        assert memory.rss_growth_bytes > len(block) / 2
        assert memory.open_files is not None
        assert memory.open_files > 0


def test_a_silent_platform_tells_nothing() -> None:
    memory = compare(ProcessReading(None, 5), ProcessReading(None, 7))
    assert (memory.rss_bytes, memory.rss_growth_bytes, memory.blocks_growth) == (None, None, 2)


@pytest.mark.skipif(not host.IS_LINUX, reason="/proc is Linux's")
def test_a_broken_proc_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no /proc")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    assert host.rss_bytes() is None
    assert host.open_files() is None


def test_cpu_time_of_a_thread_that_has_ended_is_none_or_a_number() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    ident = thread.ident or 0
    thread.join()
    assert host.thread_cpu_ns(ident) is None
    assert host.thread_name(ident) == f"thread {ident}"
    assert host.thread_name(threading.get_ident()) == threading.current_thread().name
