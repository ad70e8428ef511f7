"""The README is run: its function, its variables and every command of its five stories."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from profiler.cli import COMMANDS as PROFILER_COMMANDS
from profiler.settings import Settings, variable_of
from profiler.testing import ExecutionEnvironment
from tests.servers import S3Server
from viewer.cli import COMMANDS as VIEWER_COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STORIES = README[README.index("## Five stories") :]
INVOCATIONS = 41


def blocks(language: str, text: str = STORIES) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    return [line[2:] for line in lines if line.startswith("$ ")]


def test_the_first_two_commands_are_the_whole_set_up() -> None:
    first = [line for block in blocks("console", README) for line in block.splitlines()][:2]
    assert first == ["$ make demo", "$ make test"]


def test_the_stories_work_as_they_are_told(seaweedfs: S3Server, tmp_path: Path) -> None:
    (code,) = blocks("python")
    name, _, source = code.partition("\n")
    (tmp_path / name.removeprefix("# ")).write_text(source, encoding="utf-8")
    variables = dict(re.findall(r'(PROFILER_\w+): "?([^"\n]+)"?', blocks("yaml")[0]))
    seaweedfs.make_bucket("team-profiles")
    env = {**variables, **seaweedfs.env()}
    with ExecutionEnvironment(
        "app.handler", task_root=tmp_path, env=env, function_name="app", memory_mb=256
    ) as environment:
        assert [environment.invoke({}).status for _ in range(INVOCATIONS)] == ["ok"] * INVOCATIONS

    script = "\n".join(["set -x", *(f"{command} || echo exit=$?" for command in commands())])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    told = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **seaweedfs.env(), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    # `viewer leaks` and `profiler run --fail-on-leak` find the leak, and everything else succeeds.
    assert re.findall(r"exit=\d+", told.stdout) == ["exit=1", "exit=1"], told.stdout + told.stderr
    assert told.stdout.count("app.PRICES") >= 2
    for written in re.findall(r"-o (\S+)", " ".join(commands())):
        assert (tmp_path / written).exists(), written


@pytest.mark.parametrize("name", sorted(Settings.__slots__))
def test_every_variable_is_documented(name: str) -> None:
    assert f"`{variable_of(name)}`" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [f"profiler {name}" for name in PROFILER_COMMANDS] + [f"viewer {name}" for name in VIEWER_COMMANDS],
)
def test_every_command_is_documented(command: str) -> None:
    assert f"`{command}" in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_every_link_of_the_readme_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
