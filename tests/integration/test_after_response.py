"""Delivery after the response, in the emulator with the real runtime client.

`EMULATOR_PYTHON` names another interpreter that has the project, boto3 and `awslambdaric` in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from profiler.capture import Capture
from profiler.codec import decode
from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import PYTHON, write_app
from tests.servers.slow import SlowStore, slow_store

APP = """
import os
import threading
import time

from profiler import profile


@profile
def work(event, context):
    time.sleep(event.get("sleep_s", 0.0))
    if event.get("do") == "raise":
        raise ValueError("no")
    if event.get("do") == "exit":
        raise SystemExit(3)
    if event.get("do") == "fork":
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    return sorted(thread.name for thread in threading.enumerate())


@profile
def other(event, context):
    return "other"


def handler(event, context):
    if event.get("do") == "nothing":
        return "nothing"
    if event.get("do") == "many":
        return [other(event, context) for _ in range(3)]
    return work(event, context)
"""

LATE = """
from profiler import profile


def work(event, context):
    return "late"


wrapped = None


def handler(event, context):
    global wrapped
    wrapped = wrapped or profile(work)
    return wrapped(event, context)
"""

Emulate = Callable[..., ExecutionEnvironment]


@pytest.fixture
def emulate(tmp_path: Path) -> Iterator[Emulate]:
    """Start an environment that profiles into a folder."""
    with ExitStack() as stack:

        def start(
            source: str = APP, env: dict[str, str] | None = None, **options: Any
        ) -> ExecutionEnvironment:
            settings = {"PROFILER_ENABLED": "1", "PROFILER_STORE": str(tmp_path / "store"), **(env or {})}
            options.setdefault("freeze", True)
            return stack.enter_context(
                ExecutionEnvironment(
                    "app.handler", write_app(tmp_path, source), python=PYTHON, env=settings, **options
                )
            )

        yield start


def stored(folder: Path) -> list[Capture]:
    captures = [decode(path.read_bytes()) for path in folder.rglob("*.json.gz")]
    return sorted(captures, key=lambda capture: capture.invocation.started_at_ns)


def to_s3(store: SlowStore, **more: str) -> dict[str, str]:
    return {"PROFILER_STORE": "s3://captures/shop", **store.env, **more}


# ---- what it is for -----------------------------------------------------------------------------


@pytest.mark.parametrize("freeze", [True, False])
def test_every_capture_arrives_although_the_environment_freezes(
    emulate: Emulate, tmp_path: Path, freeze: bool
) -> None:
    environment = emulate(freeze=freeze)
    for number in range(10):
        result = environment.invoke({"sleep_s": 0.005})
        assert (result.status, result.payload, result.reset) == ("ok", ["MainThread"], None)
        # Not the next invocation's to deliver.
        assert len(stored(tmp_path / "store")) == number + 1
    captures = stored(tmp_path / "store")
    assert [capture.invocation.sequence for capture in captures] == list(range(1, 11))
    assert [thread.name for capture in captures for thread in capture.threads] == ["MainThread"] * 10
    assert environment.log == ""


def test_the_caller_does_not_wait_for_the_store(emulate: Emulate) -> None:
    with slow_store(0.8) as store:
        before = emulate(env=to_s3(store, PROFILER_UPLOAD="before-response"))
        waited = before.invoke({}, timeout_s=30.0)
        after = emulate(env=to_s3(store, PROFILER_UPLOAD="after-response"))
        results = [after.invoke({}, timeout_s=30.0) for _ in range(2)]
    assert waited.response_s is not None
    assert waited.response_s >= 0.8
    for result in results:
        assert result.status == "ok"
        assert result.response_s is not None
        assert result.response_s < 0.6 < 0.8 <= result.duration_s
    assert len(store.bodies) == 3


def test_an_error_is_captured_too(emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate()
    result = environment.invoke({"do": "raise"})
    assert (result.status, result.error_type) == ("error", "ValueError")
    assert [capture.outcome for capture in stored(tmp_path / "store")] == ["error"]


def test_a_handler_that_ends_the_process_is_captured(emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate()
    assert environment.invoke({"do": "exit"}).error_type == "Runtime.ExitError"
    assert [capture.outcome for capture in stored(tmp_path / "store")] == ["error"]
    assert environment.invoke({}).status == "ok"
    assert len(stored(tmp_path / "store")) == 2


KEPT = """
from profiler.outbox import Outbox

