"""Time-outs, freezing, resets, memory, SnapStart, exec wrappers and the size limits."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import PYTHON, write_app

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

ENDING = """
import os
import signal
import sys
import tempfile
import time


def on_term(number, frame):
    print("SIGTERM", flush=True)
    if os.environ.get("LEAVES"):
        sys.exit(0)


signal.signal(signal.SIGTERM, on_term)


def handler(event, context):
    end = time.monotonic() + event.get("s", 0.0)
    while time.monotonic() < end:
        time.sleep(0.01)
    with open(os.path.join(tempfile.gettempdir(), "visits"), "a+") as visits:
        visits.write("x")
        visits.seek(0)
        return {"pid": os.getpid(), "tmp": tempfile.gettempdir(), "visits": len(visits.read())}
"""
WITH_EXTENSION = "import extension\nextension.start(print, events=())\n" + ENDING


def environment_of(folder: Path, source: str, **options: Any) -> ExecutionEnvironment:
    return ExecutionEnvironment("app.handler", write_app(folder, source), python=PYTHON, **options)


def test_a_time_out_without_extension_is_sigkill_at_once(tmp_path: Path) -> None:
    with environment_of(tmp_path, ENDING) as environment:
        started_s = time.monotonic()
        result = environment.invoke({"s": 30}, timeout_s=0.5)
        took_s = time.monotonic() - started_s
    assert (result.status, result.reset, result.response_s) == ("timeout", "timeout", None)
    assert result.log == ""
    assert took_s < 0.5 + 0.4


def test_a_time_out_with_an_extension_is_sigterm_and_sigkill_later(tmp_path: Path) -> None:
    with environment_of(tmp_path, WITH_EXTENSION) as environment:
        started_s = time.monotonic()
        result = environment.invoke({"s": 30}, timeout_s=0.5)
        took_s = time.monotonic() - started_s
    assert result.status == "timeout"
    assert result.log == "SIGTERM\n"
    assert 1.0 <= took_s < 5.0


def test_sigterm_can_be_used_to_leave_early(tmp_path: Path) -> None:
    with environment_of(tmp_path, WITH_EXTENSION, env={"LEAVES": "1"}) as environment:
        result = environment.invoke({"s": 30}, timeout_s=0.5)
    assert result.status == "timeout"
    assert result.log.startswith("SIGTERM\n")


def test_after_a_reset_the_process_is_new_and_tmp_is_kept(tmp_path: Path) -> None:
    with environment_of(tmp_path, ENDING) as environment:
        first: Any = environment.invoke({}).payload
        assert environment.invoke({"s": 30}, timeout_s=0.3).status == "timeout"
        second: Any = environment.invoke({}).payload
        assert first["tmp"] == second["tmp"] == str(environment.tmp)
        assert (environment.tmp / "visits").read_text() == "xx"
    assert second["pid"] != first["pid"]
    assert (first["visits"], second["visits"]) == (1, 2)
    assert not environment.tmp.exists()


def test_each_environment_has_a_tmp_of_its_own(tmp_path: Path) -> None:
    with environment_of(tmp_path, ENDING) as one, environment_of(tmp_path, ENDING) as other:
        payloads: list[Any] = [environment.invoke({}).payload for environment in (one, other)]
    assert [payload["visits"] for payload in payloads] == [1, 1]


TICKING = """
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time

path = os.path.join(tempfile.gettempdir(), "ticks")
code = "import sys, time\\nwhile True:\\n    open(sys.argv[1], 'ab').write(b'x'); time.sleep(0.005)"


def tick():
    while True:
        with open(path, "ab") as ticks:
            ticks.write(b"x")
        time.sleep(0.005)


threading.Thread(target=tick, daemon=True).start()
child = subprocess.Popen([sys.executable, "-c", code, path + "-child"])


def handler(event, context):
    time.sleep(event)
    return os.path.getsize(path)
"""


def ticks(environment: ExecutionEnvironment) -> list[int]:
    files = [environment.tmp / "ticks", environment.tmp / "ticks-child"]
    return [path.stat().st_size if path.exists() else 0 for path in files]


@pytest.mark.parametrize("freeze", [True, False])
def test_threads_and_children_stand_still_while_the_environment_is_frozen(
    tmp_path: Path, freeze: bool
) -> None:
    with environment_of(tmp_path, TICKING, freeze=freeze) as environment:
        for _ in range(2):
            before = ticks(environment)
            assert environment.invoke(0.5, timeout_s=20.0).status == "ok"
            time.sleep(0.1)  # a signal takes a moment to reach all of a group
            idle = ticks(environment)
            time.sleep(0.3)
            later = ticks(environment)
            assert all(now > then for now, then in zip(idle, before, strict=True))
            assert (later == idle) is freeze


def test_a_frozen_environment_is_woken_for_its_sigterm(tmp_path: Path) -> None:
    # Since 3.12 the runtime client waits in a thread, so that the main one can run a signal handler.
    env = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}
    with environment_of(tmp_path, WITH_EXTENSION, freeze=True, env=env) as environment:
        assert environment.invoke({}).status == "ok"
    assert environment.log == "SIGTERM\n"


HUNGRY = """
import os

