"""Wheels of the platform that a function runs on, fetched by pip on whatever machine this is."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from profiler.errors import LayerError

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# Lambda's name of an architecture, and that of wheels.
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# What the managed runtime brings along; a layer must not replace it.
_IN_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "python_dateutil", "six")
_OURS = "invocation_profiler"
_DATA = re.compile(r"[^/]+\.data/(?P<scheme>[^/]+)/(?P<rest>.*)")
_SITE_PACKAGES = ("purelib", "platlib")


def fetch(requirements: Sequence[str], python: str, arch: str, folder: Path) -> list[Path]:
    """Download wheels, dependencies too, into a folder; return them without what the runtime has.

    Raises:
        LayerError: no pip, no network, or no wheel for that platform.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += [
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={python}",
        f"--dest={folder}",
    ]
    command += [f"--platform={platform}" for platform in _platforms(python, MACHINES[arch])]
    asked = ", ".join(requirements)
    try:
        done = subprocess.run([*command, "--", *requirements], capture_output=True, text=True, check=False)
    except OSError as error:
        raise LayerError(f"{asked}: pip does not start ({error.strerror})") from error
    if "No module named pip" in done.stderr:
        raise LayerError(f"{asked}: this Python has no pip to fetch it with: {sys.executable} -m ensurepip")
    if done.returncode:
        raise LayerError(f"{asked} for Python {python} on {arch}: {_reason(done.stderr)}")
    unwanted = (_OURS, *_IN_THE_RUNTIME)
    return [wheel for wheel in sorted(folder.glob("*.whl")) if _distribution(wheel) not in unwanted]


def unpack(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a wheel's files as they lie in site-packages. Scripts and headers are for other places.

    Source: "Binary distribution format", the Python packaging specifications.
    """
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            data = _DATA.match(name)
            target = data["rest"] if data and data["scheme"] in _SITE_PACKAGES else "" if data else name
            if target and not target.endswith("/"):
                yield target, archive.read(name)


def requirement_of(name: str) -> str:
    """Return what pip is asked for: an extra of ours, in the versions that work, or the name as it is."""
    try:
        ours = requires(_OURS) or []
    except PackageNotFoundError:
        ours = []
    for line in ours:
        requirement, _, marker = line.partition(";")
        if marker.replace('"', "'").strip() == f"extra == '{name}'":
            return requirement.strip()
    return name


def _platforms(python: str, machine: str) -> list[str]:
    """Return the tags of wheels that run there, newest first.

    Lambda's Python 3.12 and later stand on Amazon Linux 2023 (glibc 2.34), older ones on Amazon Linux 2
    (2.26); manylinux2014 is 2.17 (PEP 599, PEP 600).
    """
    newest = 34 if int(python.partition(".")[2]) >= 12 else 26
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, 16, -1)]
    return [*tags, f"manylinux2014_{machine}"]


def _distribution(wheel: Path) -> str:
    return wheel.name.partition("-")[0].lower().replace(".", "_")


def _reason(stderr: str) -> str:
    """Return pip's last error, on one line."""
    errors = [
        line.removeprefix("ERROR:").strip() for line in stderr.splitlines() if line.startswith("ERROR:")
    ]
    lines = errors or stderr.split("\n") or ["pip failed"]
    return " ".join(lines[-1].split())[:300] or "pip failed"