add = Outbox.add


def adding(self, key, data):
    print("kept", flush=True)
    add(self, key, data)


Outbox.add = adding
"""


def test_a_response_that_lambda_refuses_ends_the_process_and_not_the_capture(emulate: Emulate) -> None:
    large = APP.replace("return work(event, context)", "work(event, context); return 'x' * 7_000_000")
    environment = emulate(KEPT + large)
    result = environment.invoke({}, timeout_s=10.0)
    assert (result.error_type, result.reset) == ("Function.ResponseSizeTooLarge", "crashed")
    assert result.log.count("kept") == 1


def test_a_handler_that_forks(emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate()
    for _ in range(3):
        assert environment.invoke({"do": "fork"}, timeout_s=10.0).status == "ok"
    assert len(stored(tmp_path / "store")) == 3


def test_several_captures_of_one_invocation(emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate()
    assert environment.invoke({"do": "many"}).payload == ["other"] * 3
    assert len(stored(tmp_path / "store")) == 3


# ---- an invocation that leaves nothing ----------------------------------------------------------


def test_without_a_capture_nothing_is_waited_for(emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate(env={"PROFILER_RATE": "0"})
    for _ in range(3):
        result = environment.invoke({"sleep_s": 0.3}, timeout_s=10.0)
        assert result.response_s is not None
        assert result.duration_s - result.response_s < 0.2
    assert stored(tmp_path / "store") == []


def test_an_invocation_that_never_comes_to_the_profiler_ends(emulate: Emulate) -> None:
    environment = emulate()
    for _ in range(3):
        result = environment.invoke({"do": "nothing"}, timeout_s=10.0)
        assert (result.status, result.payload) == ("ok", "nothing")
        assert result.duration_s < 1.0


# ---- the deadline -------------------------------------------------------------------------------


def test_a_hung_store_hangs_no_invocation(emulate: Emulate) -> None:
    with slow_store(None) as store:
        environment = emulate(env=to_s3(store))
        pid = environment.pid
        first = environment.invoke({}, timeout_s=2.0)
        later = [environment.invoke({}, timeout_s=10.0) for _ in range(4)]
        assert environment.pid == pid
    for result in (first, *later):
        assert (result.status, result.reset) == ("ok", None)
        assert result.response_s is not None
        assert result.response_s < 0.5
    # Once it is waited for as long as there is time, and from then on only for a moment.
    assert 1.0 < first.duration_s < 2.0
    assert max(result.duration_s for result in later) < 1.0
    assert store.asked > 0


def test_what_a_hung_store_did_not_take_arrives_later(emulate: Emulate) -> None:
    with slow_store(None) as store:
        environment = emulate(env=to_s3(store))
        for _ in range(3):
            assert environment.invoke({}, timeout_s=1.5).status == "ok"
        assert store.bodies == []
        store.delay_s = 0.0
        for _ in range(40):
            if len(set(store.bodies)) >= 4:
                break
            assert environment.invoke({"sleep_s": 0.5}, timeout_s=10.0).status == "ok"
    assert len(set(store.bodies)) >= 4


def test_a_time_out_is_one_as_without_it(emulate: Emulate) -> None:
    environment = emulate()
    result = environment.invoke({"sleep_s": 30}, timeout_s=1.0)
    assert (result.status, result.error_type) == ("timeout", "Sandbox.Timedout")
    assert environment.invoke({}).status == "ok"


def test_a_response_within_the_reserve_is_out_and_the_capture_is_kept(
    emulate: Emulate, tmp_path: Path
) -> None:
    environment = emulate()
    late = environment.invoke({"sleep_s": 0.7}, timeout_s=1.0)
    assert (late.status, late.reset) == ("ok", None)
    assert environment.invoke({}, timeout_s=10.0).status == "ok"
    # Beside a partial one, which was delivered when the reserve was reached.
    whole = [capture for capture in stored(tmp_path / "store") if capture.complete]
    assert [capture.invocation.sequence for capture in whole] == [1, 2]


# ---- where it cannot be -------------------------------------------------------------------------


@pytest.mark.parametrize("upload", ["auto", "after-response"])
def test_a_late_import(emulate: Emulate, tmp_path: Path, upload: str) -> None:
    environment = emulate(LATE, env={"PROFILER_UPLOAD": upload})
    for _ in range(2):
        assert environment.invoke({}).payload == "late"
    assert len(stored(tmp_path / "store")) == 2
    warnings = environment.log.count("captures are delivered before the response: an extension is registered")
    assert warnings == (upload == "after-response")


@pytest.mark.parametrize("upload", ["auto", "after-response"])
def test_in_concurrent_mode(emulate: Emulate, tmp_path: Path, upload: str) -> None:
    environment = emulate(env={"PROFILER_UPLOAD": upload}, max_concurrency=1, freeze=False)
    for _ in range(2):
        assert environment.invoke({}).status == "ok"
    assert len(stored(tmp_path / "store")) == 2
    assert environment.log.count("in parallel") == (2 if upload == "after-response" else 0)  # handlers


@pytest.mark.parametrize("upload", ["auto", "after-response"])
def test_where_all_places_are_taken(emulate: Emulate, tmp_path: Path, upload: str) -> None:
    crowd = "import extension\nfor number in range(10):\n    extension.start(id, f'e{number}')\n"
    environment = emulate(crowd + APP, env={"PROFILER_UPLOAD": upload})
    assert environment.init.status == "ok"
    assert environment.invoke({}).status == "ok"
    assert len(stored(tmp_path / "store")) == 1
    assert ("TooManyExtensions" in environment.log) == (upload == "after-response")


def test_before_the_response_registers_nothing(emulate: Emulate) -> None:
    environment = emulate(env={"PROFILER_UPLOAD": "before-response"})
    assert environment._sandbox is not None
    assert len(environment._sandbox._extensions) == 0
    assert environment.invoke({}).status == "ok"


def test_a_restored_snapshot(emulate: Emulate, tmp_path: Path) -> None:
    environment = emulate(initialization_type="snap-start")
    for _ in range(3):
        result = environment.invoke({"sleep_s": 0.005})
        assert (result.status, result.reset) == ("ok", None)
    assert len(environment.restores) == 1
    assert len(stored(tmp_path / "store")) == 3


# ---- an extension that breaks -------------------------------------------------------------------

BROKEN = """
import profiler.aws.extension as extension
import profiler.aws.extensions_api as api

