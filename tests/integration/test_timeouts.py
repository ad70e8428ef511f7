"""Invocations that do not come to their end, in the emulator with the real runtime client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("awslambdaric")

from profiler.capture import Capture
from profiler.codec import decode
from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import write_app
from tests.integration.interpreters import EACH_PYTHON
from tests.unit.profiler.helpers import names_of

ROOT = Path(__file__).parents[2]
SECOND_NS = 1_000_000_000

APP = """
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
    # No thread of Python's runs before it returns.
    re.match("(a+)+$", "a" * 40 + "b")


def holds_the_lock_late(event):
    time.sleep(event["after_s"])
    re.match("(a+)+$", "a" * 40 + "b")


def waits_for_a_thread(event):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(sleeps, event).result()


def waits_for_a_busy_thread(event):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(is_busy, event).result()


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


def answers(event):
    time.sleep(event.get("after_s", 0.0))
    return "done"


@profile
def handler(event, context):
    return globals()[event["do"]](event)
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
