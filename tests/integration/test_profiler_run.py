"""`profiler run` as a user calls it: a command, a folder, an exit code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiler.capture import Capture
from profiler.codec import decode
from profiler.keys import CaptureKey

pytest.importorskip("boto3")

APP = """
    import asyncio, json, sys, time
    from profiler import profile

    SEEN = []

    def handler(event, context):
        SEEN.append(context.aws_request_id)
        print("event", json.dumps(event, sort_keys=True), context.function_name, context.memory_limit_in_mb)
        return {"statusCode": 200}

    async def waiting(event, context):
        await asyncio.sleep(0.03)

    async def endless(event, context):
        await asyncio.sleep(60)

    def sleeping(event, context):
        time.sleep(60)

    def looping(event, context):
        while True:
            pass

    def stubborn(event, context):
        try:
            time.sleep(60)
        except BaseException:
            return "not me"

    def failing(event, context):
        return event["missing"]

    def leaving(event, context):
        sys.exit(3)

    def changing(event, context):
        assert event == {"n": 1}, event
        event["n"] += 1

    @profile
    def decorated(event, context):
        return 1

    text = "no function"
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(textwrap.dedent(APP))
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "raising.py").write_text("raise ValueError('first line\\nsecond line')\n")
    (tmp_path / "always.py").write_text(
        "from profiler import profile\n"
        "@profile(enabled=True, store='elsewhere')\n"
        "def handler(event, context): return 1\n"
    )
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "lambda.py").write_text("def handler(event, context): return 1\n")
    (tmp_path / "event.json").write_text('{"n": 1}')
    (tmp_path / "bad.json").write_text("{'n': 1}")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "latin.json").write_bytes(b'{"n": "\xe9"}')
    (tmp_path / "file").write_text("")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    def call(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> Any:
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("PROFILER_", "AWS_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "profiler", "run", *arguments],
            cwd=folder,
            env=environ | {"AWS_EC2_METADATA_DISABLED": "true"} | (env or {}),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            **options,
        )

    return call


def captures(store: Path) -> list[Capture]:
    """Return the captures below a folder in the order of their names, each checked against its name."""
    found = []
    for path in sorted(store.rglob("*.speedscope.json.gz")):
        capture = decode(path.read_bytes())
        assert CaptureKey.parse(path.as_posix()) == CaptureKey.of(capture)
        found.append(capture)
    return found


def ok(done: subprocess.CompletedProcess[str], code: int = 0) -> None:
    assert done.returncode == code, done.stderr


# ---- what works ---------------------------------------------------------------------------------


def test_every_invocation_leaves_a_capture(run: Run, folder: Path) -> None:
    done = run("app.handler", "--count", "5", "--memory-size", "256", "--event", "event.json")
    ok(done)
    assert done.stdout.splitlines() == ['event {"n": 1} app 256'] * 5
    assert done.stderr == "profiler: 5 of 5 invocations, 5 captures in profiles\n"
    found = captures(folder / "profiles")
    invocations = [capture.invocation for capture in found]
    assert [invocation.sequence for invocation in invocations] == [1, 2, 3, 4, 5]
    assert [invocation.cold for invocation in invocations] == [True] + [False] * 4
    assert {invocation.function_name for invocation in invocations} == {"app"}
    assert len({invocation.environment_id for invocation in invocations}) == 1
    assert len({invocation.request_id for invocation in invocations}) == 5
    assert [capture.outcome for capture in found] == ["ok"] * 5
    assert {capture.engine.name for capture in found if capture.engine} == {"sampler"}
    sizes = [
        entry.entries for capture in found for entry in capture.memory.census if entry.path == "app.SEEN"
    ]
    assert sizes == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("cpu", ["sampler", "pyinstrument", "off"])
@pytest.mark.parametrize("memory", ["census", "tracemalloc", "off"])
def test_every_engine_and_every_memory_mode(run: Run, folder: Path, cpu: str, memory: str) -> None:
    if cpu == "pyinstrument":
        pytest.importorskip("pyinstrument")
    done = run(
        "app.waiting", "--count", "2", "--cpu", cpu, "--memory", memory, "--store", "a/b", "--name", "shop"
    )
    ok(done)
    found = captures(folder / "a" / "b")
    assert [(capture.engine and capture.engine.name, capture.memory.mode) for capture in found] == [
        (cpu, memory)
    ] * 2
    assert {capture.invocation.function_name for capture in found} == {"shop"}
    assert all(capture.invocation.duration_ns >= 25_000_000 for capture in found)


def test_an_option_beats_its_variable(run: Run, folder: Path) -> None:
    env = {"PROFILER_CPU": "nonsense", "PROFILER_STORE": "elsewhere", "PROFILER_LABELS": "team=shop"}
    ok(run("app.handler", "--cpu", "off", "--store", "here", env=env))
    (capture,) = captures(folder / "here")
    assert capture.invocation.labels == {"team": "shop"}
    assert not (folder / "elsewhere").exists()


def test_a_rate_is_honoured(run: Run, folder: Path) -> None:
    done = run("app.handler", "--count", "3", env={"PROFILER_RATE": "0"})
    ok(done)
    assert "3 of 3 invocations, 0 captures" in done.stderr


def test_the_event_comes_from_standard_input(run: Run) -> None:
    done = run("app.handler", "--event", "-", input='{"a": [1, 2]}')
    ok(done)
    assert done.stdout == 'event {"a": [1, 2]} app \n'


def test_every_invocation_gets_the_event_anew(run: Run) -> None:
    ok(run("app.changing", "--event", "event.json", "--count", "3"))


def test_quiet_prints_nothing_of_its_own(run: Run) -> None:
    done = run("app.handler", "--quiet")
    ok(done)
    assert done.stderr == ""


def test_handler_strings_as_lambda_takes_them(run: Run, folder: Path) -> None:
    ok(run("package/lambda.handler"))
    assert {capture.invocation.function_name for capture in captures(folder / "profiles")} == {"lambda"}


@pytest.mark.parametrize("enabled", ["1", "0", "flase"])
@pytest.mark.parametrize("handler", ["app.decorated", "always.handler"])
def test_a_decorated_handler_is_captured_once(run: Run, folder: Path, handler: str, enabled: str) -> None:
    done = run(handler, "--count", "3", env={"PROFILER_ENABLED": enabled})
    ok(done)
    assert [capture.invocation.sequence for capture in captures(folder / "profiles")] == [1, 2, 3]
    assert not (folder / "elsewhere").exists()


# ---- handlers that fail -------------------------------------------------------------------------


def test_a_failing_handler_shows_its_traceback(run: Run, folder: Path) -> None:
    done = run("app.failing", "--count", "2")
    ok(done, 1)
    assert done.stderr.count("KeyError: 'missing'") == 2
    assert 'return event["missing"]' in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "profiler: 2 of 2 invocations, 2 captures in profiles, 2 failed (the last: KeyError)"
    )
    assert [capture.outcome for capture in captures(folder / "profiles")] == ["error"] * 2


