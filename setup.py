"""Put speedscope's own release into the wheel, for `viewer open --in speedscope`.

npm fetches it; the file must be, bit for bit, the one whose digest stands here. Where there is no npm, no
network or another file, the wheel is built without, and the command then says how to get it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from setuptools import setup
from setuptools.command.build_py import build_py

VERSION = "1.25.0"
INTEGRITY = "sha512-cpf9HWTZf1ijLXBJrk87Ve/54tnYx6rlf0gUThvn3ook6h63hLXVOQiMf44PT+XoV503cPfvfiT5gP5vojp6Ag=="
FOLDER = ("viewer", "opening", "speedscope")
TIMEOUT_S = 90


class Absent(Exception):
    """The release cannot be had; the message says why."""


class BuildWithSpeedscope(build_py):
    """Builds the packages, and the release among them. An editable installation has none."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        folder = Path(self.build_lib, *FOLDER)
        shutil.rmtree(folder, ignore_errors=True)  # from a build before this one
        try:
            files = release_in(fetch())
        except Absent as error:
            print(f"This wheel has no speedscope in it: {error}.", file=sys.stderr)
            return
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)


def fetch() -> bytes:
    """Return npm's package, a gzipped tar, after its digest was checked."""
    npm = shutil.which("npm")
    if npm is None:
        raise Absent("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"speedscope@{VERSION}", "--ignore-scripts", "--prefer-offline"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Absent(f"npm did not fetch it ({error})") from error
        packages = sorted(Path(folder).glob("*.tgz"))
        if done.returncode or len(packages) != 1:
            raise Absent(f"npm did not fetch it (exit code {done.returncode})")
        data = packages[0].read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != INTEGRITY:
        raise Absent(f"what npm fetched is not speedscope {VERSION}: its digest is {digest}")
    return data


def release_in(package: bytes) -> dict[str, bytes]:
    """Return the files of the release, flat as they are, with speedscope's license."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None and (
                path.parts[1:-1] == ("dist", "release") or path.parts[1:] == ("LICENSE",)
            ):
                files[path.name] = content.read()
    return files


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildWithSpeedscope})
