"""Init as a capture of its own, through the entry point and the real runtime client, in the emulator."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from profiler.capture import IMPORTS_LANE as LANE
from profiler.capture import Capture
from profiler.codec import decode
from profiler.keys import CaptureKey
from profiler.outbox import spool_folder
from profiler.testing import ExecutionEnvironment
from tests.integration.interpreters import EACH_PYTHON

ROOT = Path(__file__).parents[2]
ENTRY_POINT = "profiler.aws.entrypoint.handler"

APP = """
import time

import prices


def busy():
    ends = time.perf_counter() + 0.06
    while time.perf_counter() < ends:
        pass


busy()


def handler(event, context):
    if event == "die":
        import os
        os._exit(9)
    return prices.TEA
"""
PRICES = "import time\ntime.sleep(0.05)\nTEA = 3\n"


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "prices.py").write_text(PRICES, encoding="utf-8")
    return folder


def environment(
    task: Path, python: str | None = None, *, init_timeout_s: float = 10.0, **env: str
) -> ExecutionEnvironment:
    variables = {
        "PYTHONPATH": str(ROOT),
        "PROFILER_HANDLER": "app.handler",
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": str(task.parent / "store"),
        "PROFILER_INIT": "1",
        **env,
    }
    return ExecutionEnvironment(
        ENTRY_POINT,
        task,
        env=variables,
        function_name="shop",
        python=python or sys.executable,
        init_timeout_s=init_timeout_s,
    )


def stored(task: Path) -> list[Capture]:
    return [decode(path.read_bytes()) for path in sorted((task.parent / "store").rglob("*.gz"))]


def waiting(emulated: ExecutionEnvironment, task: Path) -> list[Path]:
    folder = spool_folder(str(task.parent / "store"), {"TMPDIR": str(emulated.tmp)}, make=False) / "waiting"
    return list(folder.iterdir())


def shares(capture: Capture, lane: str = LANE) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for thread in capture.threads:
        if thread.name == lane:
            for stack, weight_ns in zip(thread.stacks, thread.weights_ns, strict=True):
                names = tuple(capture.frames[index].name for index in stack)
                found[names] = found.get(names, 0) + weight_ns
    return found


@EACH_PYTHON
@pytest.mark.parametrize("upload", ["before-response", "after-response"])
def test_init_is_number_zero_and_delivered_with_the_first_invocation(
    task: Path, python: str, upload: str
) -> None:
    with environment(task, python, PROFILER_UPLOAD=upload) as emulated:
        assert stored(task) == []
        assert len(waiting(emulated, task)) == 1
        assert [emulated.invoke({}).payload for _ in range(2)] == [3, 3]
        assert emulated.log == ""
    init, *invocations = stored(task)
    assert [capture.invocation.sequence for capture in (init, *invocations)] == [0, 1, 2]
    assert len({capture.invocation.environment_id for capture in (init, *invocations)}) == 1
    invocation = init.invocation
    assert (init.outcome, init.trigger, init.complete) == ("ok", "init", True)
    assert (invocation.function_name, invocation.init_type) == ("shop", "on-demand")
    assert (invocation.request_id, invocation.cold, invocation.is_init) == ("", False, True)
    assert init.memory.process.rss_growth_bytes is not None
    tree = shares(init)
    assert tree["app", "prices"] >= 50_000_000
    assert 60_000_000 <= tree["app",] < invocation.duration_ns
    assert sum(tree.values()) <= invocation.duration_ns
    # What the handler does is not init, and what init did not the handler's.
    sampled = shares(init, "MainThread")
    assert any("busy" in stack for stack in sampled)
    assert not any("handler" in stack for stack in sampled)
    assert sum(sampled.values()) == pytest.approx(invocation.duration_ns, rel=0.2)


@pytest.mark.parametrize("upload", ["before-response", "after-response"])
def test_it_is_delivered_also_where_no_invocation_is_captured(task: Path, upload: str) -> None:
    with environment(task, PROFILER_RATE="0", PROFILER_UPLOAD=upload) as emulated:
        assert emulated.invoke({}).payload == 3
        assert [capture.invocation.sequence for capture in stored(task)] == [0]
        assert emulated.invoke({}).payload == 3
        assert waiting(emulated, task) == []
        assert emulated.log == ""


def test_it_survives_a_crash_of_the_first_invocation(task: Path) -> None:
    with environment(task) as emulated:
        assert emulated.invoke("die").status == "crashed"
        assert stored(task) == []
        assert emulated.invoke({}).payload == 3
    first, second = (capture for capture in stored(task) if capture.invocation.is_init)
    assert first.invocation.environment_id != second.invocation.environment_id


@pytest.mark.parametrize(
    ("source", "error_type"),
    [("raise KeyError('mine')", "KeyError"), ("import no_such_module", "Runtime.ImportModuleError")],
)
def test_a_failed_init_is_reported_as_without_us_and_kept(task: Path, source: str, error_type: str) -> None:
    once = f"import os\nif not os.path.exists({str(task / 'fixed')!r}):\n    {source}\n"
    (task / "app.py").write_text(f"import prices\n{once}def handler(event, context): return 3\n")
    with environment(task, PROFILER_ENABLED="0") as emulated:
        bare = emulated.init.payload
    with environment(task) as emulated:
        init = emulated.init
        assert (init.status, init.error_type) == ("error", error_type)
        assert without_id(init.payload) == without_id(bare)
        (task / "fixed").touch()
        assert emulated.invoke({}).payload == 3
    failed, done = sorted(
        (capture for capture in stored(task) if capture.invocation.is_init),
        key=lambda capture: capture.invocation.started_at_ns,
    )
    assert (failed.outcome, done.outcome) == ("error", "ok")
    assert shares(failed)["app", "prices"] >= 50_000_000


def without_id(payload: Any) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name != "requestId"}


def test_without_the_engine_there_is_the_tree_alone(task: Path) -> None:
    with environment(task, PROFILER_CPU="off", PROFILER_MEMORY="off") as emulated:
        assert emulated.invoke({}).payload == 3
    init = stored(task)[0]
    assert [thread.name for thread in init.threads] == [LANE]
    assert init.engine is not None
    assert init.engine.name == "off"


def test_the_decorator_alone_says_that_it_came_too_late(task: Path) -> None:
    (task / "app.py").write_text(
        "from profiler import profile\n@profile\ndef handler(event, context): return 3\n"
    )
    env = {
        "PYTHONPATH": str(ROOT),
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": str(task.parent / "store"),
        "PROFILER_INIT": "1",
    }
    with ExecutionEnvironment("app.handler", task, env=env) as emulated:
        assert emulated.invoke({}).payload == 3
        assert emulated.log.count("PROFILER_INIT: the import had begun before @profile") == 1
    assert [capture.invocation.sequence for capture in stored(task)] == [1]


def test_a_decorated_handler_behind_the_entry_point_is_captured_from_the_start(task: Path) -> None:
    source = f"from profiler import profile\n{APP}".replace("def handler", "@profile\ndef handler")
    (task / "app.py").write_text(source)
    with environment(task) as emulated:
        assert emulated.invoke({}).payload == 3
        assert emulated.log == ""
    assert [capture.invocation.sequence for capture in stored(task)] == [0, 1]


def test_bad_settings_are_one_warning(task: Path) -> None:
    with environment(task, PROFILER_RATE="many") as emulated:
        assert emulated.invoke({}).payload == 3
        assert emulated.log.count("profiler: ") == 1


def test_its_name_tells_what_it_is(task: Path) -> None:
    with environment(task) as emulated:
        emulated.invoke({})
    names = [str(path.relative_to(task.parent / "store")) for path in (task.parent / "store").rglob("*.gz")]
    keys = sorted(key for name in names if (key := CaptureKey.parse(name.replace(os.sep, "/"))))
    assert [(key.is_init, key.cold, key.request_id == "-") for key in keys] == [
        (True, False, True),
        (False, True, False),
    ]


@EACH_PYTHON
def test_what_an_init_that_takes_too_long_had_done_is_kept(task: Path, python: str) -> None:
    slow = f"import os, time\nif not os.path.exists({str(task / 'fixed')!r}):\n    time.sleep(60)\n"
    (task / "app.py").write_text(f"import prices\n{slow}def handler(event, context): return 3\n")
    # A second after the start, in place of half a second before the limit.
    with environment(task, python, PROFILER_RESERVE_MS="9000", init_timeout_s=2.0) as emulated:
        assert emulated.init.status == "timeout"
        (task / "fixed").touch()
        assert emulated.invoke({}, timeout_s=12.0).payload == 3
        assert emulated.log == ""
    cut, whole = sorted(
        (capture for capture in stored(task) if capture.invocation.is_init),
        key=lambda capture: capture.invocation.started_at_ns,
    )
    assert (cut.outcome, cut.complete) == ("timeout", False)
    assert (whole.outcome, whole.complete) == ("ok", True)
    tree = shares(cut)
    assert tree["app", "prices"] >= 50_000_000
    assert tree["app",] > tree["app", "prices"]


def test_what_was_kept_for_a_kill_that_did_not_come_is_taken_back(task: Path) -> None:
    (task / "app.py").write_text("import time\ntime.sleep(1.5)\ndef handler(event, context): return 3\n")
    with environment(task, PROFILER_RESERVE_MS="9000") as emulated:
        assert emulated.invoke({}, timeout_s=12.0).payload == 3
        assert emulated.log == ""
    assert [(capture.invocation.sequence, capture.outcome, capture.complete) for capture in stored(task)] == [
        (0, "ok", True),
        (1, "ok", True),
    ]
