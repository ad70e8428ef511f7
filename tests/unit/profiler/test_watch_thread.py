"""The thread that watches: it wakes when something is due, never for what is over, and after a fork anew."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from profiler import own
from profiler.arming import arm
from profiler.codec import decode
from profiler.watch.thread import WatchThread, the_thread
from tests.unit.profiler.helpers import Context, MemorySink, run_python

SECOND_NS = 1_000_000_000
forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


class Alarm:
    """A task that is due once, or so many times."""

    def __init__(self, in_s: float, times: int = 1) -> None:
        self.due_ns: int | None = time.perf_counter_ns() + round(in_s * SECOND_NS)
        self.times = times
        self.rang = threading.Event()
        self.ticks = 0

    def tick(self) -> None:
        self.ticks += 1
        self.times -= 1
        self.due_ns = time.perf_counter_ns() + SECOND_NS // 100 if self.times else None
        if not self.times:
            self.rang.set()


class Broken(Alarm):
    def tick(self) -> None:
        super().tick()
        raise ValueError("broken")


def test_what_is_due_is_done() -> None:
    alarm = Alarm(0.02, times=3)
    the_thread().look_after(alarm)
    assert alarm.rang.wait(5)
    assert alarm.ticks == 3


def test_what_is_due_sooner_wakes_it() -> None:
    late, soon = Alarm(60), Alarm(0.02)
    the_thread().look_after(late)
    time.sleep(0.02)
    the_thread().look_after(soon)
    assert soon.rang.wait(5)
    assert late.ticks == 0


def test_what_was_taken_back_is_never_done() -> None:
    alarms = [Alarm(0.001 * number) for number in range(50)]
    for alarm in alarms:
        the_thread().look_after(alarm)
        the_thread().leave(alarm)
    done = [alarm.ticks for alarm in alarms]
    last = Alarm(0.1)
    the_thread().look_after(last)
    assert last.rang.wait(5)
    assert [alarm.ticks for alarm in alarms] == done


def test_a_task_that_fails_is_over_and_the_next_is_looked_after(caplog: pytest.LogCaptureFixture) -> None:
    the_thread().look_after(Broken(0.0))
    time.sleep(0.05)
    alarm = Alarm(0.01)
    the_thread().look_after(alarm)
    assert alarm.rang.wait(5)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_it_is_one_thread_that_nobody_sees() -> None:
    thread = the_thread()
    alarm = Alarm(0.0)
    thread.look_after(alarm)
    assert alarm.rang.wait(5)
    before = _thread._count()
    assert the_thread() is thread
    time.sleep(0.05)
    assert _thread._count() == before
    assert not [one for one in threading.enumerate() if one.ident in own.THREADS]


def test_idle_it_waits_without_looking_at_a_clock() -> None:
    looks: list[int] = []

    def clock() -> int:
        looks.append(1)
        return time.perf_counter_ns()

    thread = WatchThread(clock)
    thread._wake.release()
    for _ in range(2):
        stepped = threading.Thread(target=thread._step, daemon=True)
        stepped.start()
        stepped.join(0.05)
        if stepped.is_alive():
            break
    assert stepped.is_alive()
    assert looks == []
    thread._wake.release()
    stepped.join(5)


@forking
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_one_of_its_own() -> None:
    thread = the_thread()
    child = os.fork()
    if child == 0:
        alarm = Alarm(0.01)
        the_thread().look_after(alarm)
        os._exit(0 if alarm.rang.wait(5) and the_thread() is not thread else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ---- a whole process: what is armed, and what is heard ---------------------------------------------


class Sleeper:
    """An armed handler that sleeps, with a sink to look into."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        self.call = arm(self.handler, {"store": str(tmp_path / "store"), "memory": "off", **settings})
        cells = [cell.cell_contents for cell in self.call.__closure__ or ()]  # type: ignore[attr-defined]
        (self.recorder,) = [cell for cell in cells if type(cell).__name__ == "Recorder"]
        self.sink = MemorySink()
        self.recorder.outbox._sink = self.sink

    @staticmethod
    def handler(event: float, context: object) -> float:
        time.sleep(event)
        return event


def test_a_handler_that_takes_too_long_is_captured_twice_and_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Sleeper(tmp_path, monkeypatch)
    assert it.call(0.5, Context(remaining_s=0.5)) == 0.5
    assert [(one.outcome, one.complete) for one in it.sink.captures] == [("timeout", False), ("ok", True)]
    names = [one.invocation.sequence for one in it.sink.captures]
    assert names[0] == names[1]


