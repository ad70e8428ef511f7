"""Captures that wait on disk: shared by processes, safe from kills and from a disk that does not do."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiler.capture import Capture, Invocation
from profiler.keys import CaptureKey
from profiler.outbox import Outbox
from tests.unit.profiler.helpers import MemorySink
from tests.unit.profiler.outboxes import Answer, Choosy, files_of, folder_in, forking, key, on_disk, sequences

# A line with the key stands before each capture on disk.
HEAD_AT_MOST = 200

pytestmark = on_disk


def test_what_one_process_left_another_delivers(tmp_path: Path) -> None:
    left = Outbox(MemorySink(failing=True), folder=folder_in(tmp_path))
    long = "ü/😀" * 200
    odd = key(7, outcome="out-of-memory")
    named = CaptureKey.of(Capture(Invocation(long, long, long, 10**9, 2**62, 10**15, True)))
    left.add(odd, b"line\nline")
    left.add(named, b"")
    sink = MemorySink()
    assert Outbox(sink, folder=folder_in(tmp_path)).deliver(5)
    assert sink.stored == [(odd, b"line\nline"), (named, b"")]
    assert left.waiting() == []


def test_the_outbox_writes_nothing_before_the_first_capture(tmp_path: Path) -> None:
    outbox = Outbox(MemorySink(), folder=folder_in(tmp_path))
    assert outbox.deliver(5)
    assert outbox.waiting() == []
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_deliver_each_capture_once(tmp_path: Path) -> None:
    sinks = [MemorySink(), MemorySink()]
    outboxes = [Outbox(sink, folder=folder_in(tmp_path)) for sink in sinks]
    for sequence in range(1, 101):
        outboxes[sequence % 2].add(key(sequence), b"x")
    threads = [threading.Thread(target=outbox.deliver, args=(20,)) for outbox in outboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sequences(sinks[0]) + sequences(sinks[1])) == list(range(1, 101))
    assert [outbox.delivered for outbox in outboxes] == [50, 50]


def test_what_another_has_in_hand_is_left_to_it(tmp_path: Path) -> None:
    go_on = threading.Event()

    class Slow(MemorySink):
        def put(self, key: CaptureKey, data: bytes) -> None:
            assert go_on.wait(10)
            super().put(key, data)

    first, second = Slow(), MemorySink()
    busy = Outbox(first, folder=folder_in(tmp_path))
    for sequence in (1, 2):
        busy.add(key(sequence), b"")
    assert not busy.deliver(0.2)
    other = Outbox(second, folder=folder_in(tmp_path))
    assert not other.deliver(5)
    assert sequences(second) == [2]
    go_on.set()
    assert busy.deliver(5, patient=True)
    assert sequences(first) == [1]


@forking
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_killed_process_gives_its_claim_back_though_its_child_lives(tmp_path: Path) -> None:
    """The child has a copy of everything that its parent had open."""
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:

        class Forking(MemorySink):
            def put(self, key: CaptureKey, data: bytes) -> None:
                child = os.fork()
                if child == 0:
                    os.write(writing, b"%d\n" % os.getpid())
                time.sleep(60)
                os._exit(0)

        outbox = Outbox(Forking(), folder=folder_in(tmp_path))
        outbox.add(key(1), b"x")
        outbox.deliver(60)
        os._exit(0)
    with os.fdopen(reading) as said:
        child = int(said.readline())
        os.close(writing)
    try:
        sink = MemorySink()
        outbox = Outbox(sink, folder=folder_in(tmp_path))
        assert not outbox.deliver(5)
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        assert outbox.deliver(5)
        assert sequences(sink) == [1]
    finally:
        os.kill(child, signal.SIGKILL)


def test_what_is_no_capture_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    outbox = Outbox(sink, folder=folder_in(tmp_path))
    for sequence in (1, 2, 3, 4):
        outbox.add(key(sequence), b"0123456789")
    cut, odd, unknown, _ = files_of(tmp_path, "waiting")
    cut.write_bytes(cut.read_bytes()[:-1])
    odd.write_bytes(b"\xff" * odd.stat().st_size)
    content = unknown.read_bytes()
    unknown.write_bytes(content.replace(b'"sequence"', b'"sequenze"'))
    assert outbox.deliver(5)
    assert sequences(sink) == [4]
    assert {path.name for path in files_of(tmp_path, "refused")} == {
        f"{path.name}.unreadable" for path in (cut, odd, unknown)
    }
    assert len(caplog.messages) == 1
    assert f"it is in {folder_in(tmp_path)(True) / 'refused'}: 144 bytes instead of 145" in caplog.messages[0]


def test_what_was_refused_is_a_store_that_can_be_looked_at(tmp_path: Path) -> None:
    sink = Choosy({1: Answer("EntityTooLarge", 400)})
    outbox = Outbox(sink, folder=folder_in(tmp_path))
    outbox.add(key(1), b"capture")
    for _ in range(3):
        outbox.deliver(5)
    (path,) = files_of(tmp_path, "refused")
    assert CaptureKey.parse(path.as_posix()) == key(1)
    assert path.read_bytes() == b"capture"


def test_what_was_refused_is_bounded_too(tmp_path: Path) -> None:
    sink = Choosy({number: Answer("EntityTooLarge", 400) for number in range(1, 9)})
    outbox = Outbox(sink, 40_000, folder_in(tmp_path))
    for number in range(1, 9):
        outbox.add(key(number), bytes(2000))
        for _ in range(3):
            outbox.deliver(5, patient=True)
        time.sleep(0.002)  # told apart by their times
    kept = files_of(tmp_path, "refused")
    assert [found.sequence for path in kept if (found := CaptureKey.parse(path.as_posix()))] == [7, 8]


def test_the_bound_counts_what_all_processes_have(tmp_path: Path) -> None:
    outboxes = [Outbox(MemorySink(failing=True), 20_000, folder_in(tmp_path)) for _ in range(3)]
    for sequence in range(1, 31):
        outboxes[sequence % 3].add(key(sequence), bytes(2000))
    waiting = files_of(tmp_path, "waiting")
    # Each looks again when it has added a quarter of what was free, so that three may be one over.
    assert sum(path.stat().st_size for path in waiting) <= 20_000 + 2000 + HEAD_AT_MOST
    assert [found.sequence for found, _ in outboxes[0].waiting()] == list(range(31 - len(waiting), 31))
    assert sum(outbox.dropped for outbox in outboxes) == 30 - len(waiting)


def test_what_was_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    outbox = Outbox(MemorySink(), folder=folder_in(tmp_path))
    outbox.add(key(1), b"")
    (waiting,) = files_of(tmp_path, "waiting")
    old, new = (waiting.with_name(f"{name}-9.part") for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert outbox.deliver(5)
    assert outbox.waiting() == []
    assert files_of(tmp_path, "waiting") == [new]


def test_a_folder_that_was_tidied_up_is_made_again(tmp_path: Path) -> None:
    sink = MemorySink()
    outbox = Outbox(sink, folder=folder_in(tmp_path))
    outbox.add(key(1), b"")
    (file,) = files_of(tmp_path, "waiting")
    file.unlink()
    for folder in (file.parent, file.parent.parent, file.parent.parent.parent):
        folder.rmdir()
    assert outbox.deliver(5)
    outbox.add(key(2), b"")
    assert files_of(tmp_path, "waiting") != []
    assert outbox.deliver(5)
    assert sequences(sink) == [2]


# ---- a disk that cannot be used: one warning, and captures wait in memory ------------------------


@pytest.fixture(params=["no folder", "no folder of ours", "full", "half full", "read-only", "not listed"])
def sick_disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make `tmp_path` useless, until the monkeypatch is undone."""

    def fail(number: int) -> Callable[..., Any]:
        def failing(*_: Any, **__: Any) -> Any:
            raise OSError(number, os.strerror(number))

        return failing

    if request.param == "no folder":
        (tmp_path / f"invocation-profiler-{os.getuid()}").write_text("")
    elif request.param == "no folder of ours":
        folder_in(tmp_path)(True)
        monkeypatch.setattr("profiler.outbox.folder.stat.S_ISDIR", lambda mode: False)
    elif request.param == "full":
        monkeypatch.setattr("profiler.outbox.disk.os.open", fail(28))
    elif request.param == "half full":
        monkeypatch.setattr("pathlib.Path.rename", fail(28))
    elif request.param == "read-only":
        monkeypatch.setattr("pathlib.Path.mkdir", fail(30))
    else:
        folder_in(tmp_path)(True)
        monkeypatch.setattr("profiler.outbox.disk.os.scandir", fail(13))
        monkeypatch.setattr("profiler.outbox.disk.os.open", fail(13))
    return tmp_path


