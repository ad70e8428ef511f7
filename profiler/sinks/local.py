"""Captures in a folder: written beside their place and renamed into it."""

from __future__ import annotations

import os
import tempfile

from profiler.errors import StoreError
from profiler.keys import CaptureKey
from profiler.location import LocalLocation


class LocalSink:
    """Write captures below a folder."""

    def __init__(self, location: LocalLocation) -> None:
        self._root = location.path

    def put(self, key: CaptureKey, data: bytes) -> None:
        """Store one capture; a reader sees all of it or nothing. Raises StoreError."""
        target = self._root / str(key)
        # The name of a half-written file ends in no capture's suffix, so that no reader takes it for one.
        partial = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                partial.write_bytes(data)
                os.replace(partial, target)
            except OSError:
                partial.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._unwritable(error) from error

    def check(self) -> None:
        """Create the folder, and a file in it for a moment. Raises StoreError."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._root):
                pass
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StoreError:
        reason = error.strerror or str(error)
        return StoreError(f"store {self._root}: cannot write there ({reason}); choose another folder")