kept = []


def handler(event, context):
    if event.get("fork"):
        for _ in range(event["fork"]):
            if os.fork() == 0:
                kept.append(b"x" * (event["mb"] << 20))
                import time
                time.sleep(60)
    else:
        kept.append(b"x" * (event["mb"] << 20))
    import time
    time.sleep(event.get("s", 0.0))
    return len(kept)
"""


@linux_only
def test_over_its_memory_the_environment_is_killed(tmp_path: Path) -> None:
    with environment_of(tmp_path, HUNGRY, memory_mb=192, memory_limit_enforced=True) as environment:
        assert environment.invoke({"mb": 20, "s": 0.1}).payload == 1
        result = environment.invoke({"mb": 300, "s": 20}, timeout_s=30.0)
        assert (result.status, result.reset) == ("out-of-memory", "out-of-memory")
        assert result.payload == {
            "errorType": "Runtime.OutOfMemory",
            "errorMessage": f"RequestId: {result.request_id} Error: "
            "Runtime exited with error: signal: killed",
        }
        assert result.duration_s < 10.0
        assert environment.invoke({"mb": 20}).payload == 1


@linux_only
def test_memory_of_child_processes_counts_but_shared_pages_only_once(tmp_path: Path) -> None:
    with environment_of(tmp_path, HUNGRY, memory_mb=256, memory_limit_enforced=True) as environment:
        assert environment.invoke({"mb": 100, "s": 0.1}).payload == 1
        # Four children share 100 MiB with their parent and add next to nothing.
        assert environment.invoke({"fork": 4, "mb": 1, "s": 0.3}, timeout_s=20.0).status == "ok"
        assert environment.invoke({"fork": 2, "mb": 100, "s": 20}, timeout_s=30.0).status == "out-of-memory"


@linux_only
def test_over_its_memory_during_init(tmp_path: Path) -> None:
    source = "kept = b'x' * (300 << 20)\nimport time; time.sleep(5)\n"
    with environment_of(tmp_path, source, memory_limit_enforced=True) as environment:
        assert environment.init.status == "out-of-memory"


def test_a_process_that_dies_between_invocations_is_replaced(tmp_path: Path) -> None:
    source = (
        "import os, threading\ndef handler(event, context): threading.Timer(0.1, os._exit, [3]).start()\n"
    )
    with environment_of(tmp_path, source) as environment:
        assert environment.invoke({}).status == "ok"
        pid = environment.pid
        time.sleep(0.4)
        assert environment.invoke({}).status == "ok"
        assert environment.pid != pid


def test_a_handler_reads_its_name_from_the_environment(tmp_path: Path) -> None:
    with environment_of(
        tmp_path, ENDING + "def other(event, context): return 'other'\n", env={"_HANDLER": "app.other"}
    ) as environment:
        assert environment.invoke({}).payload == "other"


WRAPPER = """#!/bin/sh
echo "wrapping $_HANDLER: $#" >&2
export WRAPPED="$_HANDLER" _HANDLER=app.other
interpreter=$1
shift
exec "$interpreter" -X utf8=1 "$@"
"""
WRAPPED = """
import os
import sys


def other(event, context):
    return [os.environ["WRAPPED"], sys.flags.utf8_mode, os.getpid(), sys.path[0]]
"""


def test_an_exec_wrapper_is_given_the_runtimes_command_line(tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    env = {"AWS_LAMBDA_EXEC_WRAPPER": str(wrapper)}
    with environment_of(tmp_path, WRAPPED, env=env) as environment:
        assert environment.invoke({}).payload == ["app.handler", 1, environment.pid, str(tmp_path)]
    assert environment.log == "wrapping app.handler: 2\n"


def test_a_response_over_six_megabytes_is_an_error(tmp_path: Path) -> None:
    source = "def handler(event, context): return 'x' * event\n"
    with environment_of(tmp_path, source) as environment:
        limit_bytes = 6 * 1024 * 1024 + 100
        assert environment.invoke(limit_bytes - 2, timeout_s=20.0).status == "ok"
        result = environment.invoke(limit_bytes - 1, timeout_s=20.0)
        assert (result.status, result.error_type) == ("error", "Function.ResponseSizeTooLarge")
        # The runtime client takes the refusal for its own failure and ends.
        assert result.reset == "crashed"
        assert environment.invoke(1).status == "ok"
        with pytest.raises(ValueError, match="at most 6291456 bytes"):
            environment.invoke("x" * 6 * 1024 * 1024)
