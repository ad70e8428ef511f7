"""The emulator against the real runtime client, `awslambdaric`."""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from profiler.testing import ExecutionEnvironment

APP = """
import logging
import os
import signal
import subprocess
import sys
import threading
import time

calls = 0
kept = []
print("init done", flush=True)


def handler(event, context):
    global calls
    calls += 1
    return {"pid": os.getpid(), "calls": calls, "event": event}


def describe(event, context):
    return {
        "request_id": context.aws_request_id,
        "function_name": context.function_name,
        "function_version": context.function_version,
        "arn": context.invoked_function_arn,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "log_group_name": context.log_group_name,
        "log_stream_name": context.log_stream_name,
        "tenant_id": context.tenant_id,
        "custom": context.client_context.custom if context.client_context else None,
        "identity": context.identity.cognito_identity_id,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "environ": dict(os.environ),
        "cwd": os.getcwd(),
    }


def act(event, context):
    print("acting:", event["do"])
    return globals()[event["do"]](event)


def nothing(event):
    return None


def fail(event):
    raise KeyError("schlüssel")


def fail_at_length(event):
    raise ValueError("x" * 200_000)


def leave(event):
    sys.exit(event["code"])


def die(event):
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(event):
    time.sleep(event["s"])


def spawn(event):
    kept.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
    return kept[-1].pid


def blob(event):
    return "x" * event["size"]


def log(event):
    logging.getLogger().warning("grüße")
"""