def test_a_handler_that_leaves_is_a_failure_and_no_end(run: Run, folder: Path) -> None:
    done = run("app.leaving", "--count", "2")
    ok(done, 1)
    assert "sys.exit(3)" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(captures(folder / "profiles")) == 2


@pytest.mark.parametrize("handler", ["sleeping", "looping", "endless"])
def test_a_timeout_ends_the_invocation(run: Run, folder: Path, handler: str) -> None:
    done = run(f"app.{handler}", "--count", "2", "--timeout", "0.4")
    ok(done, 1)
    assert "timed out after 0.4 s" in done.stderr
    assert "Traceback" not in done.stderr
    found = captures(folder / "profiles")
    assert [capture.outcome for capture in found] == ["timeout"] * 2
    assert all(0.3e9 < capture.invocation.duration_ns < 20e9 for capture in found)


def test_a_handler_that_swallows_the_interrupt_has_timed_out(run: Run) -> None:
    done = run("app.stubborn", "--timeout", "0.3")
    ok(done, 1)
    assert "1 failed (the last: timed out after 0.3 s)" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_timeout_works_where_interrupts_are_ignored(run: Run) -> None:
    """As in the background of a shell script, or under nohup."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = run("app.looping", "--timeout", "0.3")
    finally:
        signal.signal(signal.SIGINT, before)
    ok(done, 1)
    assert "timed out" in done.stderr


def test_a_handler_within_its_time_is_left_alone(run: Run, folder: Path) -> None:
    ok(run("app.waiting", "--count", "3", "--timeout", "30"))
    assert [capture.outcome for capture in captures(folder / "profiles")] == ["ok"] * 3


# ---- input that cannot be used: exit code 2 and one line ----------------------------------------


@pytest.mark.parametrize(
    ("arguments", "env", "message"),
    [
        (("app.handler", "--cpu", "perf"), {}, "cpu=perf: allowed are sampler"),
        (("app.handler", "--memory", "all"), {}, "memory=all: allowed are census"),
        (("app.handler",), {"PROFILER_RATE": "1.5"}, "PROFILER_RATE=1.5: allowed is a number from 0 to 1"),
        (("app.handler",), {"PROFILER_RATE": "x", "PROFILER_GC": "x"}, "PROFILER_GC=x"),
        (("app.handler", "--cpu", "pyinstrument"), {"PROFILER_CLOCK": "cpu"}, "pyinstrument has wall only"),
        (("app.handler", "--store", "file/below"), {}, "cannot write there"),
        (("app.handler", "--store", "ftp://x"), {}, "unknown scheme"),
        (("app.handler", "--store", "s3://"), {}, "names no bucket"),
        (("app.handler", "--store", ""), {}, "store is empty"),
        (("app",), {}, "write MODULE.FUNCTION"),
        ((".handler",), {}, "write MODULE.FUNCTION"),
        (("app.",), {}, "write MODULE.FUNCTION"),
        (("..app.handler",), {}, "import failed"),
        (("app.nothing",), {}, "module 'app' has no 'nothing'"),
        (("app.text",), {}, "'text' is not a function"),
        (("nowhere.handler",), {}, "no module named 'nowhere'"),
        (("broken.handler",), {}, "no module named 'nothing_of_that_name'"),
        (("raising.handler",), {}, "import failed: ValueError: first line second line"),
        (("app.handler", "--event", "none.json"), {}, "event none.json: cannot be read"),
        (("app.handler", "--event", "package"), {}, "event package: cannot be read"),
        (("app.handler", "--event", "bad.json"), {}, "event bad.json: not JSON"),
        (("app.handler", "--event", "deep.json"), {}, "event deep.json: not JSON"),
        (("app.handler", "--event", "latin.json"), {}, "event latin.json: cannot be read"),
    ],
)
def test_bad_input_is_one_line(
    run: Run, arguments: tuple[str, ...], env: dict[str, str], message: str
) -> None:
    done = run(*arguments, env=env)
    ok(done, 2)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("profiler: ")
    assert message in line


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("app.handler", "--count", "-1"),
        ("app.handler", "--count", "0"),
        ("app.handler", "--count", "many"),
        ("app.handler", "--timeout", "0"),
        ("app.handler", "--timeout", "nan"),
        ("app.handler", "--timeout", "soon"),
        ("app.handler", "--memory-size", "1.5"),
        ("app.handler", "--no-such-option"),
    ],
)
def test_bad_usage_is_told_in_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    ok(done, 2)
    (line,) = done.stderr.splitlines()
    assert line.startswith("profiler: ")
    assert "_positive" not in line
    assert "_seconds" not in line


def test_a_slip_of_the_pen_is_a_warning(run: Run) -> None:
    done = run("app.handler", env={"PROFILER_RATTE": "1"})
    ok(done)
    assert "PROFILER_RATTE is set but is no setting of the profiler" in done.stderr


def test_captures_that_fail_are_no_success(run: Run, folder: Path) -> None:
    """The profiler's own failure: the handler is called all the same, and the exit code tells."""
    (folder / "sabotage.py").write_text(
        "import profiler.recorder\n"
        "def fail(*_, **__): raise ValueError('sabotage')\n"
        "profiler.recorder.encode = fail\n"
        "def handler(event, context): print('called')\n"
    )
    done = run("sabotage.handler", "--count", "5")
    ok(done, 2)
    assert done.stdout == "called\n" * 5
    assert done.stderr.count("Traceback") == 1
    assert "not every invocation could be captured" in done.stderr


