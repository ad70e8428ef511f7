"""What dead processes leave is found once, by whoever comes first; what living ones have is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from profiler import host
from profiler.capture import Capture, Frame, Invocation, ThreadProfile
from profiler.codec import encode, encode_plain
from profiler.keys import CaptureKey
from profiler.watch.box import FOLDER, Box
from profiler.watch.draft import EMPTY, HEAD_BYTES, Signs, head_of, parse
from profiler.watch.drafting import SECOND_NS
from profiler.watch.entry import Entry
from profiler.watch.last_words import with_last_words
from profiler.watch.recovery import finished, recover
from tests.unit.profiler.helpers import ROOT

pytestmark = pytest.mark.skipif(not host.CAN_LOCK_FILES, reason="there are no locks on files here")

MB = 2**20
HANDLER = Frame("handler", "/var/task/app.py", 3)
CAPTURE = Capture(
    Invocation("shop", "request", "env", 7, 1_700_000_000_000_000_000, 2 * SECOND_NS, False),
    frames=(HANDLER,),
    threads=(ThreadProfile("MainThread", ((0,),), (2 * SECOND_NS,)),),
    outcome="crashed",
    complete=False,
)
ABSENT = 2**22 + 5  # no process has such an id: Linux's largest is 2**22


def dead(above: Path, name: str, signs: Signs, body: bytes) -> Path:
    """Leave what a process left that is dead."""
    folder = above / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    signs.size = len(body)
    path = folder / f"{name}.0"
    path.write_bytes(head_of(signs) + body)
    return path


def gone(**facts: int | None) -> Signs:
    return Signs(ABSENT, 12345, 1, **facts)


def found(above: Path) -> list[Capture]:
    captures: list[Capture] = []
    recover(above, captures.append)
    return captures


def files(above: Path) -> list[str]:
    return sorted(path.name for path in (above / FOLDER).iterdir())


# ---- how it ended ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signs", "outcome"),
    [
        (gone(seen_ns=SECOND_NS), "crashed"),
        (gone(seen_ns=SECOND_NS, limit_bytes=100 * MB, rss_bytes=50 * MB), "crashed"),
        (gone(seen_ns=SECOND_NS, limit_bytes=100 * MB, rss_bytes=85 * MB), "out-of-memory"),
        (gone(limit_bytes=100 * MB, rss_bytes=50 * MB, expected_bytes=90 * MB), "out-of-memory"),
        (gone(seen_ns=SECOND_NS, oom_kills=3), "out-of-memory"),
        (gone(seen_ns=SECOND_NS, oom_kills=4), "crashed"),
        (gone(seen_ns=SECOND_NS, partial_ns=9 * SECOND_NS), "crashed"),
        (gone(seen_ns=9 * SECOND_NS, partial_ns=9 * SECOND_NS, rss_bytes=MB, limit_bytes=MB), "timeout"),
        (gone(seen_ns=0, next_ns=SECOND_NS, partial_ns=SECOND_NS), "timeout"),
        (gone(seen_ns=SECOND_NS, words_ns=9 * SECOND_NS), "crashed"),
    ],
)
def test_the_signs_tell_how_it_ended(signs: Signs, outcome: str) -> None:
    capture = finished(CAPTURE, signs, "", 4)
    assert (capture.outcome, capture.complete) == (outcome, False)


def test_it_lasted_until_it_was_last_seen() -> None:
    capture = finished(CAPTURE, gone(seen_ns=5 * SECOND_NS, rss_bytes=7 * MB, limit_bytes=64 * MB), "", None)
    assert capture.invocation.duration_ns == 5 * SECOND_NS
    assert capture.memory.process.rss_bytes == 7 * MB
    assert capture.notes == (
        "the process ended while the invocation ran; last seen 5000 ms after the start with 7 MB of 64 MB",
        "samples end 2000 ms after the start, with the last draft",
    )


# ---- found once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoded", [encode(CAPTURE), encode_plain(CAPTURE)])
def test_a_draft_is_found_once(tmp_path: Path, encoded: bytes) -> None:
    dead(tmp_path, "1-2-aa", gone(seen_ns=3 * SECOND_NS), encoded)
    (capture,) = found(tmp_path)
    assert capture.invocation == replace(CAPTURE.invocation, duration_ns=3 * SECOND_NS)
    assert files(tmp_path) == []
    assert found(tmp_path) == []


def test_a_finder_that_is_killed_leaves_it_to_the_next_under_the_same_key(tmp_path: Path) -> None:
    dead(tmp_path, "1-2-aa", gone(seen_ns=3 * SECOND_NS), encode(CAPTURE))
    first: list[Capture] = []

    def killed(capture: Capture) -> None:
        first.append(capture)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recover(tmp_path, killed)
    (again,) = found(tmp_path)
    assert CaptureKey.of(again) == CaptureKey.of(first[0])


def test_many_finders_at_once(tmp_path: Path) -> None:
    for number in range(20):
        invocation = replace(CAPTURE.invocation, sequence=number)
        dead(tmp_path, f"{number}-2-aa", gone(), encode(replace(CAPTURE, invocation=invocation)))
    captures: list[Capture] = []
    threads = [threading.Thread(target=recover, args=(tmp_path, captures.append)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(capture.invocation.sequence for capture in captures) == list(range(20))
    assert files(tmp_path) == []


FINDER = """
    import sys
    from pathlib import Path
    from profiler.watch.recovery import recover
    print("ready", flush=True)
    sys.stdin.readline()
    captures = []
    recover(Path(sys.argv[1]), captures.append)
    print(" ".join(str(capture.invocation.sequence) for capture in captures))
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    for number in range(40):
        invocation = replace(CAPTURE.invocation, sequence=number)
        dead(tmp_path, f"{number}-2-aa", gone(), encode(replace(CAPTURE, invocation=invocation)))
    finders = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(FINDER), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(ROOT)},
        )
        for _ in range(2)
    ]
    for finder in finders:
        assert finder.stdout is not None
        assert finder.stdout.readline() == "ready\n"
    for finder in finders:
        assert finder.stdin is not None
        finder.stdin.write("go\n")
        finder.stdin.flush()
    said = [finder.communicate(timeout=30)[0] for finder in finders]
    assert sorted(int(number) for text in said for number in text.split()) == list(range(40))


