"""The Extensions API: registration, release together with the runtime, work after the response."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import PYTHON, write_app

WORKING = """
import queue
import time
import extension

responded = queue.Queue()
seen = []
work_s = 0.0


def work(event):
    responded.get()
    time.sleep(work_s)
    seen.append(event)
    print("worked", flush=True)


extension.start(work)


def handler(event, context):
    global work_s
    work_s = event.get("work_s", 0.0)
    before = list(seen)
    responded.put(None)
    return {"seen": before}
"""

REGISTRATION = """
import extension

status, headers, document = extension.register("first", **{"Lambda-Extension-Accept-Feature": "accountId"})
identifier = headers["Lambda-Extension-Identifier"]
seen = {
    "first": [status, document],
    "again": extension.register("first")[2]["errorType"],
    "shutdown": [*extension.register("second", ["INVOKE", "SHUTDOWN"])[::2]],
    "nameless": extension.register("")[2]["errorType"],
    "no json": extension.call("POST", "/register", {"Lambda-Extension-Name": "x"}, "{")[2]["errorType"],
    "stranger": extension.call("GET", "/event/next", {"Lambda-Extension-Identifier": "x"})[::2],
    "no type": extension.error(identifier, "exit", "")[2]["errorType"],
    "elsewhere": extension.call("GET", "/elsewhere")[0],
}
for number in range(9):
    extension.start(lambda event: None, f"more-{number}")
seen["eleventh"] = extension.register("eleventh")[2]["errorType"]

import threading
def serve():
    while True:
        extension.next_event(identifier)
threading.Thread(target=serve, daemon=True).start()


def handler(event, context):
    late_error = extension.error(identifier, "init")[0]
    return {**seen, "late": extension.register("late")[::2], "late error": late_error}
"""


def test_registration_follows_lambdas_rules(tmp_path: Path) -> None:
    with ExecutionEnvironment("app.handler", write_app(tmp_path, REGISTRATION), python=PYTHON) as environment:
        payload: Any = environment.invoke({}).payload
    document = {
        "functionName": "function",
        "functionVersion": "$LATEST",
        "handler": "app.handler",
        "accountId": "123456789012",
    }
    assert payload["first"] == [200, document]
    assert payload["again"] == "Extension.InvalidExtensionState"
    assert payload["shutdown"][0] == 403
    assert payload["shutdown"][1]["errorType"] == "Extension.InvalidEventType"
    assert payload["nameless"] == "Extension.InvalidExtensionName"
    assert payload["no json"] == "InvalidRequestFormat"
    assert payload["stranger"][0] == 403
    assert payload["stranger"][1]["errorType"] == "Extension.UnknownExtensionIdentifier"
    assert payload["no type"] == "Extension.MissingHeader"
    assert payload["elsewhere"] == 404
    assert payload["eleventh"] == "Extension.TooManyExtensions"
    assert payload["late"][0] == 403
    assert payload["late"][1]["errorType"] == "Extension.RegistrationClosed"
    assert payload["late error"] == 403


def test_an_extension_gets_the_event_of_each_invocation(tmp_path: Path) -> None:
    with ExecutionEnvironment("app.handler", write_app(tmp_path, WORKING), python=PYTHON) as environment:
        first = environment.invoke({}, trace_id="Root=1-2-3", timeout_s=5.0)
        second: Any = environment.invoke({}).payload
    (event,) = second["seen"]
    assert event.pop("deadlineMs") > 0
    assert event == {
        "eventType": "INVOKE",
        "requestId": first.request_id,
        "invokedFunctionArn": environment.config.arn,
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-2-3"},
    }


def test_work_after_the_response_counts_as_duration_and_delays_no_response(tmp_path: Path) -> None:
    with ExecutionEnvironment("app.handler", write_app(tmp_path, WORKING), python=PYTHON) as environment:
        result = environment.invoke({"work_s": 0.6}, timeout_s=20.0)
    assert result.status == "ok"
    assert result.reset is None
    assert result.response_s is not None
    assert result.response_s < 0.4 < 0.6 <= result.duration_s
    assert result.log == "worked\n"


def test_a_job_longer_than_the_time_left_resets_the_environment(tmp_path: Path) -> None:
    with ExecutionEnvironment("app.handler", write_app(tmp_path, WORKING), python=PYTHON) as environment:
        before = environment.pid
        result = environment.invoke({"work_s": 30}, timeout_s=1.0)
        # The caller has had the response long before.
        assert (result.status, result.reset) == ("ok", "timeout")
        assert result.response_s is not None
        assert result.response_s < 0.9 < 1.0 <= result.duration_s < 5.0
        assert environment.pid is None
        after: Any = environment.invoke({}).payload
        assert after["seen"] == []
        assert environment.pid not in (None, before)


def test_init_lasts_until_every_extension_has_called_next(tmp_path: Path) -> None:
    slow = WORKING.replace("extension.start(work)", "") + (
        "import threading\n"
        "identifier = extension.register()[1]['Lambda-Extension-Identifier']\n"
        "def late():\n"
        "    time.sleep(0.5)\n"
        "    while True:\n"
        "        work(extension.next_event(identifier))\n"
        "threading.Thread(target=late, daemon=True).start()\n"
    )
    with ExecutionEnvironment("app.handler", write_app(tmp_path, slow), python=PYTHON) as environment:
        assert environment.init.status == "ok"
        assert environment.init.duration_s >= 0.5
        assert environment.invoke({}).status == "ok"


def test_an_extension_that_never_calls_next_hangs_init(tmp_path: Path) -> None:
    source = "import extension\nextension.register()\ndef handler(event, context): pass\n"
    with ExecutionEnvironment(
        "app.handler", write_app(tmp_path, source), python=PYTHON, init_timeout_s=1.0
    ) as environment:
        assert environment.init.status == "timeout"


def test_an_extension_without_events_counts_but_is_never_released(tmp_path: Path) -> None:
    source = (
        "import extension\nextension.start(print, events=())\ndef handler(event, context): return 'fine'\n"
    )
    with ExecutionEnvironment("app.handler", write_app(tmp_path, source), python=PYTHON) as environment:
        assert [environment.invoke({}).payload for _ in range(3)] == ["fine"] * 3
        assert environment.log == ""


def test_an_init_error_of_an_extension_fails_init(tmp_path: Path) -> None:
    source = (
        "import extension\n"
        "identifier = extension.register()[1]['Lambda-Extension-Identifier']\n"
        "print(extension.error(identifier, 'init')[0])\n"
        "def handler(event, context): pass\n"
    )
    with ExecutionEnvironment("app.handler", write_app(tmp_path, source), python=PYTHON) as environment:
        assert (environment.init.status, environment.init.error_type) == ("crashed", "Extension.InitError")
        assert environment.invoke({}).error_type == "Extension.InitError"


def test_an_exit_error_of_an_extension_ends_the_environment(tmp_path: Path) -> None:
    source = (
        "import extension\n"
        "def work(event): extension.error(identifier, 'exit')\n"
        "identifier = extension.start(work)\n"
        "import time\n"
        "def handler(event, context): time.sleep(event)\n"
    )
    with ExecutionEnvironment("app.handler", write_app(tmp_path, source), python=PYTHON) as environment:
        result = environment.invoke(10, timeout_s=20.0)
        assert (result.status, result.error_type, result.reset) == (
            "crashed",
            "Extension.ExitError",
            "crashed",
        )
        assert result.duration_s < 5.0
        assert environment.pid is None