def test_the_readings_of_a_run_are_json_that_speedscope_reads(run: Run, folder: Path) -> None:
    import gzip

    ok(run("app.waiting"))
    (path,) = (folder / "profiles").rglob("*.speedscope.json.gz")
    document = json.loads(gzip.decompress(path.read_bytes()))
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert {profile["type"] for profile in document["profiles"]} == {"sampled"}


# ---- S3 -----------------------------------------------------------------------------------------

s3 = pytest.mark.parametrize("s3_server", ["moto", "seaweedfs"], indirect=True)
authenticating = pytest.mark.parametrize("s3_server", ["seaweedfs"], indirect=True)


@s3
def test_captures_go_into_a_bucket(run: Run, s3_server: Any, bucket: str, folder: Path) -> None:
    done = run("app.handler", "--count", "3", "--store", f"s3://{bucket}/team", env=s3_server.env())
    ok(done)
    assert f"3 captures in s3://{bucket}/team" in done.stderr
    listed = s3_server.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert [CaptureKey.parse(each["Key"]).sequence for each in listed] == [1, 2, 3]  # type: ignore[union-attr]
    assert all(each["Key"].startswith("team/function=app/") for each in listed)
    assert not (folder / "profiles").exists()


@s3
def test_a_missing_bucket_is_found_before_the_run(run: Run, s3_server: Any) -> None:
    done = run("app.handler", "--store", f"s3://none-{uuid.uuid4().hex[:12]}/x", env=s3_server.env())
    ok(done, 2)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("profiler: store s3://none-")
    assert "the bucket does not exist" in line


