"""`profiler enable`, `disable` and `status` against moto's Lambda, over HTTP."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("moto")

from profiler.cli import main
from profiler.deploy import lambda_api
from profiler.deploy.layer import build_layer
from tests.servers import S3Server
from tests.servers.lambda_api import LambdaServer, lambda_server

STORE = "s3://team-profiles/shop"
LATER = {"PROFILER_ENABLED": "1", "PROFILER_STORE": STORE}
OUR_WRAPPER = "/opt/invocation-profiler"
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def layer_zip() -> bytes:
    return build_layer("3.12", "arm64").data


@pytest.fixture
def server(moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaServer]:
    monkeypatch.setattr(lambda_api, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(lambda_api, "_WAIT_EVERY_S", 0.01)
    with lambda_server(moto_s3) as server:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "PROFILER_STORE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def function(server: LambdaServer) -> Callable[..., str]:
    def make(variables: dict[str, str] | None = None, **more: Any) -> str:
        environment = {"Environment": {"Variables": variables}} if variables else {}
        return server.make_function(f"checkout-{uuid.uuid4().hex[:8]}", **environment, **more)

    return make


@pytest.fixture
def layer(server: LambdaServer, layer_zip: bytes) -> str:
    return server.make_layer("invocation-profiler", layer_zip)


def facts(server: LambdaServer, name: str) -> Facts:
    """Return all that a function is configured with, but for what changes with every update."""
    answer: Facts = server.client().get_function_configuration(FunctionName=name)
    for changing in ("RevisionId", "LastModified", "ResponseMetadata", "LastUpdateStatus"):
        answer.pop(changing, None)
    answer["Environment"] = answer.get("Environment") or {"Variables": {}}
    return answer


def variables(server: LambdaServer, name: str) -> dict[str, str]:
    found: dict[str, str] = facts(server, name)["Environment"]["Variables"]
    return found


def test_enable_and_disable_leave_a_function_as_it_was(
    server: LambdaServer, function: Callable[..., str], layer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    numpy = server.make_layer("numpy", b"zip")
    before = {"DB_PASSWORD": "hush", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel", "PROFILER_LABELS": "team=shop"}
    name = function(before, Layers=[numpy], MemorySize=512, Timeout=20, Description="ours")
    was = facts(server, name)
    assert (
        main(["enable", name, "--store", STORE, "--rate", "0.1", "--set", "gc=collect", "--layer", layer])
        == 0
    )
    assert capsys.readouterr().out == f"{name}: on, captures go to {STORE}, through our exec wrapper\n"
    now = facts(server, name)
    assert {key for key in now if now[key] != was.get(key)} == {"Environment", "Layers"}
    assert [found["Arn"] for found in now["Layers"]] == [numpy, layer]
    own = now["Environment"]["Variables"]
    assert own.pop("PROFILER_BEFORE")
    assert own == {
        "DB_PASSWORD": "hush",
        "AWS_LAMBDA_EXEC_WRAPPER": OUR_WRAPPER,
        "PROFILER_INNER_WRAPPER": "/opt/otel",
        "PROFILER_LABELS": "team=shop",
        "PROFILER_RATE": "0.1",
        "PROFILER_GC": "collect",
        **LATER,
    }
    assert main(["enable", name, "--layer", layer]) == 0
    assert capsys.readouterr().out == f"{name}: is on already, as asked\n"
    assert main(["disable", name]) == 0
    assert capsys.readouterr().out == f"{name}: off, everything as it was before\n"
    assert facts(server, name) == was
    assert main(["disable", name]) == 0
    assert capsys.readouterr().out == f"{name}: is off already\n"
    assert len(server.updates) == 2


def test_only_what_changes_is_sent(server: LambdaServer, function: Callable[..., str]) -> None:
    assert main(["enable", function(), "--store", STORE]) == 0
    (update,) = server.updates
    assert set(update) == {"RevisionId", "Environment"}


def test_somebody_elses_change_at_the_same_moment_is_kept(
    server: LambdaServer, function: Callable[..., str]
) -> None:
    name = function({"TEAM": "shop"})
    server.before_update = [
        lambda: server.change_behind(name, DB_HOST="new-host"),
        lambda: server.change_behind(name, TEAM="checkout"),
    ]
    assert main(["enable", name, "--store", STORE]) == 0
    found = variables(server, name)
    assert (found["DB_HOST"], found["TEAM"], found["PROFILER_ENABLED"]) == ("new-host", "checkout", "1")
    server.before_update = [lambda: server.change_behind(name, MORE="1")]
    assert main(["disable", name]) == 0
    assert variables(server, name) == {"DB_HOST": "new-host", "TEAM": "checkout", "MORE": "1"}


def test_a_function_that_never_stands_still_is_given_up(
    server: LambdaServer, function: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = function({"COUNT": "0"})
    server.before_update = [lambda n=n: server.change_behind(name, COUNT=str(n)) for n in range(100)]  # type: ignore[misc]
    assert main(["enable", name, "--store", STORE]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"profiler: {name}: is being changed by somebody else all the time; nothing was changed"
    assert set(variables(server, name)) == {"COUNT"}


def test_it_waits_for_an_update_under_way_and_for_its_own(
    server: LambdaServer, function: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = function()
    server.conflicts, server.in_progress = 2, 5
    assert main(["enable", name, "--store", STORE]) == 0
    assert server._pending[name] == 0
    server.in_progress = 5
    assert main(["disable", name, "--no-wait"]) == 0
    assert server._pending[name] > 0


def test_an_update_that_fails_in_the_end_is_told(
    server: LambdaServer, function: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = function()
    server.failure = "The role cannot be assumed"
    assert main(["enable", name, "--store", STORE]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"profiler: {name}: changed, but the update failed: The role cannot be assumed"


def test_an_update_that_takes_for_ever_is_told(
    server: LambdaServer,
    function: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(lambda_api, "_WAIT_AT_MOST_S", 0.05)
    name = function()
    server.in_progress = 1000
    assert main(["enable", name, "--store", STORE]) == 2
    assert "not in effect after" in capsys.readouterr().err


def test_a_dry_run_shows_the_difference_and_nothing_of_the_functions_own(
    server: LambdaServer, function: Callable[..., str], layer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = function({"DB_PASSWORD": "hush", "PROFILER_RATE": "1"})
    assert main(["enable", name, "--store", STORE, "--rate", "0.1", "--layer", layer, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.splitlines() == [
        f"{name}: would change",
        f"  + AWS_LAMBDA_EXEC_WRAPPER={OUR_WRAPPER}",
        "  + PROFILER_BEFORE=(what disable puts back)",
        "  + PROFILER_ENABLED=1",
        "  ~ PROFILER_RATE=1 → 0.1",
        f"  + PROFILER_STORE={STORE}",
        f"  + layer {layer}",
    ]
    assert server.updates == []
    assert main(["disable", name, "--dry-run"]) == 0
    assert capsys.readouterr().out == f"{name}: nothing to change\n"


def test_without_a_layer_it_says_that_the_code_needs_a_decorator(
    function: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = function()
    assert main(["enable", name, "--store", STORE]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{name}: on, captures go to {STORE}",
        "  only variables are set, so its code needs @profile, or --layer ARN",
    ]


def test_the_store_of_this_shell_is_the_default(
    server: LambdaServer, function: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = function(), function({"PROFILER_STORE": "s3://own/one"})
    monkeypatch.setenv("PROFILER_STORE", STORE)
    assert main(["enable", one, two]) == 0
    assert variables(server, one)["PROFILER_STORE"] == STORE
    assert variables(server, two)["PROFILER_STORE"] == "s3://own/one"


@pytest.mark.parametrize("store", [None, "profiles"])
def test_without_a_store_it_refuses(
    server: LambdaServer,
    function: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    store: str | None,
) -> None:
    if store:
        monkeypatch.setenv("PROFILER_STORE", store)
    name = function()
    assert main(["enable", name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"profiler: {name}: PROFILER_STORE is not set: give --store s3://bucket/prefix"
    assert server.updates == []


def test_of_several_each_is_reported(
    server: LambdaServer, function: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    good, node = function(), function(Runtime="nodejs20.x")
    assert main(["enable", "no-such", node, f"{good}:live", "a b", good, "--store", STORE]) == 2
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == f"{good}: on, captures go to {STORE}"
    assert captured.err.splitlines() == [
        "profiler: no-such: there is no such function in us-east-1",
        f"profiler: {node}: runs nodejs20.x, and this is a profiler for Python",
        f"profiler: {good}:live: versions and aliases cannot be changed; change {good},"
        " then publish a version of it",
        "profiler: a b: no name and no ARN of a Lambda function",
    ]


def test_an_arn_works_as_a_name(server: LambdaServer, function: Callable[..., str]) -> None:
    name = function()
    arn = facts(server, name)["FunctionArn"]
    assert main(["enable", arn, "--store", STORE]) == 0
    assert variables(server, name)["PROFILER_ENABLED"] == "1"


def test_a_layer_that_is_not_there_is_one_line(
    function: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:invocation-profiler:99"
    assert main(["enable", function(), "--store", STORE, "--layer", arn]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "layer" in line.lower()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((403, "AccessDeniedException", "no"), "access is denied: you need lambda:GetFunctionConfiguration"),
        ((403, "ExpiredTokenException", "old"), "ExpiredToken"),
        ((400, "InvalidParameterValueException", "two\nlines"), "two lines"),
    ],
)
def test_what_the_api_refuses_is_one_line(
    server: LambdaServer, capsys: pytest.CaptureFixture[str], answer: tuple[int, str, str], told: str
) -> None:
    server.answer = answer
    assert main(["enable", "checkout", "--store", STORE]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_without_a_region_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert main(["status", "one", "two"]) == 2
    assert capsys.readouterr().err == "profiler: no AWS region: set AWS_REGION\n"


def test_status_is_a_table_and_json(
    server: LambdaServer, function: Callable[..., str], layer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    on, off = function({"AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel"}, MemorySize=256), function()
    entry = function(dict(LATER), Handler="profiler.aws.entrypoint.handler")
    assert main(["enable", on, "--store", STORE, "--layer", layer]) == 0
    capsys.readouterr()
    assert main(["status", on, off, entry, "no-such"]) == 2
    captured = capsys.readouterr()
    head, *rows = captured.out.splitlines()
    assert head.split() == ["function", "state", "store", "layer", "wrapper", "runtime", "memory", "updated"]
    version = layer.rpartition(":")[2]
    assert rows[0].startswith(
        f"{on}  on     {STORE}  invocation-profiler:{version}  yes, then /opt/otel  python3.12  256 MB  20"
    )
    assert rows[1].split()[1:5] == ["off", "-", "-", "no"]
    assert "entry point" in rows[2]
    assert captured.err == "profiler: no-such: there is no such function in us-east-1\n"
    assert main(["status", "--json", on]) == 0
    (seen,) = json.loads(capsys.readouterr().out)
    assert seen.pop("updated").startswith("20")
    assert seen == {
        "function": on,
        "state": "on",
        "store": STORE,
        "layer": layer,
        "wrapper": True,
        "inner_wrapper": "/opt/otel",
        "entry_point": False,
        "runtime": "python3.12",
        "memory_mb": 256,
        "update_status": "Successful",
    }


def test_status_of_a_version_is_its_own(
    server: LambdaServer, function: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = function()
    version = server.client().publish_version(FunctionName=name)["Version"]
    assert main(["enable", name, "--store", STORE]) == 0
    capsys.readouterr()
    assert main(["status", "--json", name, f"{name}:{version}"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert [(found["function"], found["state"]) for found in seen] == [
        (name, "on"),
        (f"{name}:{version}", "off"),
    ]