def test_an_async_handler_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def handler(event: float, context: object) -> float:
        await asyncio.sleep(event)
        return event

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    call = arm(handler, {"store": str(tmp_path / "store"), "memory": "off"})
    assert asyncio.run(call(0.4, Context(remaining_s=0.4))) == 0.4
    captures = [decode(path.read_bytes()) for path in (tmp_path / "store").rglob("*.gz")]
    assert sorted((one.outcome, one.complete) for one in captures) == [("ok", True), ("timeout", False)]


def test_no_disk_is_one_warning_and_no_drafts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it = Sleeper(tmp_path, monkeypatch)
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("TMPDIR", str(file))
    for _ in range(3):
        assert it.call(0.0, Context()) == 0.0
    assert len(it.sink.captures) == 3
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "profiler: captures wait in memory"
    ]


def test_no_locks_is_one_warning_and_no_drafts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("profiler.watch.box.host.lock_file", lambda descriptor: None)
    it = Sleeper(tmp_path, monkeypatch)
    for _ in range(3):
        assert it.call(0.0, Context()) == 0.0
    assert len(it.sink.captures) == 3
    assert "no drafts of running invocations" in caplog.text
    assert len(caplog.records) == 1
    assert list(tmp_path.rglob("drafts/*")) == []


# ---- SIGTERM --------------------------------------------------------------------------------------

PROGRAM = """
import os, signal, sys, threading, time
from pathlib import Path

os.environ["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:9"  # SIGTERM is listened to in Lambda alone
from profiler.arming import arm
from tests.unit.profiler.helpers import Context

def do(event, context):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.05)
    return "went on"

BEFORE
settings = {"memory": "off", "cpu": "off", "upload": "before-response"}
call = arm(HANDLER, {"store": os.environ["STORE"], **settings})
try:
    print(call(None, Context()), flush=True)
finally:
    AFTER
"""


def sigterm(
    tmp_path: Path, before: str = "", after: str = "pass", handler: str = "do"
) -> tuple[int, str, str, list[str]]:
    """Run a program that is sent SIGTERM in its handler; return how it went, and what it left to deliver."""
    code = PROGRAM.replace("BEFORE", before).replace("AFTER", after).replace("HANDLER", handler)
    done = run_python(
        code, STORE="s3://bucket", TMPDIR=str(tmp_path), AWS_ENDPOINT_URL_S3="http://127.0.0.1:9"
    )
    waiting = sorted(tmp_path.rglob("waiting/*"))
    outcomes = [path.read_bytes().split(b'"outcome": "', 1)[1].split(b'"', 1)[0].decode() for path in waiting]
    return done.returncode, done.stdout, done.stderr, outcomes


posix = pytest.mark.skipif(sys.platform == "win32", reason="no such signal")


@posix
def test_it_ends_the_process_as_without_us_and_leaves_a_partial_capture(tmp_path: Path) -> None:
    code, out, err, outcomes = sigterm(tmp_path)
    assert (code, out, err) == (-signal.SIGTERM, "", "")
    assert outcomes == ["crashed"]


@posix
def test_a_handler_of_pythons_is_called_and_what_it_does_happens(tmp_path: Path) -> None:
    before = (
        "signal.signal(signal.SIGTERM, lambda number, frame: print('heard', number, frame.f_code.co_name))"
    )
    after = "print(signal.getsignal(signal.SIGTERM).__name__)"
    code, out, err, outcomes = sigterm(tmp_path, before, after)
    assert (code, out) == (0, "heard 15 do\nwent on\n<lambda>\n"), err
    assert outcomes == ["ok"]  # it came to its end after all


@posix
def test_a_handler_that_exits_exits(tmp_path: Path) -> None:
    before = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    code, _, err, outcomes = sigterm(tmp_path, before)
    assert (code, outcomes) == (7, ["error"]), err


@posix
def test_ignored_it_stays_ignored(tmp_path: Path) -> None:
    before = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    after = "assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN"
    code, out, err, outcomes = sigterm(tmp_path, before, after)
    assert (code, out, outcomes) == (0, "went on\n", ["ok"]), err