@authenticating
@pytest.mark.parametrize(
    ("key", "secret", "advice"),
    [
        (None, "wrong", "AWS_SECRET_ACCESS_KEY"),
        ("nobody", "wrong", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_refused_captures_are_rescued(
    run: Run, s3_server: Any, bucket: str, folder: Path, key: str | None, secret: str, advice: str
) -> None:
    stranger = s3_server.as_identity(key or s3_server.access_key, secret)
    done = run("app.handler", "--count", "3", "--store", f"s3://{bucket}", env=stranger.env())
    ok(done, 2)
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 3
    refused, report, rescued = done.stderr.splitlines()
    assert advice in refused
    assert "3 of 3 invocations, 0 captures" in report
    assert rescued == (
        f"profiler: 3 captures could not be delivered to s3://{bucket}; they are in profiles-undelivered/"
    )
    assert [capture.invocation.sequence for capture in captures(folder / "profiles-undelivered")] == [1, 2, 3]


def test_no_server_at_all(run: Run, folder: Path) -> None:
    env = {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    done = run("app.handler", "--store", "s3://bucket", env=env)
    ok(done, 2)
    (line,) = done.stderr.splitlines()
    assert line.startswith("profiler: store s3://bucket: EndpointConnectionError")


def test_no_credentials(run: Run, folder: Path) -> None:
    done = run("app.handler", "--store", "s3://bucket", env={"HOME": str(folder), "AWS_REGION": "eu-west-1"})
    ok(done, 2)
    (line,) = done.stderr.splitlines()
    assert "no AWS credentials found" in line


# ---- the invoker, in this process ---------------------------------------------------------------


def test_an_async_handler_learns_of_its_deadline_and_may_clean_up() -> None:
    from profiler.cli.invoke import LocalInvoker

    cleaned: list[str] = []

    async def handler(event: Any, context: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append("yes")

    tally = LocalInvoker(handler, lambda call: call, "f", timeout_s=0.2).invoke_many({}, 2)
    assert (tally.done, tally.failed) == (2, 2)
    assert cleaned == ["yes"] * 2


def test_an_interrupt_of_the_users_ends_the_run() -> None:
    from profiler.cli.invoke import LocalInvoker

    def handler(event: Any, context: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalInvoker(handler, lambda call: call, "f", timeout_s=60).invoke_many({}, 2)


def test_the_context_is_as_lambdas() -> None:
    from profiler.cli.invoke import LocalContext

    context = LocalContext("shop", 128, None)
    assert context.memory_limit_in_mb == "128"
    assert context.get_remaining_time_in_millis() == 900_000
    assert context.invoked_function_arn.endswith(":function:shop")
    assert LocalContext("shop", None, 0.0).get_remaining_time_in_millis() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--count", "20"), "raise --count"), (("--count", "30", "--memory", "off"), "memory is off")],
)
def test_fail_on_leak_never_passes_unjudged(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ended = run("app.handler", "--fail-on-leak", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_init_is_captured_beside_the_invocations(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "import time\nfrom profiler import profile\nimport prices\n"
        "@profile\ndef handler(event, context): return prices.TEA\n"
    )
    (tmp_path / "prices.py").write_text("import time\ntime.sleep(0.05)\nTEA = 3\n")
    command = [sys.executable, "-m", "profiler", "run", "shop.handler", "--init", "--count", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=True)
    assert done.stderr == "profiler: 2 of 2 invocations, 3 captures in profiles\n"
    captures = [decode(path.read_bytes()) for path in sorted((tmp_path / "profiles").rglob("*.gz"))]
    assert [capture.invocation.sequence for capture in captures] == [0, 1, 2]
    assert {capture.invocation.function_name for capture in captures} == {"shop"}
    init = captures[0]
    imported = {init.frames[stack[-1]].name for stack in init.threads[0].stacks}
    assert init.threads[0].name == "imports"
    assert {"shop", "prices"} <= imported


def test_an_init_that_fails_is_one_line_and_kept(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("import json.no_such_module\n")
    command = [sys.executable, "-m", "profiler", "run", "shop.handler", "--init"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    (path,) = (tmp_path / "profiles").rglob("*.gz")
    assert (decode(path.read_bytes()).outcome, "-error-" in path.name) == ("error", True)
