"""A live flag in one warm environment, with the real runtime client; and switched with `profiler flag`."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("moto")

from profiler.cli import main
from profiler.codec import decode
from profiler.deploy import lambda_api
from profiler.flag import open_source
from profiler.flag.value import FlagError
from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import PYTHON, write_app
from tests.servers import S3Server
from tests.servers.lambda_api import LambdaServer, lambda_server
from tests.unit.profiler.local_answers import Answers, local_answers

APP = """
from profiler import profile

@profile
def handler(event, context):
    return event
"""


@pytest.fixture
def appconfig() -> Iterator[Answers]:
    with local_answers() as answers:
        yield answers


def environment(
    folder: Path, answers: Answers, app: str = APP, *, options: dict[str, Any] | None = None, **variables: str
) -> ExecutionEnvironment:
    (folder / "function").mkdir()
    env = {
        "PROFILER_ENABLED": "live",
        "PROFILER_FLAG": "appconfig:shop/prod/flags#profile",
        "PROFILER_FLAG_TTL_S": "1",
        "PROFILER_STORE": str(folder / "store"),
        "AWS_APPCONFIG_EXTENSION_HTTP_PORT": str(answers.port),
        "TMPDIR": str(folder),
        **variables,
    }
    code = write_app(folder / "function", app)
    return ExecutionEnvironment("app.handler", code, python=PYTHON, env=env, **options or {})


def sequences(folder: Path) -> list[int]:
    found = [decode(path.read_bytes()) for path in (folder / "store").rglob("*.gz")]
    return sorted(capture.invocation.sequence for capture in found)


def invoke_for(function: ExecutionEnvironment, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert function.invoke({"n": 1}).payload == {"n": 1}
        time.sleep(0.05)


def test_one_warm_environment_is_switched_on_and_off(tmp_path: Path, appconfig: Answers) -> None:
    appconfig.body = '{"enabled": false}'
    with environment(tmp_path, appconfig) as function:
        invoke_for(function, 1.5)
        assert sequences(tmp_path) == []
        appconfig.body = '{"enabled": true}'
        invoke_for(function, 3.0)
        captured = sequences(tmp_path)
        appconfig.body = '{"enabled": false}'
        invoke_for(function, 2.5)
        before = len(sequences(tmp_path))
        invoke_for(function, 1.0)
        assert len(sequences(tmp_path)) == before
    assert len(captured) > 5
    assert captured == list(range(captured[0], captured[-1] + 1))
    assert captured[0] > 3  # all were counted, captured or not


@pytest.mark.parametrize("trouble", ["hangs", "gone", "nonsense"])
def test_a_flag_that_cannot_be_read_is_off_and_harms_nobody(
    trouble: str, tmp_path: Path, appconfig: Answers
) -> None:
    variables = {}
    if trouble == "hangs":
        appconfig.delay_s = 3.0
    elif trouble == "gone":
        variables["AWS_APPCONFIG_EXTENSION_HTTP_PORT"] = "1"
    else:
        appconfig.body = "<html>"
    with environment(tmp_path, appconfig, **variables) as function:
        began = time.monotonic()
        for number in range(40):
            assert function.invoke({"n": number}).payload == {"n": number}
        assert time.monotonic() - began < 2.5  # a read of three seconds held up nobody
        if trouble != "hangs":
            time.sleep(0.2)
            function.invoke({})
            assert function.log.count("the live flag cannot be read") == 1
    assert sequences(tmp_path) == []


INIT = (
    APP
    + """
