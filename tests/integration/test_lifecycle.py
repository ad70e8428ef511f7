"""Many environments out of one: forked workers, forks in a handler, and copies of a snapshot."""

from __future__ import annotations

import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from profiler.capture import Capture
from profiler.codec import decode
from profiler.keys import CaptureKey
from profiler.outbox import spool_folder
from profiler.testing import ExecutionEnvironment
from tests.integration.interpreters import EACH_PYTHON
from tests.servers.slow import slow_store

ROOT = Path(__file__).parents[2]
STORE = "s3://bucket/shop"
# The entry point, with init as a capture of its own.
ENTRY = {"PROFILER_HANDLER": "app.handler", "PROFILER_INIT": "1"}
WORKERS = 4
INVOCATIONS = 40

APP = """
import multiprocessing
import os
import time

from profiler import profile


@profile
def handler(event, context):
    if event == "fork":
        child = os.fork()
        if not child:
            os._exit(3)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if event == "process":
        process = multiprocessing.get_context("fork").Process(target=nested)
        process.start()
        process.join()
        return process.exitcode
    time.sleep(0.01)
    return os.getpid()


@profile
def nested(event=None, context=None):
    return sum(range(1000))
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "app.py").write_text(APP, encoding="utf-8")
    return folder


def environment(task: Path, python: str, *, env: dict[str, str] | None = None, **options: Any) -> Any:
    variables = {
        "PYTHONPATH": str(ROOT),
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": str(task.parent / "store"),
        **(env or {}),
    }
    handler = "profiler.aws.entrypoint.handler" if "PROFILER_HANDLER" in variables else "app.handler"
    return ExecutionEnvironment(handler, task, python=python, env=variables, function_name="shop", **options)


def stored(task: Path) -> list[Capture]:
    return [decode(path.read_bytes()) for path in sorted((task.parent / "store").rglob("*.gz"))]


def by_environment(captures: list[Capture]) -> dict[str, list[Capture]]:
    found: dict[str, list[Capture]] = defaultdict(list)
    for capture in captures:
        found[capture.invocation.environment_id].append(capture)
    return found


def waiting(emulated: ExecutionEnvironment, store: str, **env: str) -> list[Path]:
    folder = spool_folder(store, {"TMPDIR": str(emulated.tmp), **env}, make=False) / "waiting"
    return list(folder.iterdir())


# ---- workers ---------------------------------------------------------------------------------------


@EACH_PYTHON
@pytest.mark.parametrize("memory", ["census", "tracemalloc"])
def test_workers_share_a_disk_and_nothing_else(task: Path, python: str, memory: str) -> None:
    env = {**ENTRY, "PROFILER_MEMORY": memory}
    with (
        environment(task, python, env=env, max_concurrency=WORKERS) as emulated,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        results = list(pool.map(lambda _: emulated.invoke({}, timeout_s=30), range(INVOCATIONS)))
        log = emulated.log
        left = waiting(emulated, str(task.parent / "store"))
    assert [result.status for result in results] == ["ok"] * INVOCATIONS, log
    assert log == ""
    captures = stored(task)
    invocations = [capture for capture in captures if not capture.invocation.is_init]
    assert sorted(capture.invocation.request_id for capture in invocations) == sorted(
        result.request_id for result in results
    )
    workers = by_environment(invocations)
    assert len(workers) == len({result.payload for result in results}) > 1
    for worker in workers.values():
        numbers = [capture.invocation.sequence for capture in worker]
        assert sorted(numbers) == list(range(1, len(worker) + 1))
    # Each imported the function's module by itself; whoever delivers next takes along what others left.
    inits = by_environment([capture for capture in captures if capture.invocation.is_init])
    assert set(workers) <= set(inits)
    assert [len(of_one) for of_one in inits.values()] == [1] * len(inits)
    assert len(inits) + len(left) == WORKERS


def test_of_all_workers_every_capture_arrives_once(task: Path) -> None:
    """At a store that counts, for one that is written twice looks the same afterwards."""
    with slow_store(0.005) as store:
        env = {**ENTRY, **store.env, "PROFILER_STORE": STORE}
        with (
            environment(task, sys.executable, env=env, max_concurrency=WORKERS) as emulated,
            ThreadPoolExecutor(WORKERS) as pool,
        ):
            results = list(pool.map(lambda _: emulated.invoke({}, timeout_s=30), range(INVOCATIONS)))
            left = waiting(emulated, STORE, AWS_ENDPOINT_URL_S3=store.endpoint)
            log = emulated.log
    assert [result.status for result in results] == ["ok"] * INVOCATIONS, log
    keys = [key for path in store.paths if (key := CaptureKey.parse(unquote(path)))]
    assert len(set(keys)) == len(keys) == len(store.paths)
    assert len(keys) + len(left) == INVOCATIONS + WORKERS


@EACH_PYTHON
@pytest.mark.parametrize("event", ["fork", "process"])
@pytest.mark.parametrize("cpu", ["sampler", "pyinstrument"])
def test_a_fork_in_a_handler_leaves_the_parents_capture_alone(
    task: Path, python: str, event: str, cpu: str
) -> None:
    if cpu == "pyinstrument" and "venv-lambda" in python:
        pytest.skip("it has no pyinstrument")
    with environment(task, python, env={"PROFILER_CPU": cpu, "PROFILER_MEMORY": "tracemalloc"}) as emulated:
        results = [emulated.invoke(event, timeout_s=20).payload for _ in range(3)]
        log = emulated.log
    assert results == [{"fork": 3, "process": 0}[event]] * 3
    assert [
        line for line in log.splitlines() if "DeprecationWarning" not in line and "os.fork" not in line
    ] == []
    captures = stored(task)
    mine = [capture for capture in captures if capture.invocation.request_id and capture.threads]
    parents = max(by_environment(mine).values(), key=len)
    assert [capture.invocation.sequence for capture in parents] == [1, 2, 3]
    children = [capture for capture in captures if capture not in parents]
    # Whatever ran in a child is of an environment of its own, and its first.
    assert [capture.invocation.sequence for capture in children] == [1] * len(children)
    assert len(children) == (3 if event == "process" else 0)


# ---- SnapStart -------------------------------------------------------------------------------------

# The runtime client has them, but while the function is armed they are not to be found.
WITHOUT_HOOKS = """
import sys
from profiler.environment import ENVIRONMENT
BEFORE = ENVIRONMENT.id
sys.modules["snapshot_restore_py"] = None
{}
del sys.modules["snapshot_restore_py"]
"""


@EACH_PYTHON
@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("upload", ["before-response", "after-response"])
def test_a_restored_snapshot_is_an_environment_of_its_own(
    task: Path, python: str, freeze: bool, upload: str
) -> None:
    env = {**ENTRY, "PROFILER_UPLOAD": upload}
    with environment(task, python, env=env, initialization_type="snap-start", freeze=freeze) as emulated:
        # Delivered before the snapshot: no copy has anything to deliver of it.
        (init,) = stored(task)
        assert waiting(emulated, str(task.parent / "store")) == []
        results = [emulated.invoke({}) for _ in range(3)]
        log = emulated.log
    assert [result.status for result in results] == ["ok"] * 3, log
    assert log == ""
    assert init.invocation.is_init
    restored = [capture for capture in stored(task) if not capture.invocation.is_init]
    (of_one,) = by_environment(restored).values()
    assert [capture.invocation.sequence for capture in of_one] == [1, 2, 3]
    assert of_one[0].invocation.cold
    assert of_one[0].invocation.init_type == "snap-start"
    assert of_one[0].invocation.environment_id != init.invocation.environment_id
    assert len(stored(task)) == 4


@EACH_PYTHON
def test_a_restore_is_noticed_without_hooks(task: Path, python: str) -> None:
    app = APP.replace("return os.getpid()", "return BEFORE")
    (task / "app.py").write_text(WITHOUT_HOOKS.format(app))
    with environment(task, python, initialization_type="snap-start") as emulated:
        before = [emulated.invoke({}).payload for _ in range(2)]
    captures = stored(task)
    assert [capture.invocation.sequence for capture in captures] == [1, 2]
    assert {capture.invocation.environment_id for capture in captures}.isdisjoint(before)


def test_a_store_that_is_shut_fails_no_snapshot(task: Path) -> None:
    store = task.parent / "store"
    store.write_text("a file in the place of a folder")
    with environment(task, sys.executable, env=ENTRY, initialization_type="snap-start") as emulated:
        assert emulated.init.status == "ok"
        assert len(waiting(emulated, str(store))) == 1
        store.unlink()
        assert emulated.invoke({}).status == "ok"
        assert emulated.invoke({}).status == "ok"
    init, *restored = sorted(stored(task), key=lambda capture: capture.invocation.sequence)
    assert init.invocation.is_init
    assert len(restored) == 2
    assert {capture.invocation.environment_id for capture in restored}.isdisjoint(
        {init.invocation.environment_id}
    )