# ---- whose draft it is ----------------------------------------------------------------------------


def entry_of(box: Box, body: bytes = b"") -> Entry:
    signs = Signs(box.process_id, box.process_started, 1)
    return Entry(box, signs, body or encode_plain(CAPTURE), pytest.fail)


def test_the_draft_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    box = Box(tmp_path)
    entry = entry_of(box)
    assert recover(tmp_path, pytest.fail) == 0
    entry.drop()
    box.close()
    assert files(tmp_path) == []
    os.close(box.descriptor)


def test_nor_where_its_files_have_been_closed_under_it(tmp_path: Path) -> None:
    box = Box(tmp_path)
    entry = entry_of(box)
    os.close(box.descriptor)  # user code that closes everything
    assert not box.can_take_words()
    if box.process_started is not None:
        assert found(tmp_path) == []
    entry.drop()
    box.close()


@pytest.mark.skipif(host.process_started(os.getpid()) is None, reason="no process tells when it began")
def test_an_id_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    signs = Signs(os.getpid(), (host.process_started(os.getpid()) or 0) - 1, 1)
    dead(tmp_path, "1-2-aa", signs, encode(CAPTURE))
    assert len(found(tmp_path)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_does_not_keep_the_lock_of_its_parent(tmp_path: Path) -> None:
    program = f"""
        import os, sys, time
        from pathlib import Path
        from tests.unit.profiler.test_recovery import Box, entry_of
        box = Box(Path({str(tmp_path)!r}))
        entry_of(box)
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(writer)
            os.read(reader, 1)       # until the parent is dead
            print("alive", flush=True)
            sys.stdin.readline()
            os._exit(0)
        os._exit(1)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "alive\n"
    # It is dead, and nobody has asked yet how it ended: a zombie.
    while host.process_started(process.pid) is not None:
        time.sleep(0.01)
    assert len(found(tmp_path)) == 1
    process.communicate("\n", timeout=10)


# ---- what is no draft -----------------------------------------------------------------------------

WHOLE = head_of(Signs(ABSENT, 1, 1, size=len(encode(CAPTURE)))) + encode(CAPTURE)


@pytest.mark.parametrize(
    "content",
    [
        b"draft",
        b"x" * 10_000,
        WHOLE[: HEAD_BYTES - 10],
        WHOLE[: HEAD_BYTES + 10],
        WHOLE[:HEAD_BYTES] + b"x" * (len(WHOLE) - HEAD_BYTES),
        b"draft 1 " + b"[" * 504,
        b"draft 1 " + b'{"a": 1}'.ljust(504),
        b"draft 1 " + b"[null,null,null,null,null,null,null,null,null,null,null,null]".ljust(504),
        b"draft 1 [-1,1,1,1,1,1,1,1,1,1,1,1]".ljust(HEAD_BYTES),
        b"draft 1 [1,1,1,1,1,1,1,1,1,1,1,true]".ljust(HEAD_BYTES),
        b"draft 1 [1,1,1,1,1,1,1,1,1,1,1,999999999999]".ljust(HEAD_BYTES),
        b"draft 1 [1,1,1,1,1,1,1,1,1,1,1," + b"9" * 400 + b"]" + b" " * 73,
    ],
)
def test_what_is_half_written_or_hostile_is_removed_and_said_once_each(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = dead(tmp_path, "1-2-aa", gone(), b"")
    path.write_bytes(content)
    dead(tmp_path, "2-2-bb", gone(), encode(CAPTURE))
    assert len(found(tmp_path)) == 1
    assert files(tmp_path) == []
    assert len(caplog.records) == 1


@pytest.mark.parametrize("content", [b"", EMPTY, EMPTY + b"of an earlier one"])
def test_an_invocation_that_came_to_its_end_leaves_nothing(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    dead(tmp_path, "1-2-aa", gone(), b"").write_bytes(content)
    assert found(tmp_path) == []
    assert files(tmp_path) == []
    assert caplog.records == []


def test_links_folders_and_pipes_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(WHOLE)
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "1-2-aa").symlink_to(secret)
    (folder / "2-2-bb").touch()
    (folder / "2-2-bb.0").symlink_to(secret)
    os.mkfifo(folder / "3-2-cc")
    (folder / "4-2-dd").touch()
    os.mkfifo(folder / "4-2-dd.0")
    (folder / "5-2-ee").mkdir()
    assert found(tmp_path) == []
    assert secret.read_bytes() == WHOLE


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    assert recover(tmp_path, pytest.fail) == 0


def test_what_was_not_yet_in_place_is_removed(tmp_path: Path) -> None:
    path = dead(tmp_path, "1-2-aa", gone(), encode(CAPTURE))
    path.with_name("1-2-aa.0.part").write_bytes(WHOLE[:100])
    assert len(found(tmp_path)) == 1
    assert files(tmp_path) == []


# ---- the slots ------------------------------------------------------------------------------------


def test_slots_are_used_again_and_hold_one_draft_each(tmp_path: Path) -> None:
    box = Box(tmp_path)
    first, second = entry_of(box), entry_of(box)
    assert len(files(tmp_path)) == 3
    second.drop()
    third = entry_of(box)
    assert len(files(tmp_path)) == 3
    second.see(Signs(1, 1, 1))  # too late, and not its any more
    second.replace(Signs(1, 1, 1), b"late")
    contents = [parse((tmp_path / FOLDER / name).read_bytes()) for name in files(tmp_path) if "." in name]
    assert all(content is not None and content[1] == encode_plain(CAPTURE) for content in contents)
    first.drop()
    third.drop()
    box.close()
    assert files(tmp_path) == []
    os.close(box.descriptor)


def test_a_large_draft_takes_its_room_only_while_it_is_needed(tmp_path: Path) -> None:
    box = Box(tmp_path)
    entry = entry_of(box)
    entry.replace(Signs(1, 1, 1), b"x" * MB)
    path = tmp_path / FOLDER / f"{box.owner.name}.0"
    assert path.stat().st_size > MB
    entry.drop()
    assert path.stat().st_size == HEAD_BYTES
    box.close()
    os.close(box.descriptor)


def test_a_disk_that_fails_is_reported_once_and_the_draft_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path)
    errors: list[OSError] = []
    entry = Entry(box, Signs(1, 1, 1), b"body", errors.append)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("profiler.watch.box.os.write", full)
        for _ in range(3):
            entry.see(Signs(1, 1, 1))
        entry.drop()
    assert [error.errno for error in errors] == [28]
    assert [name for name in files(tmp_path) if "." in name] == []
    box.close()
    os.close(box.descriptor)


def test_words_that_came_too_late_are_not_those_of_the_next_invocation(tmp_path: Path) -> None:
    box = Box(tmp_path)
    os.write(box.descriptor, b"Stack (most")
    assert box.can_take_words()
    assert box.owner.read_bytes() == b""
    box.close()
    os.close(box.descriptor)


# ---- last words -----------------------------------------------------------------------------------

WORDS = """\
Stack (most recent call first):
  File "/usr/lib/python3.12/re/__init__.py", line 166 in match
  File "/var/task/app.py", line 9 in parse
  File "/var/task/app.py", line 5 in handler
  File "{profiler}/bootstrap.py", line 44 in wrapper
  File "/var/runtime/bootstrap.py", line 60 in <module>
""".replace("{profiler}", str(ROOT / "profiler"))


def test_the_handlers_thread_ends_where_the_words_say() -> None:
    capture = with_last_words(CAPTURE, WORDS, 5 * SECOND_NS)
    thread = capture.threads[0]
    assert thread.weights_ns == (2 * SECOND_NS, 3 * SECOND_NS)
    names = [capture.frames[index].name for index in thread.stacks[1]]
    assert names == ["handler", "parse", "match"]
    # `handler` is the function that the samples knew, by its first line.
    assert thread.stacks[1][0] == 0
    assert capture.frames[thread.stacks[1][1]] == Frame("parse", "/var/task/app.py", 9)


def test_words_take_the_place_of_a_last_sample_that_leads_there() -> None:
    capture = with_last_words(CAPTURE, WORDS, 2 * SECOND_NS)
    (stack,) = capture.threads[0].stacks
    assert [capture.frames[index].name for index in stack] == ["handler", "parse", "match"]
    assert capture.threads[0].weights_ns == (2 * SECOND_NS,)


@pytest.mark.parametrize(
    "words", ["", "Stack\n  File\n", WORDS[:60], WORDS.replace("Stack", "Thread 0x1"), f"{WORDS}\nand more"]
)
def test_words_that_say_nothing_of_the_handler_change_nothing(words: str) -> None:
    assert with_last_words(CAPTURE, words, 5 * SECOND_NS) == CAPTURE


def test_with_last_words_it_was_a_time_out() -> None:
    signs = gone(partial_ns=9 * SECOND_NS, words_ns=9 * SECOND_NS + 1)
    capture = finished(CAPTURE, signs, WORDS, None)
    assert capture.outcome == "timeout"
    assert capture.invocation.duration_ns == 9 * SECOND_NS + 1
    assert sum(capture.threads[0].weights_ns) == capture.invocation.duration_ns
    assert "lock was held" in capture.notes[0]
