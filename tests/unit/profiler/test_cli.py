"""How the `profiler` command answers: helps, versions, and mistakes on one line."""

from __future__ import annotations

import pytest

from profiler.cli import COMMANDS, HELP, main
from tests.unit.profiler.helpers import run_python


def test_without_arguments_it_tells_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(f"\n    {name} " in told for name in COMMANDS)
    assert list(HELP) == list(COMMANDS)


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("invocation-profiler")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: profiler {command}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["--no-such-option"],
        ["run"],
        ["run", "app.handler", "--count", "none"],
        ["layer"],
        ["layer", "build", "--arch", "sparc"],
        ["layer", "build", "--python", "2.7"],
        ["enable"],
        ["enable", "checkout", "--set", "no-such-setting=1"],
        ["enable", "checkout", "--set", "rate"],
        ["enable", "checkout", "--layer", "arn:aws:lambda:eu-west-1:123456789012:layer:no-version"],
        ["status", "--no-such-option", "checkout"],
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("profiler: ")


def test_a_command_loads_no_other() -> None:
    code = """
        import sys
        from profiler.cli import main
        main(["policy", "--store", "s3://b"])
        loaded = {name for name in sys.modules if name.startswith("profiler.cli.")}
        assert loaded == {"profiler.cli.policy"}, loaded
        assert "boto3" not in sys.modules
    """
    done = run_python(code)
    assert (done.returncode, done.stderr) == (0, "")
