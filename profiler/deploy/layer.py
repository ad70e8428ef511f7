"""The layer: what a function needs of the profiler, in a zip that is the same whenever it is built."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import profiler
from profiler.deploy.wheels import fetch, requirement_of, unpack
from profiler.errors import LayerError

WRAPPER = "invocation-profiler"
# What stays on the laptop.
LAPTOP_SIDE = ("__main__.py", "cli", "demo", "deploy", "leaktest", "testing")
_FOLDER = "python"
_LEFT_OUT = ("__pycache__", ".pyc")
# The earliest that a zip can say.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's zip; sizes in bytes."""

    data: bytes
    unpacked_bytes: int

    def write(self, path: Path) -> None:
        """Put the zip into a file, whole or not at all. Raises LayerError."""
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            partial.write_bytes(self.data)
            os.replace(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise LayerError(f"{path}: cannot be written ({error.strerror})") from error


def build_layer(python: str, arch: str, extras: Sequence[str] = ()) -> Layer:
    """Return the layer for a Python and an architecture, with the packages of `extras` in it.

    Nothing is downloaded where there are no extras. Raises LayerError.
    """
    files = {f"{_FOLDER}/profiler/{name}": data for name, data in function_side()}
    if extras:
        with tempfile.TemporaryDirectory(prefix="profiler-layer-") as folder:
            for wheel in fetch([requirement_of(name) for name in extras], python, arch, Path(folder)):
                files.update((f"{_FOLDER}/{name}", data) for name, data in unpack(wheel))
    files[WRAPPER] = files[f"{_FOLDER}/profiler/aws/{WRAPPER}"]
    files = {name: data for name, data in files.items() if not _is_left_out(name)}
    return Layer(_zipped(files), sum(map(len, files.values())))


def function_side() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the package that run inside a function, by their path in it."""
    root = Path(profiler.__file__).parent
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and relative.parts[0] not in LAPTOP_SIDE and not _is_left_out(relative.as_posix()):
            yield relative.as_posix(), path.read_bytes()


def _is_left_out(name: str) -> bool:
    return name.endswith(_LEFT_OUT[1]) or _LEFT_OUT[0] in name.split("/")


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip that depends on names and contents alone: order, times, modes and system are fixed."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.create_system = _UNIX
            entry.external_attr = (0o100755 if name == WRAPPER else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    return target.getvalue()
