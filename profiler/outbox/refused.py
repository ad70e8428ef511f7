"""Captures that were set aside: the store will not take them, or they cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

from profiler.keys import CaptureKey
from profiler.location import LocalLocation
from profiler.outbox.shelf import Folder
from profiler.sinks.local import LocalSink

_FOLDER = "refused"


class Refused:
    """A small local store beside what waits: the viewer reads it. Over its bound the oldest go."""

    def __init__(self, folder: Folder, bound_bytes: int) -> None:
        self._folder = folder
        self._bound_bytes = bound_bytes

    def add(self, key: CaptureKey, data: bytes) -> Path:
        """Keep a capture as a store would, and return the store's folder. Raises OSError, StoreError."""
        folder = self._folder(True) / _FOLDER
        LocalSink(LocalLocation(folder)).put(key, data)
        self._keep_within_bound()
        return folder

    def add_file(self, path: Path) -> Path:
        """Move a file here that is no capture, and return the folder. Raises OSError."""
        folder = self._folder(True) / _FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        os.replace(path, folder / f"{path.name}.unreadable")
        self._keep_within_bound()
        return folder

    def size_bytes(self) -> int:
        """Return what is kept here. Raises OSError."""
        return sum(size for _, size, _ in self._files())

    def _files(self) -> list[tuple[int, int, Path]]:
        """Return time, size and path of all files; one that vanishes meanwhile is none."""
        found = []
        for parent, _, names in os.walk(self._folder(False) / _FOLDER):
            for name in names:
                path = Path(parent, name)
                try:
                    status = path.stat()
                except OSError:
                    continue
                found.append((status.st_mtime_ns, status.st_size, path))
        return found

    def _keep_within_bound(self) -> None:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        for _, size, path in files[:-1]:
            if total <= self._bound_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