import time
time.sleep(0.5)
"""
)


def test_an_extension_that_answers_in_no_init(tmp_path: Path, appconfig: Answers) -> None:
    """The extension for parameters, which "can be called in the INVOKE phase only"."""
    appconfig.status, appconfig.body = 400, "not ready to serve traffic, please wait"
    variables = {
        "PROFILER_FLAG": "ssm:/shop/profile",
        "PROFILER_FLAG_TTL_S": "600",
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(appconfig.port),
    }
    with environment(tmp_path, appconfig, INIT, **variables) as function:
        assert function.init.status == "ok"
        assert len(appconfig.requests) == 1
        appconfig.status, appconfig.body = 200, json.dumps({"Parameter": {"Value": "on"}})
        invoke_for(function, 1.0)
        assert "live flag" not in function.log
    assert sequences(tmp_path)[0] < 5
    assert len(appconfig.requests) == 2


def test_an_environment_that_is_frozen_in_the_middle_of_a_read(tmp_path: Path, appconfig: Answers) -> None:
    """Each invocation takes less than a read does; in between nothing of the process runs."""
    appconfig.delay_s = 0.2
    appconfig.body = '{"enabled": false}'
    with environment(tmp_path, appconfig, options={"freeze": True}) as function:
        invoke_for(function, 1.5)
        assert sequences(tmp_path) == []
        appconfig.body = '{"enabled": true}'
        invoke_for(function, 3.5)
        assert len(sequences(tmp_path)) > 5
        appconfig.body = '{"enabled": false}'
        invoke_for(function, 3.5)
        before = len(sequences(tmp_path))
        invoke_for(function, 1.0)
        assert len(sequences(tmp_path)) == before
        assert "live flag" not in function.log


def test_a_copy_of_a_snapshot_reads_for_itself(tmp_path: Path, appconfig: Answers) -> None:
    appconfig.body = '{"enabled": true}'
    options = {"initialization_type": "snap-start"}
    with environment(tmp_path, appconfig, INIT, options=options) as function:
        assert function.init.status == "ok"
        assert len(appconfig.requests) == 1  # what the snapshot holds: on
        appconfig.body = '{"enabled": false}'
        time.sleep(1.5)
        invoke_for(function, 1.0)
    assert sequences(tmp_path) == []


# ---- a parameter -----------------------------------------------------------------------------------


@pytest.fixture
def server(moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaServer]:
    monkeypatch.setattr(lambda_api, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(lambda_api, "_WAIT_EVERY_S", 0.01)
    with lambda_server(moto_s3) as server:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "PROFILER_STORE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", moto_s3.endpoint_url)
        yield server


def make_function(server: LambdaServer, parameter: str) -> str:
    variables = {"PROFILER_ENABLED": "live", "PROFILER_FLAG": f"ssm:{parameter}"}
    return server.make_function(f"checkout-{uuid.uuid4().hex[:8]}", Environment={"Variables": variables})


def test_a_parameter_is_switched_and_read(server: LambdaServer, capsys: pytest.CaptureFixture[str]) -> None:
    parameter = f"/shop/{uuid.uuid4().hex}"
    name = make_function(server, parameter)
    source = open_source(f"ssm:{parameter}", name, {})
    with pytest.raises(FlagError, match="no such parameter"):
        source.read()
    assert main(["flag", "status", name]) == 0
    assert capsys.readouterr().out == f"{name}: off, for there is no such parameter yet\n"
    for arguments, content, shown in (
        (["on", name], "on", "on"),
        (["off", name], "off", "off"),
        (["on", name, "--for", "10m"], "on until 20", "on until 20"),
    ):
        assert main(["flag", *arguments]) == 0
        assert str(source.read()).startswith(content)
        assert f"{name}: {shown}" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_worker_has_connections_of_its_own(server: LambdaServer) -> None:
    parameter = f"/shop/{uuid.uuid4().hex}"
    assert main(["flag", "on", make_function(server, parameter)]) == 0
    source: Any = open_source(f"ssm:{parameter}", "checkout", {})
    assert source.read() == "on"
    parents = source._client
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if source.read() == "on" and source._client is not parents else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert source.read() == "on"
    assert source._client is parents


def test_a_flag_for_several_functions_keeps_the_others(server: LambdaServer) -> None:
    from profiler.flag.ssm import make_client

    parameter = f"/shop/{uuid.uuid4().hex}"
    name = make_function(server, parameter)
    client: Any = make_client()
    client.put_parameter(Name=parameter, Value='{"other": "on", "*": "off"}', Type="SecureString")
    assert main(["flag", "on", name]) == 0
    kept = client.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]
    assert kept["Value"] == f'{{"other": "on", "*": "off", "{name}": "on"}}'
    assert kept["Type"] == "SecureString"


def test_an_encrypted_flag_keeps_its_key(server: LambdaServer) -> None:
    from profiler.deploy.parameter import FlagParameter
    from profiler.flag.ssm import make_client

    parameter = f"/shop/{uuid.uuid4().hex}"
    client: Any = make_client()
    client.put_parameter(Name=parameter, Value="off", Type="SecureString", KeyId="alias/team")
    flag = FlagParameter(parameter, None)
    sent: list[dict[str, Any]] = []
    # moto keeps the key by itself, AWS does not.
    flag._client.meta.events.register(
        "before-parameter-build.ssm.PutParameter", lambda params, **_: sent.append(dict(params))
    )
    assert flag.read() == "off"
    flag.write("on", is_new=False)
    assert sent[0]["KeyId"] == "alias/team"
    assert sent[0]["Type"] == "SecureString"
    assert flag.read() == "on"


def test_enabling_with_a_flag(server: LambdaServer, capsys: pytest.CaptureFixture[str]) -> None:
    name = server.make_function(f"checkout-{uuid.uuid4().hex[:8]}")
    assert main(["flag", "on", name]) == 2
    assert "PROFILER_FLAG is not set" in capsys.readouterr().err
    assert main(["enable", name, "--store", "s3://bucket/p", "--flag", "ssm:/shop/x"]) == 0
    assert "live" in capsys.readouterr().out
    found = server.client().get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert (found["PROFILER_ENABLED"], found["PROFILER_FLAG"]) == ("live", "ssm:/shop/x")
