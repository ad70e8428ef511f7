"""What can be wrong around a function: one warning each, and the function answers as it would.

With the real runtime client in the emulator. A disk that is full or read-only is a real one (tmpfs), where
the tests may mount it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.codec import decode
from profiler.testing import ExecutionEnvironment
from tests.integration.emulated import PYTHON, write_app

APP = """
from profiler import profile

@profile
def handler(event, context):
    return event["n"] * 2
"""
INVOCATIONS = 6


class Ran:
    """The log of a function that was invoked a few times, and what it left."""

    def __init__(self, log: str, store: Path) -> None:
        self.warnings = [line for line in log.splitlines() if "profiler: " in line]
        self.log = log
        found = [decode(path.read_bytes()) for path in store.rglob("*.gz")]
        self.sequences = sorted(capture.invocation.sequence for capture in found)


def run(folder: Path, app: str = APP, **variables: str) -> Ran:
    """Invoke a function a few times; each answer is the right one, within its second."""
    (folder / "function").mkdir(exist_ok=True)
    store = folder / "store"
    env = {
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": str(store),
        "TMPDIR": str(folder),
        "AWS_EC2_METADATA_DISABLED": "true",
        **variables,
    }
    task = write_app(folder / "function", app)
    with ExecutionEnvironment("app.handler", task, python=PYTHON, env=env) as function:
        for number in range(INVOCATIONS):
            result = function.invoke({"n": number}, timeout_s=3)
            assert (result.status, result.payload) == ("ok", number * 2), result
        time.sleep(0.2)
        log = function.log
    return Ran(log, store)


@contextlib.contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """Mount a small disk of its own."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_nothing_is_wrong(tmp_path: Path) -> None:
    ran = run(tmp_path)
    assert ran.warnings == []
    assert ran.sequences == list(range(1, INVOCATIONS + 1))


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PROFILER_RATE": "often"}, "PROFILER_RATE=often"),
        ({"PROFILER_RATE": "2", "PROFILER_CPU": "perf"}, "PROFILER_CPU=perf"),
        ({"PROFILER_STORE": ""}, "PROFILER_STORE is not set"),
        ({"PROFILER_STORE": "gopher://host"}, "unknown scheme"),
        ({"PROFILER_ENABLED": "si"}, "PROFILER_ENABLED=si"),
        ({"PROFILER_ENABLED": "live"}, "PROFILER_FLAG is not set"),
    ],
)
def test_settings_that_cannot_be_disarm_with_one_warning(
    variables: dict[str, str], told: str, tmp_path: Path
) -> None:
    ran = run(tmp_path, **variables)
    [warning] = ran.warnings
    assert told in warning
    assert ran.sequences == []


def test_a_slip_of_the_pen_is_told_and_harms_nothing(tmp_path: Path) -> None:
    ran = run(tmp_path, PROFILER_RATTE="1")
    [warning] = ran.warnings
    assert "PROFILER_RATTE" in warning
    assert len(ran.sequences) == INVOCATIONS


@pytest.mark.parametrize("wrong", ["a file", "a link", "missing"])
def test_a_tmp_that_does_not_do(wrong: str, tmp_path: Path) -> None:
    """Captures then wait in memory, and arrive all the same."""
    place = tmp_path / "tmp"
    if wrong == "a file":
        place.write_text("in the way")
    elif wrong == "a link":
        place.mkdir()
        (tmp_path / "elsewhere").mkdir()
        (place / f"invocation-profiler-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    ran = run(tmp_path, TMPDIR=str(place))
    assert len(ran.warnings) == 1, ran.warnings
    assert ran.sequences == list(range(1, INVOCATIONS + 1))
    if wrong == "a link":
        assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("options", ["size=16k", "ro"])
def test_a_disk_for_waiting_captures_that_is_full_or_read_only(options: str, tmp_path: Path) -> None:
    with disk(tmp_path / "small", options) as small:
        if options != "ro":
            with contextlib.suppress(OSError), (small / "filler").open("wb") as filler:
                while True:
                    filler.write(bytes(4096))
                    filler.flush()
        ran = run(tmp_path, TMPDIR=str(small))
    assert len(ran.warnings) == 1, ran.warnings
    assert ran.sequences == list(range(1, INVOCATIONS + 1))


def test_a_store_on_a_full_disk(tmp_path: Path) -> None:
    with disk(tmp_path / "small", "size=16k") as small:
        with contextlib.suppress(OSError), (small / "filler").open("wb") as filler:
            while True:
                filler.write(bytes(4096))
                filler.flush()
        ran = run(tmp_path, PROFILER_STORE=str(small / "store"))
    [warning] = ran.warnings
    assert "No space left on device" in warning
    assert ran.sequences == []


def test_no_credentials(tmp_path: Path) -> None:
    ran = run(tmp_path, PROFILER_STORE="s3://bucket/prefix", AWS_REGION="eu-central-1", HOME=str(tmp_path))
    [warning] = ran.warnings
    assert "credentials" in warning


def test_no_boto3(tmp_path: Path) -> None:
    """As in a container image that leaves it out."""
    hidden = tmp_path / "hidden"
    for name in ("boto3", "botocore"):
        (hidden / name).mkdir(parents=True)
        (hidden / name / "__init__.py").write_text("raise ImportError(f'no module named {__name__}')")
    app = f"import sys\nsys.path.insert(0, {str(hidden)!r})\n{APP}"
    ran = run(tmp_path, app, PROFILER_STORE="s3://bucket/prefix")
    [warning] = ran.warnings
    assert "boto3" in warning


def test_a_library_that_an_engine_needs_is_missing(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "pyinstrument.py").write_text("raise ImportError('no pyinstrument')")
    app = f"import sys\nsys.path.insert(0, {str(hidden)!r})\n{APP}"
    ran = run(tmp_path, app, PROFILER_CPU="pyinstrument")
    [warning] = ran.warnings
    assert "pip install 'invocation-profiler[pyinstrument]'" in warning
    assert ran.sequences == []
