"""Invocations that do not come to their end, in the emulator with the real runtime client."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("awslambdaric")

from profiler.capture import Capture
from profiler.codec import decode
from profiler.outbox import spool_folder
from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import write_app
from tests.integration.interpreters import EACH_PYTHON
from tests.servers.slow import slow_store
from tests.unit.profiler.helpers import names_of
from viewer.cli.order import one_of_each
from viewer.store.local import LocalStore

ROOT = Path(__file__).parents[2]
SECOND_NS = 1_000_000_000

APP = """
import itertools
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from profiler import profile


def sleeps(event):
    time.sleep(30)


def is_busy(event):
    while True:
        sum(range(100))


def holds_the_lock(event):
    # No thread of Python's runs before it returns, and no handler of a signal.
    sum(itertools.repeat(0))


def holds_the_lock_late(event):
    time.sleep(event["after_s"])
    sum(itertools.repeat(0))


def backtracks(event):
    # This one looks for signals now and then.
    re.match("(a+)+$", "a" * 40 + "b")


def waits_for_a_thread(event):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(sleeps, event).result()


def waits_for_a_busy_thread(event):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(is_busy, event).result()


def waits_for_a_thread_that_holds_the_lock(event):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(holds_the_lock, event).result()


def allocates(event):
    kept = []
    while True:
        kept.append(os.urandom(1_000_000))
        time.sleep(event["pause_s"])


def ends_the_process(event):
    time.sleep(event.get("after_s", 0.0))
    os._exit(4)


def is_killed(event):
    time.sleep(event.get("after_s", 0.0))
    os.kill(os.getpid(), signal.SIGKILL)


def forks(event):
    child = os.fork()
    if child == 0:
        time.sleep(0.5)  # the watch of its parent is none of its own
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def answers(event):
    time.sleep(event.get("after_s", 0.0))
    return "done"


@profile
def handler(event, context):
    return globals()[event["do"]](event)
"""

ASYNC = """
import asyncio

from profiler import profile


@profile
async def work(event, context):
    async def wait():
        while True:
            await asyncio.sleep(0.01)
            sum(range(200_000))

    await wait()


def handler(event, context):
    return asyncio.run(work(event, context))
