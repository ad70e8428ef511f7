"""SnapStart, and many workers in one environment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import PYTHON, write_app

SNAPPED = """
import os
import time
from snapshot_restore_py import register_after_restore, register_before_snapshot

events = ["init"]


@register_before_snapshot
def before():
    events.append("before")
    if os.environ.get("FAILS") == "before":
        raise OSError("before")
    print("before", flush=True)


@register_after_restore
def after():
    events.append("after")
    if os.environ.get("FAILS") == "after":
        raise OSError("after")
    if os.environ.get("FAILS") == "hang":
        time.sleep(60)
    time.sleep(0.2)


def handler(event, context):
    stream = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
    return {"events": events, "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "stream": stream}
"""


def snap_start(folder: Path, fails: str = "", **options: Any) -> ExecutionEnvironment:
    return ExecutionEnvironment(
        "app.handler",
        write_app(folder, SNAPPED),
        python=PYTHON,
        env={"FAILS": fails},
        initialization_type="snap-start",
        **options,
    )


@pytest.mark.parametrize("freeze", [True, False])
def test_a_snapshot_is_restored_by_the_first_invocation(tmp_path: Path, freeze: bool) -> None:
    with snap_start(tmp_path, freeze=freeze) as environment:
        assert environment.init.status == "ok"
        assert environment.restores == []
        assert environment.log == "before\n"
        results = [environment.invoke({}) for _ in range(2)]
        (restore,) = environment.restores
    expected = {"events": ["init", "before", "after"], "type": "snap-start", "stream": None}
    assert [result.payload for result in results] == [expected] * 2
    assert restore.status == "ok"
    # The restore has a time of its own.
    assert restore.duration_s >= 0.2 > results[0].duration_s


def test_a_hook_that_fails_before_the_snapshot_fails_init(tmp_path: Path) -> None:
    with snap_start(tmp_path, fails="before") as environment:
        assert (environment.init.status, environment.init.error_type) == ("error", "OSError")


def test_a_hook_that_fails_after_the_restore_fails_the_invocation(tmp_path: Path) -> None:
    with snap_start(tmp_path, fails="after") as environment:
        result = environment.invoke({})
        assert (result.status, result.error_type) == ("error", "OSError")
        assert environment.restores[0].status == "error"
        assert environment.pid is None


def test_a_restore_that_takes_too_long_fails_the_invocation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("profiler.testing.environment.RESTORE_TIMEOUT_S", 0.5)
    with snap_start(tmp_path, fails="hang") as environment:
        result = environment.invoke({})
        assert (result.status, environment.restores[0].status) == ("timeout", "timeout")


PARALLEL = """
import os
import time


def handler(event, context):
    if event == "die":
        os._exit(3)
    time.sleep(event)
    return {"pid": os.getpid(), "request_id": context.aws_request_id}
"""


def parallel(folder: Path, source: str = PARALLEL, workers: int = 3) -> ExecutionEnvironment:
    return ExecutionEnvironment(
        "app.handler", write_app(folder, source), python=PYTHON, max_concurrency=workers
    )


def test_workers_run_invocations_in_parallel(tmp_path: Path) -> None:
    with parallel(tmp_path) as environment, ThreadPoolExecutor(9) as pool:
        pool.submit(environment.invoke, 0).result()
        time.sleep(0.5)  # init ends with the first worker's next: let the others come too
        started_s = time.monotonic()
        results = list(pool.map(lambda _: environment.invoke(1.0, timeout_s=20.0), range(3)))
        took_s = time.monotonic() - started_s
        more = list(pool.map(lambda _: environment.invoke(0.01, timeout_s=20.0), range(30)))
    payloads: list[Any] = [result.payload for result in results]
    assert len({payload["pid"] for payload in payloads}) == 3
    assert [payload["request_id"] for payload in payloads] == [result.request_id for result in results]
    assert took_s < 2.5
    assert [result.status for result in more] == ["ok"] * 30
    assert {payload["pid"] for payload in payloads} >= {result.payload["pid"] for result in more}  # type: ignore[index]


def test_a_time_out_fails_one_invocation_and_interrupts_nothing(tmp_path: Path) -> None:
    with parallel(tmp_path, workers=2) as environment:
        pid = environment.pid
        result = environment.invoke(1.0, timeout_s=0.3)
        assert (result.status, result.reset) == ("timeout", None)
        assert environment.invoke(0.0).status == "ok"
        time.sleep(1.2)  # the late response is refused, and the worker serves on
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(environment.invoke, [0.5, 0.5]))
        assert [result.status for result in results] == ["ok", "ok"]
        assert environment.pid == pid


def test_the_environment_goes_on_without_a_worker_and_ends_with_the_last(tmp_path: Path) -> None:
    with parallel(tmp_path, workers=2) as environment:
        time.sleep(0.5)
        pid = environment.pid
        assert environment.invoke("die", timeout_s=0.5).status == "timeout"
        assert environment.invoke(0.0).status == "ok"
        assert environment.pid == pid
        assert environment.invoke("die", timeout_s=20.0).status == "crashed"
        assert environment.invoke(0.0).status == "ok"
        assert environment.pid != pid


def test_a_failed_init_of_the_workers_is_one_failed_init(tmp_path: Path) -> None:
    with parallel(tmp_path, "import no_such_module") as environment:
        assert environment.init.error_type == "Runtime.ImportModuleError"


def test_extensions_may_register_for_no_event(tmp_path: Path) -> None:
    source = (
        "import extension, os\n"
        "refused = extension.register('one-%d' % os.getpid())[::2]\n"
        "extension.start(print, 'two-%d' % os.getpid(), events=())\n"
        "def handler(event, context): return refused\n"
    )
    with parallel(tmp_path, source, workers=1) as environment:
        payload: Any = environment.invoke({}).payload
    assert payload[0] == 403
    assert payload[1]["errorType"] == "Extension.InvalidEventType"


def test_the_variable_alone_makes_it_parallel_and_it_is_never_frozen(tmp_path: Path) -> None:
    env = {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}
    root = write_app(tmp_path, PARALLEL)
    with ExecutionEnvironment("app.handler", root, python=PYTHON, env=env) as environment:
        assert environment.config.workers == 2
        assert environment.invoke(0.0).status == "ok"
    with pytest.raises(ValueError, match="never frozen"):
        ExecutionEnvironment("app.handler", root, max_concurrency=2, freeze=True)