def test_without_a_disk_captures_wait_in_memory(
    sick_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sink = MemorySink(failing=True)
    outbox = Outbox(sink, folder=folder_in(sick_disk))
    for sequence in (1, 2):
        outbox.add(key(sequence), b"x")
        assert not outbox.deliver(5)
    assert [waiting.sequence for waiting, _ in outbox.waiting()] == [1, 2]
    first, second = caplog.messages
    assert first.startswith("profiler: captures wait in memory, the disk cannot be used: ")
    assert second.endswith("the store is shut")
    monkeypatch.undo()
    blocking = sick_disk / f"invocation-profiler-{os.getuid()}"
    if blocking.is_file():
        blocking.unlink()
    outbox.add(key(3), b"x")
    assert len(files_of(sick_disk, "waiting")) == 1
    assert not list(sick_disk.rglob("*.part"))
    sink.failing = False
    assert outbox.deliver(5)
    assert sequences(sink) == [1, 2, 3]
    assert len(caplog.messages) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file that is always full")
def test_a_disk_that_is_full_while_writing_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = os.open
    monkeypatch.setattr(
        "profiler.outbox.disk.os.open",
        lambda path, *rest: (
            really_open("/dev/full", os.O_WRONLY)
            if str(path).endswith(".part") and really_open(path, *rest)
            else really_open(path, *rest)
        ),
    )
    outbox = Outbox(MemorySink(), folder=folder_in(tmp_path))
    outbox.add(key(1), bytes(100_000))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert outbox.deliver(5)
