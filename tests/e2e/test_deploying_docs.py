"""What docs/deploying.md tells people to write is read by the parsers that will read it; its commands run."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from profiler.cli import main
from profiler.deploy.policy import writer_policy
from profiler.location import S3Location
from profiler.settings import Settings, unknown_variables
from tests.servers import S3Server
from tests.servers.lambda_api import lambda_server

TEXT = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")
ZIP = "invocation-profiler-python3.12-arm64.zip"
VARIABLES = {
    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/invocation-profiler",
    "PROFILER_STORE": "s3://team-profiles/shop",
}
STATEMENT = {
    key: value
    for key, value in writer_policy(S3Location("team-profiles", "shop/"))["Statement"][0].items()
    if key != "Sid"
}


def block(heading: str, language: str) -> str:
    """Return the code below a heading."""
    section = TEXT[TEXT.index(f"\n## {heading}\n") + 1 :]
    section = section[: section.find("\n## ") + 1 or None]
    (code,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(code)


def test_every_variable_named_there_is_one_of_ours() -> None:
    named = dict.fromkeys(re.findall(r"PROFILER_[A-Z_]+", TEXT), "")
    assert unknown_variables(named) == []


class Template(yaml.SafeLoader):  # type: ignore[misc, name-defined, unused-ignore]
    """YAML with CloudFormation's short forms: `!Ref X` becomes {"!Ref": "X"}."""


Template.add_multi_constructor("!", lambda loader, tag, node: {f"!{tag}": loader.construct_scalar(node)})


def checked(variables: dict[str, Any], flag: object) -> None:
    """Check a function's variables; the flag is the template's own parameter."""
    assert variables.pop("PROFILER_ENABLED") == flag
    assert variables == VARIABLES
    Settings.from_env({"PROFILER_ENABLED": "0", **variables})


def test_the_sam_template_is_one() -> None:
    template = yaml.load(block("SAM", "yaml"), Template)
    layer, function = (template["Resources"][name]["Properties"] for name in ("ProfilerLayer", "Checkout"))
    assert layer["ContentUri"] == ZIP
    assert function["Layers"] == [{"!Ref": "ProfilerLayer"}]
    checked(function["Environment"]["Variables"], {"!Ref": "Profiler"})
    (statement,) = function["Policies"][0]["Statement"]
    statement["Resource"] = statement["Resource"]["!Sub"].replace("${AWS::Partition}", "aws")
    assert statement == STATEMENT


def test_cfn_lint_finds_nothing_in_the_sam_template(tmp_path: Path) -> None:
    api = pytest.importorskip("cfnlint.api")
    (tmp_path / "src").mkdir()
    found = api.lint(block("SAM", "yaml"), None, ["us-east-1"])
    assert [str(match) for match in found] == []


def test_the_cdk_stack_compiles() -> None:
    tree = ast.parse(block("CDK", "python"))
    compile(tree, "stack.py", "exec")
    calls = {
        node.func.attr: {keyword.arg: keyword.value for keyword in node.keywords}
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert ZIP in ast.unparse(calls["LayerVersion"]["code"])
    assert ast.unparse(calls["Function"]["layers"]) == "[layer]"
    environment = calls["Function"]["environment"]
    assert isinstance(environment, ast.Dict)
    variables = {
        ast.literal_eval(key): ast.unparse(value)
        for key, value in zip(environment.keys, environment.values, strict=True)
        if key is not None
    }
    assert variables.pop("PROFILER_ENABLED") == "'1' if profiler else '0'"
    assert {name: ast.literal_eval(value) for name, value in variables.items()} == VARIABLES
    statement = {name: ast.literal_eval(value) for name, value in calls["PolicyStatement"].items() if name}
    assert statement == {"actions": [STATEMENT["Action"]], "resources": [STATEMENT["Resource"]]}


def plain(value: Any) -> Any:
    """Return what python-hcl2 read without its quotes and its marks of blocks."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.strip('"') if isinstance(value, str) else value


def test_the_terraform_configuration_is_one() -> None:
    resources: dict[str, Any] = {}
    for resource in plain(hcl2.loads(block("Terraform", "hcl")))["resource"]:
        resources.update(resource)
    layer = resources["aws_lambda_layer_version"]["profiler"]
    function = resources["aws_lambda_function"]["checkout"]
    assert layer["filename"] == ZIP
    assert function["layers"] == ["${aws_lambda_layer_version.profiler.arn}"]
    (environment,) = function["environment"]
    checked(environment["variables"], "${var.profiler}")
    policy = str(resources["aws_iam_role_policy"]["captures"]["policy"])
    assert all(f'"{value}"' in policy for value in STATEMENT.values())


def test_the_serverless_configuration_is_one() -> None:
    service = yaml.load(block("Serverless Framework", "yaml"), Template)
    assert service["layers"]["profiler"]["package"]["artifact"] == ZIP
    function = service["functions"]["checkout"]
    # The name that Serverless gives to the layer `profiler`.
    assert function["layers"] == [{"!Ref": "ProfilerLambdaLayer"}]
    checked(function["environment"], "${param:profiler, '0'}")
    assert service["provider"]["iam"]["role"]["statements"] == [STATEMENT]


def test_the_entry_point_in_a_zip_and_in_an_image() -> None:
    configuration = yaml.safe_load(block("In the function's own zip", "yaml"))
    assert configuration["Handler"] == "profiler.aws.entrypoint.handler"
    variables = configuration["Environment"]["Variables"]
    assert unknown_variables(variables) == []
    Settings.from_env(variables)
    dockerfile = block("In a container image", "dockerfile")
    assert f'CMD ["{configuration["Handler"]}"]' in dockerfile
    assert f"COPY {ZIP} " in dockerfile


def test_the_policy_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "--store", "s3://team-profiles/shop"]) == 0
    assert capsys.readouterr().out == block("Permissions", "json")


@pytest.fixture
def account(moto_s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with lambda_server(moto_s3) as server:
        for name, value in {
            **server.env,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def test_the_commands_do_what_they_say(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        line for found in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL) for line in found.splitlines()
    ]
    commands = [shlex.split(line.removeprefix("$ ")) for line in lines]
    client = account.client(region="eu-west-1")
    account.make_function("checkout", region="eu-west-1")
    for program, *arguments in commands:
        if program == "profiler":
            assert main(arguments) == 0, capsys.readouterr()
            continue
        options = dict(zip(arguments[2::2], arguments[3::2], strict=True))
        assert arguments[:2] == ["lambda", "publish-layer-version"]
        answer = client.publish_layer_version(
            LayerName=options.pop("--layer-name"),
            Content={"ZipFile": Path(options.pop("--zip-file").removeprefix("fileb://")).read_bytes()},
            CompatibleRuntimes=[options.pop("--compatible-runtimes")],
        )
        assert options == {}
        assert answer["Version"] == 1
    told = capsys.readouterr().out
    assert "checkout: would change" in told
    assert "checkout: on, captures go to s3://team-profiles/shop, through our exec wrapper" in told
    assert "checkout: off, everything as it was before" in told
    assert json.dumps("s3:PutObject") in told