"""

Emulate = Callable[..., ExecutionEnvironment]


@pytest.fixture
def emulate(tmp_path: Path) -> Iterator[Emulate]:
    """Start an environment that profiles into a folder."""
    with ExitStack() as stack:

        def start(python: str, source: str = APP, env: dict[str, str] | None = None, **options: Any) -> Any:
            settings = {"PROFILER_ENABLED": "1", "PROFILER_STORE": str(tmp_path / "store"), **(env or {})}
            settings["PYTHONPATH"] = str(ROOT)
            task_root = write_app(tmp_path, source)
            environment = ExecutionEnvironment(
                "app.handler", task_root, python=python, env=settings, **options
            )
            return stack.enter_context(environment)

        yield start


def stored(folder: Path) -> list[Capture]:
    captures = [decode(path.read_bytes()) for path in (folder / "store").rglob("*.json.gz")]
    return sorted(captures, key=lambda capture: capture.invocation.started_at_ns)


# Registered, there is half a second between SIGTERM and SIGKILL; else SIGKILL comes at once.
UPLOADS = pytest.mark.parametrize("upload", ["after-response", "before-response"])


@EACH_PYTHON
@UPLOADS
@pytest.mark.parametrize("do", ["sleeps", "is_busy", "waits_for_a_thread", "waits_for_a_busy_thread"])
def test_a_time_out_leaves_a_partial_capture(
    python: str, upload: str, do: str, emulate: Emulate, tmp_path: Path
) -> None:
    environment = emulate(python, env={"PROFILER_UPLOAD": upload})
    result = environment.invoke({"do": do}, timeout_s=1.5)
    assert (result.status, result.error_type) == ("timeout", "Sandbox.Timedout")
    (capture,) = stored(tmp_path)  # delivered before the process was killed
    assert (capture.outcome, capture.complete) == ("timeout", False)
    assert 0.9 * SECOND_NS < capture.invocation.duration_ns < 1.5 * SECOND_NS
    assert capture.invocation.request_id == result.request_id
    assert names_of(capture) >= {"handler", do}
    assert sum(capture.threads[0].weights_ns) > 0.9 * capture.invocation.duration_ns
    # And nothing is left for the next process.
    assert environment.invoke({"do": "answers"}).status == "ok"
    assert [one.outcome for one in stored(tmp_path)] == ["timeout", "ok"]
    assert "profiler" not in environment.log


@EACH_PYTHON
@UPLOADS
def test_a_handler_that_ends_within_the_reserve_is_counted_once(
    python: str, upload: str, emulate: Emulate, tmp_path: Path
) -> None:
    environment = emulate(python, env={"PROFILER_UPLOAD": upload})
    result = environment.invoke({"do": "answers", "after_s": 1.3}, timeout_s=1.8)
    assert (result.status, result.payload) == ("ok", "done")
    assert environment.invoke({"do": "answers"}, timeout_s=10.0).status == "ok"
    # The partial capture had been delivered when the whole one came; the viewer takes the whole one.
    assert [one.outcome for one in stored(tmp_path)].count("timeout") == 1
    counted = one_of_each(LocalStore(tmp_path / "store").list())
    assert [(one.key.sequence, one.key.outcome) for one in counted] == [(1, "ok"), (2, "ok")]


@EACH_PYTHON
def test_a_partial_capture_that_nobody_took_gives_way(python: str, emulate: Emulate, tmp_path: Path) -> None:
    with slow_store(None) as store:
        env = {"PROFILER_STORE": "s3://captures/shop", "PROFILER_UPLOAD": "before-response", **store.env}
        environment = emulate(python, env=env)
        assert environment.invoke({"do": "answers", "after_s": 1.3}, timeout_s=1.8).status == "ok"
        folder = spool_folder(env["PROFILER_STORE"], {"TMPDIR": str(environment.tmp), **store.env})
        (waiting,) = (folder / "waiting").iterdir()
    assert b'"outcome": "ok"' in waiting.read_bytes().partition(b"\n")[0]


# ---- a C call that holds the interpreter's lock ----------------------------------------------------


@EACH_PYTHON
@UPLOADS
@pytest.mark.parametrize(
    ("do", "after_s", "within"),
    [
        ("holds_the_lock", 0.0, "holds_the_lock"),
        ("holds_the_lock_late", 0.9, "holds_the_lock_late"),
        ("backtracks", 0.0, "backtracks"),
        ("waits_for_a_thread_that_holds_the_lock", 0.0, "waits_for_a_thread_that_holds_the_lock"),
    ],
)
def test_a_time_out_in_a_c_call_that_holds_the_lock(
    python: str, upload: str, do: str, after_s: float, within: str, emulate: Emulate, tmp_path: Path
) -> None:
    environment = emulate(python, env={"PROFILER_UPLOAD": upload})
    result = environment.invoke({"do": do, "after_s": after_s}, timeout_s=2.0)
    assert (result.status, result.error_type) == ("timeout", "Sandbox.Timedout")
    environment.start()
    (capture,) = stored(tmp_path)
    assert (capture.outcome, capture.complete) == ("timeout", False)
    assert capture.invocation.request_id == result.request_id
    assert 1.5 * SECOND_NS < capture.invocation.duration_ns < 2.5 * SECOND_NS
    heaviest = max(zip(capture.threads[0].weights_ns, capture.threads[0].stacks, strict=True))[1]
    names = [capture.frames[index].name for index in heaviest]
    assert names[0] == "handler"
    assert within in names
    assert sum(capture.threads[0].weights_ns) > 0.9 * capture.invocation.duration_ns
    assert environment.invoke({"do": "answers"}).status == "ok"


# ---- what a dead process has left -----------------------------------------------------------------


@EACH_PYTHON
@UPLOADS
@pytest.mark.parametrize("after_s", [0.0, 1.3])
@pytest.mark.parametrize("do", ["ends_the_process", "is_killed"])
def test_a_crash_is_found_by_the_next_process(
    python: str, upload: str, do: str, after_s: float, emulate: Emulate, tmp_path: Path
) -> None:
    environment = emulate(python, env={"PROFILER_UPLOAD": upload}, memory_mb=512)
    assert environment.invoke({"do": "answers"}).status == "ok"
    result = environment.invoke({"do": do, "after_s": after_s}, timeout_s=10.0)
    assert result.status == "crashed"
    assert len(stored(tmp_path)) == 1
    # A new init, and delivered before the first invocation begins.
    environment.start()
    before, capture = stored(tmp_path)
    assert (capture.outcome, capture.complete) == ("crashed", False)
    assert capture.invocation.request_id == result.request_id
    assert capture.invocation.environment_id == before.invocation.environment_id
    assert capture.invocation.sequence == 2
    assert names_of(capture) >= {"handler"} | ({do} if after_s else set())
    assert "the process ended while the invocation ran" in capture.notes[0]
    assert capture.memory.process.rss_bytes
    for _ in range(2):
        assert environment.invoke({"do": "answers"}).status == "ok"
    environment.start()
    assert [one.outcome for one in stored(tmp_path)] == ["ok", "crashed", "ok", "ok"]


@EACH_PYTHON
@pytest.mark.parametrize("pause_s", [0.0, 0.01, 0.1])
def test_memory_that_runs_out(python: str, pause_s: float, emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate(python, memory_mb=128, memory_limit_enforced=True)
    result = environment.invoke({"do": "allocates", "pause_s": pause_s}, timeout_s=60.0)
    assert result.status == "out-of-memory"
    environment.start()
    (capture,) = stored(tmp_path)
    assert (capture.outcome, capture.complete) == ("out-of-memory", False)
    assert "handler" in names_of(capture)
    if pause_s:  # else it took a tenth of a second
        assert "allocates" in names_of(capture)
        assert (capture.memory.process.rss_bytes or 0) > 90 * 2**20


# ---- frozen environments, and several workers -------------------------------------------------------


@EACH_PYTHON
def test_a_stale_watch_never_fires_in_the_next_invocation(
    python: str, emulate: Emulate, tmp_path: Path
) -> None:
    environment = emulate(python, freeze=True)
    for _ in range(3):
        assert environment.invoke({"do": "answers", "after_s": 0.3}, timeout_s=1.0).status == "ok"
        time.sleep(1.0)  # frozen past the deadline of the last one
    assert environment.invoke({"do": "answers", "after_s": 1.0}, timeout_s=10.0).status == "ok"
    captures = stored(tmp_path)
    assert [(one.invocation.sequence, one.outcome) for one in captures] == [(n, "ok") for n in range(1, 5)]
    assert environment.log == ""


@EACH_PYTHON
def test_an_environment_that_stood_still_within_an_invocation(
    python: str, emulate: Emulate, tmp_path: Path
) -> None:
    environment = emulate(python)
    pid = environment.pid

    def stop_for_a_while() -> None:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(pid, signal.SIGCONT)

    timer = threading.Timer(0.5, stop_for_a_while)
    timer.start()
    result = environment.invoke({"do": "sleeps"}, timeout_s=2.0)
    timer.join()
    assert result.status == "timeout"
    environment.start()
    (capture,) = stored(tmp_path)
    assert (capture.outcome, capture.complete) == ("timeout", False)


@EACH_PYTHON
def test_several_workers_share_a_folder(python: str, emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate(python, max_concurrency=2)
    with ThreadPoolExecutor(2) as pool:
        events = [{"do": "answers", "after_s": 1.4 * (number % 2)} for number in range(4)]
        results = list(pool.map(lambda event: environment.invoke(event, timeout_s=1.6), events))
    assert {result.status for result in results} == {"ok"}
    environment.start()
    whole = [one for one in stored(tmp_path) if one.complete]
    assert len({one.invocation.request_id for one in whole}) == 4
    assert {one.outcome for one in stored(tmp_path)} <= {"ok", "timeout"}


@EACH_PYTHON
@pytest.mark.parametrize("upload", ["after-response", "before-response"])
def test_a_fork_is_not_taken_for_a_crash(python: str, upload: str, emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate(python, env={"PROFILER_UPLOAD": upload})
    for _ in range(2):
        assert environment.invoke({"do": "forks"}, timeout_s=10.0).payload == 7
    environment.start()
    assert [one.outcome for one in stored(tmp_path)] == ["ok", "ok"]
    assert "profiler" not in environment.log


@EACH_PYTHON
def test_an_async_time_out(python: str, emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate(python, ASYNC)
    assert environment.invoke({}, timeout_s=1.5).status == "timeout"
    (capture,) = stored(tmp_path)
    assert (capture.outcome, capture.complete) == ("timeout", False)
    assert "wait" in names_of(capture) | {name.rpartition(".")[2] for name in names_of(capture)}


@EACH_PYTHON
def test_a_team_s_own_sigterm_handler_is_called_at_the_time_out(
    python: str, emulate: Emulate, tmp_path: Path
) -> None:
    own = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('closing', flush=True))\n"
    environment = emulate(python, own + APP, env={"PROFILER_UPLOAD": "after-response"})
    result = environment.invoke({"do": "sleeps"}, timeout_s=1.5)
    assert (result.status, result.log) == ("timeout", "closing\n")
    assert [one.outcome for one in stored(tmp_path)] == ["timeout"]
