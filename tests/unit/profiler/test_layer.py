"""The layer's zip: what is in it, and that it is the same every time."""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import profiler
from profiler.cli import main
from profiler.deploy.layer import LAPTOP_SIDE, build_layer, function_side
from profiler.deploy.wheels import _platforms, requirement_of, unpack

PIP = (
    subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode
    == 0
)
needs_pip = pytest.mark.skipif(not PIP, reason="no pip")


def entries(data: bytes) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {entry.filename: entry for entry in archive.infolist()}


def make_wheel(folder: Path, name: str, tag: str, files: dict[str, bytes], requires: str = "") -> Path:
    """Write a wheel that pip takes for one."""
    version = "1.6.0"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    files = {
        **files,
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for path, data in files.items()
    )
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(member, data)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make pip look into a folder, and nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def test_twice_built_is_the_same_to_the_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    for path in (one, two):
        assert main(["layer", "build", "--python", "3.12", "--arch", "arm64", "-o", str(path)]) == 0
    assert one.read_bytes() == two.read_bytes()
    first = capsys.readouterr().out.splitlines()[0]
    unpacked = sum(entry.file_size for entry in entries(one.read_bytes()).values())
    assert first == f"{one}: {one.stat().st_size / 1024:.1f} KB, {unpacked / 1024:.1f} KB unpacked"
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".zip"] == []


def test_order_times_and_modes_are_fixed() -> None:
    found = entries(build_layer("3.12", "arm64").data)
    assert list(found) == sorted(found)
    assert {entry.date_time for entry in found.values()} == {(1980, 1, 1, 0, 0, 0)}
    modes = {name: oct(entry.external_attr >> 16) for name, entry in found.items()}
    assert modes.pop("invocation-profiler") == "0o100755"
    assert set(modes.values()) == {"0o100644"}
    assert {entry.create_system for entry in found.values()} == {3}


def test_the_function_side_is_all_there_and_nothing_else() -> None:
    names = set(entries(build_layer("3.12", "arm64").data))
    ours = {name.removeprefix("python/profiler/") for name in names if name.startswith("python/profiler/")}
    assert names - {f"python/profiler/{name}" for name in ours} == {"invocation-profiler"}
    assert {"__init__.py", "_wrap.py", "recorder.py", "aws/entrypoint.py", "sinks/s3.py"} <= ours
    assert not [name for name in ours if name.partition("/")[0] in LAPTOP_SIDE]
    assert not [name for name in ours if "__pycache__" in name or name.endswith(".pyc")]


def test_nothing_in_the_layer_imports_what_stays_on_the_laptop() -> None:
    left_behind = tuple(f"profiler.{name.removesuffix('.py')}" for name in LAPTOP_SIDE)
    for name, data in function_side():
        if name.endswith(".py"):
            for node in ast.walk(ast.parse(data)):
                imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    imported = [f"{node.module}.{alias.name}" for alias in node.names]
                assert not [module for module in imported if module.startswith(left_behind)], name


def test_the_folders_left_out_exist() -> None:
    root = Path(profiler.__file__).parent
    assert [name for name in LAPTOP_SIDE if not (root / name).exists()] == []


@needs_pip
def test_wheels_of_the_functions_platform_come_along(index: Path, tmp_path: Path) -> None:
    machine = "manylinux2014_aarch64"
    make_wheel(index, "yappi", f"cp312-cp312-{machine}", {"yappi.py": b"arm = 312", "_yappi.so": b"\x7fELF"})
    make_wheel(index, "yappi", "cp312-cp312-manylinux2014_x86_64", {"yappi.py": b"x86 = 312"})
    make_wheel(index, "yappi", f"cp313-cp313-{machine}", {"yappi.py": b"arm = 313"})
    make_wheel(index, "boto3", "py3-none-any", {"boto3/__init__.py": b""})
    make_wheel(
        index,
        "somebodys_engine",
        "py3-none-any",
        {
            "somebodys_engine.py": b"",
            "somebodys_engine-1.6.0.dist-info/entry_points.txt": b"[profiler.engines]\nx = y:Z\n",
            "somebodys_engine-1.6.0.data/purelib/more.py": b"",
            "somebodys_engine-1.6.0.data/scripts/tool": b"#!python",
            "__pycache__/somebodys_engine.cpython-312.pyc": b"",
        },
        requires="boto3",
    )
    options = ["--python", "3.12", "--arch", "arm64", "--with", "yappi, somebodys-engine"]
    outputs = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for output in outputs:
        assert main(["layer", "build", *options, "-o", str(output)]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    found = entries(outputs[0].read_bytes())
    with zipfile.ZipFile(outputs[0]) as archive:
        assert archive.read("python/yappi.py") == b"arm = 312"
    assert "python/_yappi.so" in found
    assert "python/more.py" in found
    assert "python/somebodys_engine-1.6.0.dist-info/entry_points.txt" in found
    assert not [name for name in found if "boto3" in name or "tool" in name or "pycache" in name]


@needs_pip
def test_a_wheel_that_is_not_to_be_had_is_one_line(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_wheel(index, "yappi", "cp312-cp312-manylinux2014_x86_64", {"yappi.py": b""})
    options = ["--python", "3.12", "--arch", "arm64", "--with", "yappi", "-o", str(tmp_path / "layer.zip")]
    assert main(["layer", "build", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("profiler: yappi")
    assert "for Python 3.12 on arm64: No matching distribution found" in line
    assert list(tmp_path.glob("*.zip")) == []


def test_without_pip_extras_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    output = str(tmp_path / "layer.zip")
    assert main(["layer", "build", "--with", "yappi", "-o", output]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "this Python has no pip" in line
    assert main(["layer", "build", "-o", output]) == 0


def test_an_option_in_place_of_a_name_is_no_option_of_pip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list").write_text("yappi\n")
    output = str(tmp_path / "layer.zip")
    assert main(["layer", "build", "--with", f"--requirement={tmp_path / 'list'}", "-o", output]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_output_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["layer", "build", "-o", str(tmp_path / "no" / "layer.zip")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("layer.zip: cannot be written (No such file or directory)")


def test_platforms_are_those_of_the_runtimes_systems() -> None:
    assert _platforms("3.11", "x86_64")[0] == "manylinux_2_26_x86_64"
    assert _platforms("3.12", "aarch64")[0] == "manylinux_2_34_aarch64"
    assert _platforms("3.12", "aarch64")[-2:] == ["manylinux_2_17_aarch64", "manylinux2014_aarch64"]


def test_our_extras_are_asked_for_in_the_versions_that_work() -> None:
    assert requirement_of("pyinstrument").replace(" ", "").startswith("pyinstrument")
    assert requirement_of("pyinstrument") != "pyinstrument"
    assert requirement_of("somebodys-engine==2") == "somebodys-engine==2"


def test_a_wheel_unpacks_as_into_site_packages(tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path,
        "x",
        "py3-none-any",
        {"x/y.py": b"1", "x-1.6.0.data/platlib/z.so": b"2", "x-1.6.0.data/data/w": b""},
    )
    found = dict(unpack(wheel))
    assert (found["x/y.py"], found["z.so"]) == (b"1", b"2")
    assert not [name for name in found if name.startswith("x-1.6.0.data")]
    assert "w" not in found
