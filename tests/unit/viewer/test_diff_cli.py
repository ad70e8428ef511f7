"""`viewer diff` as it is called: sides, output, files and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.viewer.builders import capture, fill, thread
from viewer.cli import main


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten captures of build 90, ten of build 91, in which the second function takes 20 ms more."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILER_STORE", raising=False)
    captures = [
        capture(
            n,
            of={"labels": {"build": str(build)}, "environment_id": f"env-{build}"},
            threads=(thread(((0,), 10 + n % 3), ((0, 1), 30 + n % 4 + (20 if build == 91 else 0))),),
        )
        for build in (90, 91)
        for n in range(2, 12)
    ]
    fill(tmp_path / "profiles", captures)
    return tmp_path / "profiles"


SIDES = ("--before", "label=build=90,warm", "--after", "label=build=91,warm")


def test_two_sets_by_label(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "checkout", *SIDES]) == 0
    out = capsys.readouterr().out
    assert "10 invocations (label=build=90,warm) and 10 invocations (label=build=91,warm)" in out
    assert "+20.0 ms" in out
    assert "% sure that it changed" in out


def test_json_and_markdown(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "checkout", *SIDES, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["whole"]["change"] == 20_000_000
    assert main(["diff", "checkout", *SIDES, "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("### label=build=90,warm → label=build=91,warm\n")


def test_a_limit_that_is_passed_ends_with_one(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "checkout", *SIDES, "--fail-if", "whole>+5%", "--fail-if", "self>+10%"]) == 1
    err = capsys.readouterr().err
    assert "the whole: +20.0 ms per invocation" in err
    assert main(["diff", "checkout", *SIDES, "--fail-if", "whole>+500%"]) == 0
    assert main(["diff", "checkout", *SIDES, "--fail-if", "nonsense"]) == 2


def test_the_page_is_written_once(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "checkout", *SIDES, "--html", "diff.html"]) == 0
    assert "Takes more" in Path("diff.html").read_text(encoding="utf-8")
    assert main(["diff", "checkout", *SIDES, "--html", "diff.html"]) == 2
    assert "--force overwrites it" in capsys.readouterr().err


def test_the_slowest_against_the_rest(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "checkout", "--slowest", "10%", "--against", "rest"]) == 0
    output = capsys.readouterr()
    assert "the slowest 2 of 20 captures" in output.err
    assert "the rest → the slowest 10 %" in output.out
    assert main(["diff", "checkout", "--slowest", "10%", "--among", "label=build=91"]) == 0
    assert "the slowest 1 of 10 captures" in capsys.readouterr().err


def test_two_files(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(map(str, store.rglob("*.json.gz")))
    assert main(["diff", files[0], files[-1]]) == 0
    assert "no telling chance from change" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["checkout"], "give --before and --after"),
        (["checkout", "--before", "warm"], "give --before and --after"),
        (["checkout", "--before", "nonsense", "--after", "warm"], "is no selector"),
        (["checkout", "--before", "warm=1", "--after", "warm"], "is no selector"),
        (["checkout", "--before", "colour=red", "--after", "warm"], "selectors: "),
        (["checkout", "--before", "label=build=1", "--after", "warm"], "that could be read match|no capture"),
        (["checkout", "--slowest", "1%", "--before", "warm"], "--slowest makes both sides"),
        (["./one.json"], "give two files"),
        (["checkout", "--slowest", "lots"], "is no share"),
        (["checkout", *SIDES, "--thread", "Worker"], "nothing to compare"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(
    store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["diff", *arguments]) == 2
    err = capsys.readouterr().err
    assert any(part in err for part in message.split("|")), err
    assert "Traceback" not in err
