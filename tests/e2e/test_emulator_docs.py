"""The page on the emulator: its example runs, and it names every argument and every field."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from profiler.testing import ExecutionEnvironment, InvocationResult

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    files = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    for name, source in files:
        (tmp_path / name).write_text(source, encoding="utf-8")
    assert [name for name, _ in files] == ["app.py", "test_app.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_app.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        *list(inspect.signature(ExecutionEnvironment).parameters),
        *[field.name for field in dataclasses.fields(InvocationResult)],
    ],
)
def test_every_argument_and_field_is_documented(name: str) -> None:
    assert f"| `{name}` |" in PAGE
