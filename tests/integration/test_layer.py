"""The layer as it is built, unpacked where Lambda unpacks it, and a function run through its exec wrapper."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from profiler.cli import main
from profiler.codec import decode
from profiler.testing import ExecutionEnvironment
from tests.integration.interpreters import EACH_PYTHON

APP = """
import os
import sys
import time


def handler(event, context):
    time.sleep(0.02)
    return {"from": sys.modules["profiler"].__file__, "modules": sorted(sys.modules), "path": sys.path[:3]}
"""
ARCH = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack as Lambda does: with the modes that stand in the zip."""
    with zipfile.ZipFile(archive) as found:
        for entry in found.infolist():
            path = Path(found.extract(entry, folder))
            path.chmod(entry.external_attr >> 16 & 0o777)
    return folder


def invoke(opt: Path, task: Path, store: Path, python: str, **variables: str) -> tuple[Any, str]:
    task.mkdir()
    (task / "app.py").write_text(APP, encoding="utf-8")
    env = {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/invocation-profiler",
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": str(store),
        **variables,
    }
    with ExecutionEnvironment("app.handler", task, python=python, env=env, opt=opt) as environment:
        result = environment.invoke({})
        return result.payload, environment.log


@EACH_PYTHON
def test_a_function_runs_through_the_built_layer(tmp_path: Path, python: str) -> None:
    assert main(["layer", "build", "--python", "3.12", "--arch", "arm64", "-o", str(tmp_path / "l.zip")]) == 0
    opt = unpack(tmp_path / "l.zip", tmp_path / "opt")
    payload, log = invoke(opt, tmp_path / "task", tmp_path / "store", python)
    assert log == ""
    assert payload["from"] == str(opt / "python" / "profiler" / "__init__.py")
    assert payload["path"][0] == str(tmp_path / "task")
    laptop = r"profiler\.(cli|demo|deploy|testing)"
    assert not [name for name in payload["modules"] if re.match(laptop, name)]
    (path,) = (tmp_path / "store").rglob("*.gz")
    capture = decode(path.read_bytes())
    assert capture.outcome == "ok"
    assert any(frame.name == "handler" and frame.file.endswith("app.py") for frame in capture.frames)


@EACH_PYTHON
def test_an_engine_in_the_layer_is_found(
    tmp_path: Path, python: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    options = ["--python", version, "--arch", ARCH, "--with", "pyinstrument", "-o", str(tmp_path / "l.zip")]
    if main(["layer", "build", *options]) == 2:
        told = capsys.readouterr().err
        assert "No matching distribution" in told
        pytest.skip(f"no package index: {told}")
    opt = unpack(tmp_path / "l.zip", tmp_path / "opt")
    payload, log = invoke(opt, tmp_path / "task", tmp_path / "store", python, PROFILER_CPU="pyinstrument")
    assert log == ""
    assert "pyinstrument.low_level.stat_profile" in payload["modules"]
    (path,) = (tmp_path / "store").rglob("*.gz")
    assert decode(path.read_bytes()).engine.name == "pyinstrument"


def test_an_installed_package_builds_the_same_layer_without_a_checkout(tmp_path: Path) -> None:
    root, source = Path(__file__).parents[2], tmp_path / "source"
    for folder in ("profiler", "viewer"):  # a copy: a build leaves things behind
        shutil.copytree(root / folder, source / folder)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / file, source)
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    site = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
        str(source),
    ]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if "setuptools" in done.stderr:
        pytest.skip("no package index for the build back end")
    assert done.returncode == 0, done.stderr
    command = [str(python), "-m", "profiler", "layer", "build", "--python", "3.13", "--arch", "x86_64"]
    env = {"PYTHONPATH": str(site)}
    subprocess.run([*command, "-o", "a.zip"], cwd=tmp_path, env=env, check=True)
    assert (
        main(["layer", "build", "--python", "3.13", "--arch", "x86_64", "-o", str(tmp_path / "b.zip")]) == 0
    )
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