@posix
def test_afterwards_the_default_is_there_again(tmp_path: Path) -> None:
    after = "print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    code, out, err, outcomes = sigterm(tmp_path, after=after, handler="lambda event, context: 'quiet'")
    assert (code, out, outcomes) == (0, "quiet\nTrue\n", ["ok"]), err


@posix
def test_what_the_handler_installs_stays(tmp_path: Path) -> None:
    before = """
def do(event, context):
    earlier = signal.getsignal(signal.SIGTERM)
    def mine(number, frame):
        print("mine", flush=True)
        if callable(earlier):
            earlier(number, frame)
    signal.signal(signal.SIGTERM, mine)
    return "installed"
"""
    after = """
    print(signal.getsignal(signal.SIGTERM).__name__)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.05)
    call(None, Context())
    print("lives")
"""
    code, out, err, _ = sigterm(tmp_path, before, after)
    # Ours, which it has kept, is without effect: in its place there was the default, which nobody calls.
    assert (code, out) == (0, "installed\nmine\nmine\nlives\n"), err


@posix
def test_a_hook_that_was_put_back_late_is_no_obstacle(tmp_path: Path) -> None:
    before = """
kept = []
def do(event, context):
    if not kept:
        kept.append(signal.signal(signal.SIGTERM, lambda *_: None))
    return "kept"
"""
    after = """
    signal.signal(signal.SIGTERM, kept[0])
    call(None, Context())
    print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
"""
    code, out, err, _ = sigterm(tmp_path, before, after)
    assert (code, out) == (-signal.SIGTERM, "kept\nTrue\n"), err


@posix
def test_in_another_thread_nothing_is_installed(tmp_path: Path) -> None:
    before = """
def do(event, context):
    return str(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
def aside(event, context):
    pass
"""
    after = """
    threading.Thread(target=lambda: print(call(None, Context()))).start()
"""
    code, out, err, _ = sigterm(tmp_path, before, after)
    assert (code, out) == (0, "False\nTrue\n"), err


@forking
def test_a_forked_child_ends_by_it_as_without_us(tmp_path: Path) -> None:
    before = """
def do(event, context):
    child = os.fork()
    if child == 0:
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        time.sleep(30)
    time.sleep(0.1)
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
    code, out, err, outcomes = sigterm(tmp_path, before)
    assert (code, out, outcomes) == (0, "-15\n", ["ok"]), err


# ---- frozen over the deadline ---------------------------------------------------------------------

FROZEN = """
import sys, time
from pathlib import Path
from profiler.arming import arm
from profiler.codec import decode
from tests.unit.profiler.helpers import Context

def handler(event, context):
    if event and event == float(sys.argv[2]):
        print("within", flush=True)
    time.sleep(event)
    return event

store = Path(sys.argv[1])
call = arm(handler, {"store": str(store), "memory": "off", "cpu": "off"})
call(float(sys.argv[2]), Context(remaining_s=1.0))
if not float(sys.argv[2]):
    print("between", flush=True)
    time.sleep(0.3)
    call(0.4, Context(remaining_s=30.0))
captures = [decode(path.read_bytes()) for path in store.rglob("*.gz")]
print(sorted((one.invocation.sequence, one.outcome, one.complete) for one in captures))
"""


def frozen(tmp_path: Path, sleeps_s: float, word: str) -> str:
    process = subprocess.Popen(
        [sys.executable, "-c", FROZEN, str(tmp_path / "store"), str(sleeps_s)],
        stdout=subprocess.PIPE,
        text=True,
        env={
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "TMPDIR": str(tmp_path),
            "PATH": os.environ["PATH"],
        },
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"{word}\n"
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.3)
    process.send_signal(signal.SIGCONT)
    return process.communicate(timeout=30)[0].strip()


@posix
def test_an_environment_frozen_between_invocations_past_the_deadline_of_the_last(tmp_path: Path) -> None:
    assert frozen(tmp_path, 0.0, "between") == "[(1, 'ok', True), (2, 'ok', True)]"


@posix
def test_one_frozen_within_an_invocation_is_past_its_deadline_when_it_goes_on(tmp_path: Path) -> None:
    said = frozen(tmp_path, 0.45, "within")
    # The thread and the handler wake at the same moment: either may be first.
    assert said in ("[(1, 'ok', True)]", "[(1, 'ok', True), (1, 'timeout', False)]")
