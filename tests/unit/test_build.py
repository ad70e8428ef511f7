"""What the build puts into the wheel beside our own files, and that it goes on where that cannot be had."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import os
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def build() -> ModuleType:
    """Return setup.py as a module."""
    spec = importlib.util.spec_from_file_location("project_setup", ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


PACKAGE = package(
    {
        "LICENSE": b"MIT",
        "README.md": b"no",
        "bin/cli.mjs": b"no",
        "dist/release/index.html": b"<html>",
        "dist/release/deeper/x.js": b"no",
        "package.json": b"no",
    }
)


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an npm on the PATH that packs what stands in a file."""
    content = tmp_path / "content.tgz"
    content.write_bytes(PACKAGE)
    command = tmp_path / "bin" / "npm"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\ncp {content} speedscope.tgz\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    return content


def integrity(data: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


needs_a_shell = pytest.mark.skipif(sys.platform == "win32", reason="npm is played by a shell script")


@needs_a_shell
def test_the_release_and_its_license_are_taken(build: ModuleType, npm: Path) -> None:
    build.INTEGRITY = integrity(PACKAGE)
    assert build.release_in(build.fetch()) == {"LICENSE": b"MIT", "index.html": b"<html>"}


@needs_a_shell
def test_another_file_is_not_taken(build: ModuleType, npm: Path) -> None:
    with pytest.raises(build.Absent, match="its digest is sha512-"):
        build.fetch()


@needs_a_shell
def test_an_npm_that_fails_is_no_failure_of_the_build(build: ModuleType, npm: Path) -> None:
    npm.unlink()
    with pytest.raises(build.Absent, match="exit code 1"):
        build.fetch()


def test_without_npm_the_build_goes_on(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from setuptools import Distribution

    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "viewer").mkdir()
    (tmp_path / "viewer" / "__init__.py").touch()
    command = build.BuildWithSpeedscope(Distribution({"packages": ["viewer"]}))
    command.ensure_finalized()
    # What an earlier build left must not stay: it may be of another release.
    stale = Path(command.build_lib, *build.FOLDER)
    stale.mkdir(parents=True)
    command.run()
    assert not stale.exists()
    assert Path(command.build_lib, "viewer", "__init__.py").exists()
    assert "no speedscope in it: npm is not installed" in capsys.readouterr().err


def test_nothing_of_speedscope_is_committed() -> None:
    assert not (ROOT / "viewer" / "opening" / "speedscope").exists()