@pytest.fixture
def task_root(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    return tmp_path


@pytest.fixture
def acting(task_root: Path) -> Iterator[ExecutionEnvironment]:
    with ExecutionEnvironment("app.act", task_root) as environment:
        yield environment


def test_thirty_warm_invocations_share_one_process_and_cost_little(task_root: Path) -> None:
    with ExecutionEnvironment("app.handler", task_root) as environment:
        assert environment.init.status == "ok"
        results, took_s = [], []
        for number in range(30):
            started_s = time.perf_counter()
            results.append(environment.invoke({"number": number, "wörter": "日本 🚀"}))
            took_s.append(time.perf_counter() - started_s)
    assert [result.status for result in results] == ["ok"] * 30
    assert [result.payload for result in results] == [
        {"pid": results[0].payload["pid"], "calls": n + 1, "event": {"number": n, "wörter": "日本 🚀"}}  # type: ignore[index]
        for n in range(30)
    ]
    assert len({result.request_id for result in results}) == 30
    # 0.5 ms when idle; Nagle's algorithm would show as 40 ms each.
    assert statistics.median(took_s) < 0.02


def test_context_and_environment_are_those_of_lambda(
    task_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "1")
    with ExecutionEnvironment(
        "app.describe", task_root, memory_mb=512, function_name="checkout", env={"TEAM": "shop"}
    ) as environment:
        result = environment.invoke(
            {},
            timeout_s=5.0,
            trace_id="Root=1-2-3",
            client_context={"custom": {"größe": 1}},
            cognito_identity={"cognitoIdentityId": "id-1", "cognitoIdentityPoolId": "pool-1"},
            tenant_id="tenant-1",
        )
        stream = environment.log_stream_name
    context = result.payload
    assert isinstance(context, dict)
    environ = context.pop("environ")
    assert 4000 < context.pop("remaining_ms") <= 5000
    assert context == {
        "request_id": result.request_id,
        "function_name": "checkout",
        "function_version": "$LATEST",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:checkout",
        "memory_limit_in_mb": "512",
        "log_group_name": "/aws/lambda/checkout",
        "log_stream_name": stream,
        "tenant_id": "tenant-1",
        "custom": {"größe": 1},
        "identity": "id-1",
        "cwd": str(task_root),
    }
    assert environ["_X_AMZN_TRACE_ID"] == "Root=1-2-3"
    assert environ["LAMBDA_TASK_ROOT"] == str(task_root)
    assert environ["AWS_EXECUTION_ENV"] == f"AWS_Lambda_python3.{sys.version_info.minor}"
    assert environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert environ["TEAM"] == "shop"
    assert "SECRET_OF_THE_CALLER" not in environ


def test_log_stream_name_has_lambdas_form(task_root: Path) -> None:
    name = ExecutionEnvironment("app.handler", task_root).log_stream_name
    date, _, rest = name.rpartition("/")
    assert time.strptime(date, "%Y/%m/%d")
    assert rest.startswith("[$LATEST]")
    assert len(bytes.fromhex(rest.removeprefix("[$LATEST]"))) == 16


def test_two_environments_run_side_by_side(task_root: Path) -> None:
    with (
        ExecutionEnvironment("app.handler", task_root) as first,
        ExecutionEnvironment("app.handler", task_root) as second,
        ThreadPoolExecutor(2) as pool,
    ):
        runs = list(pool.map(lambda e: [e.invoke(n).payload for n in range(20)], (first, second)))
    pids = [{payload["pid"] for payload in run} for run in runs]  # type: ignore[index]
    assert [len(found) for found in pids] == [1, 1]
    assert pids[0] != pids[1]
    assert [run[-1]["calls"] for run in runs] == [20, 20]  # type: ignore[index]


def test_calls_from_several_threads_queue(task_root: Path) -> None:
    with ExecutionEnvironment("app.handler", task_root) as environment, ThreadPoolExecutor(4) as pool:
        results = list(pool.map(environment.invoke, range(20)))
    assert sorted(result.payload["calls"] for result in results) == list(range(1, 21))  # type: ignore[index]
    assert [result.payload["event"] for result in results] == list(range(20))  # type: ignore[index]


def test_an_exception_is_the_functions_error_and_the_process_goes_on(acting: ExecutionEnvironment) -> None:
    pid = acting.pid
    result = acting.invoke({"do": "fail"})
    assert (result.status, result.error_type) == ("error", "KeyError")
    assert isinstance(result.payload, dict)
    assert result.payload["errorMessage"] == "'schlüssel'"
    assert "acting: fail" in result.log
    assert "KeyError" in result.log
    assert acting.invoke({"do": "nothing"}).payload is None
    assert acting.pid == pid


def test_an_error_longer_than_an_ordinary_header_arrives(acting: ExecutionEnvironment) -> None:
    # awslambdaric repeats the error in a header of up to 1 MiB; http.server refuses over 64 KiB.
    result = acting.invoke({"do": "fail_at_length"})
    assert (result.status, result.error_type) == ("error", "ValueError")
    assert acting.invoke({"do": "nothing"}).status == "ok"


def test_large_events_and_responses_arrive_whole(acting: ExecutionEnvironment) -> None:
    result = acting.invoke({"do": "blob", "size": 5_000_000, "padding": "y" * 5_000_000})
    assert result.payload == "x" * 5_000_000


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"do": "leave", "code": 7}, "Runtime exited with error: exit status 7"),
        ({"do": "leave", "code": 0}, "Runtime exited without providing a reason"),
        ({"do": "die"}, "Runtime exited with error: signal: killed"),
    ],
)
def test_the_runtimes_end_is_noticed_and_the_next_invocation_starts_anew(
    acting: ExecutionEnvironment, event: dict[str, object], message: str
) -> None:
    before = acting.pid
    result = acting.invoke(event, timeout_s=30.0)
    assert (result.status, result.error_type) == ("crashed", "Runtime.ExitError")
    assert result.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: {message}",
    }
    assert result.duration_s < 10.0
    assert acting.pid is None
    assert acting.invoke({"do": "nothing"}).status == "ok"
    assert acting.pid != before
    assert len(acting.inits) == 2


def test_a_time_out_ends_the_process(acting: ExecutionEnvironment) -> None:
    pid = acting.pid
    result = acting.invoke({"do": "sleep", "s": 30}, timeout_s=0.2)
    assert (result.status, result.error_type) == ("timeout", "Sandbox.Timedout")
    assert 0.2 <= result.duration_s < 5.0
    assert pid is not None
    assert not is_running(pid)
    assert acting.invoke({"do": "nothing"}).status == "ok"