original = api.ExtensionsApi.next_event
calls = 0


def next_event(self):
    global calls
    calls += 1
    event = original(self)
    if calls % 2 == 0:
        raise BREAKS
    return event


api.ExtensionsApi.next_event = next_event
"""


@pytest.mark.parametrize(
    "breaks", ["MemoryError()", "SystemExit(1)", "KeyboardInterrupt()", "OSError(104, 'reset')"]
)
def test_a_thread_that_breaks_goes_on(emulate: Emulate, tmp_path: Path, breaks: str) -> None:
    environment = emulate(BROKEN.replace("BREAKS", breaks) + APP)
    pid = environment.pid
    for _ in range(8):
        result = environment.invoke({"sleep_s": 0.05}, timeout_s=10.0)
        assert (result.status, result.reset) == ("ok", None)
        assert result.duration_s < 5.0
    assert environment.pid == pid
    assert len(stored(tmp_path / "store")) == 8


CUT = """
import time
import threading
import profiler.aws.extensions_api as api

made = []
original = api.ExtensionsApi.__init__


def init(self, address):
    original(self, address)
    made.append(self)


api.ExtensionsApi.__init__ = init


def cut():
    import socket
    made[0]._connection.sock.shutdown(socket.SHUT_RDWR)
"""


def test_a_connection_that_is_cut_while_it_waits(emulate: Emulate, tmp_path: Path) -> None:
    """Lambda counts the extension as waiting, and refuses another next until it has sent the event."""
    cutting = APP.replace('return "nothing"', 'threading.Timer(0.2, cut).start(); return "nothing"')
    environment = emulate(CUT + cutting, freeze=False)
    assert environment.invoke({"do": "nothing"}).status == "ok"
    time.sleep(0.5)
    for _ in range(3):
        result = environment.invoke({"sleep_s": 0.05}, timeout_s=10.0)
        assert (result.status, result.reset) == ("ok", None)
        assert result.duration_s < 2.0
    assert len(stored(tmp_path / "store")) == 3
