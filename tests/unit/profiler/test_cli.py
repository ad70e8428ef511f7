"""How the `profiler` command answers: helps, versions, and mistakes on one line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from profiler.cli import COMMANDS, HELP, main
from profiler.triggers.token import Verifier
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
        ["flag", "toggle", "checkout"],
        ["flag", "on", "checkout", "--for", "31d"],
        ["token"],
        ["token", "checkout"],
        ["token", "checkout", "--expires", "10"],
        ["token", "arn:aws:s3:::bucket", "--key-file", __file__],
        ["token", "checkout", "--expires", "8d"],
        ["token", "checkout", "--key-file", "no-such-file"],
        ["token", "checkout", "--key-file", os.devnull],
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


def test_a_token_is_signed_with_the_key_of_the_environment_or_of_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = "a key that nobody guesses"
    monkeypatch.setenv("PROFILER_REQUEST_KEY", key)
    assert main(["token", "checkout", "--expires", "2h"]) == 0
    shown = capsys.readouterr()
    assert Verifier(key, "checkout").accepts(shown.out.strip(), time.time() + 7100)
    assert not Verifier(key, "checkout").accepts(shown.out.strip(), time.time() + 7300)
    assert "x-profile-token" in shown.err
    assert key not in shown.out + shown.err
    (tmp_path / "key").write_text("another key, in a file\n")
    assert main(["token", "checkout", "--key-file", str(tmp_path / "key"), "--quiet"]) == 0
    shown = capsys.readouterr()
    assert Verifier("another key, in a file", "checkout").accepts(shown.out.strip())
    assert shown.err == ""


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("arn:aws:lambda:eu-west-1:123456789012:function:checkout", "checkout"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:checkout:live", "checkout"),
        ("123456789012:function:checkout", "checkout"),
        ("checkout:$LATEST", "checkout"),
        ("shop.app", "shop.app"),
    ],
)
def test_a_token_is_for_the_name_that_the_function_has(
    given: str, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILER_REQUEST_KEY", "a key that nobody guesses")
    assert main(["token", given, "--quiet"]) == 0
    assert Verifier("a key that nobody guesses", name).accepts(capsys.readouterr().out.strip())


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