def test_what_the_handler_started_ends_with_the_environment(task_root: Path) -> None:
    with ExecutionEnvironment("app.act", task_root) as environment:
        child = environment.invoke({"do": "spawn"}).payload
        assert isinstance(child, int)
        assert is_running(child)
    wait_until_ended(child)


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("import no_such_module", "Runtime.ImportModuleError"),
        ("def handler(:", "Runtime.UserCodeSyntaxError"),
        ("raise ValueError('no')", "ValueError"),
        ("", "Runtime.HandlerNotFound"),
    ],
)
def test_an_init_error_is_reported_by_start_and_by_each_invocation(
    tmp_path: Path, source: str, error_type: str
) -> None:
    (tmp_path / "app.py").write_text(source)
    with ExecutionEnvironment("app.handler", tmp_path) as environment:
        assert (environment.init.status, environment.init.error_type) == ("error", error_type)
        result = environment.invoke({})
    assert (result.status, result.error_type) == ("error", error_type)
    assert len(environment.inits) == 2
    assert error_type in result.log


def test_an_init_that_exits_or_hangs_does_not_hang_the_caller(tmp_path: Path) -> None:
    (tmp_path / "leaves.py").write_text("import os; os._exit(3)")
    (tmp_path / "hangs.py").write_text("import time; time.sleep(60)")
    with ExecutionEnvironment("leaves.handler", tmp_path) as environment:
        assert (environment.init.status, environment.init.error_type) == ("crashed", "Runtime.ExitError")
    with ExecutionEnvironment("hangs.handler", tmp_path, init_timeout_s=0.2) as environment:
        assert environment.init.status == "timeout"


def test_logs_belong_to_their_invocation(acting: ExecutionEnvironment) -> None:
    first = acting.invoke({"do": "nothing"})
    second = acting.invoke({"do": "log"})
    assert first.log == "acting: nothing\n"
    assert second.log.startswith("acting: log\n[WARNING]\t")
    assert second.request_id in second.log
    assert "grüße" in second.log
    assert acting.log == "init done\n" + first.log + second.log


def test_stop_leaves_nothing_behind_and_the_log_can_still_be_read(task_root: Path) -> None:
    threads = set(threading.enumerate())
    environment = ExecutionEnvironment("app.handler", task_root)
    environment.start()
    pid = environment.pid
    environment.stop()
    environment.stop()
    assert pid is not None
    assert not is_running(pid)
    assert set(threading.enumerate()) == threads
    assert environment.log == "init done\n"
    with pytest.raises(RuntimeError, match="stopped"):
        environment.invoke({})


def test_calls_out_of_turn_are_refused_as_lambda_refuses_them(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(MEDDLER)
    with ExecutionEnvironment("app.handler", tmp_path) as environment:
        result = environment.invoke({})
    assert result.payload == {
        "next": [403, "InvalidStateTransition"],
        "wrong id": [400, "InvalidRequestID"],
        "late init error": [403, "InvalidStateTransition"],
        "unknown path": [404, "NotFound"],
    }


MEDDLER = """
import http.client
import json
import os

PREFIX = "/2018-06-01/runtime"


def call(connection, method, path):
    connection.request(method, path, body=b"{}" if method == "POST" else None)
    response = connection.getresponse()
    return response.status, json.loads(response.read())["errorType"]


def handler(event, context):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    return {
        "next": call(connection, "GET", PREFIX + "/invocation/next"),
        "wrong id": call(connection, "POST", PREFIX + "/invocation/nobody/response"),
        "late init error": call(connection, "POST", PREFIX + "/init/error"),
        "unknown path": call(connection, "GET", "/elsewhere"),
    }
"""


def is_running(pid: int) -> bool:
    """Say whether a process exists and is not merely waiting to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until_ended(pid: int, timeout_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while is_running(pid):
        assert time.monotonic() < deadline_s, f"process {pid} still runs"
        time.sleep(0.01)
