"""Captures, and profiles of other tools, that somebody names one by one, as a store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from profiler.codec import capture_of
from profiler.errors import CaptureFormatError
from profiler.keys import CaptureKey
from viewer.importers import CAPTURE, recognise
from viewer.store.base import StoredCapture, UnreadableCapture
from viewer.store.local import read_file

_SUFFIXES = (".json", ".gz", ".speedscope", ".pprof", ".pb", ".collapsed", ".folded", ".pyisession")


def looks_like_path(text: str) -> bool:
    """Tell whether an argument is meant as a file; the name of a function never has a separator."""
    return os.sep in text or "/" in text or text.endswith(_SUFFIXES) or os.path.isfile(text)


class FileStore:
    """The named files; a name that is no capture's key makes it open the file to see what it is.

    `plain_files` are profiles of other tools; `broken` are (path, reason) pairs.
    """

    parallel_reads = 1

    def __init__(self, paths: Sequence[str]) -> None:
        self._captures: list[StoredCapture] = []
        self.plain_files: list[Path] = []
        self.broken: list[tuple[str, str]] = []
        for text in dict.fromkeys(paths):
            try:
                self._sort_in(Path(text))
            except (CaptureFormatError, UnreadableCapture) as error:
                self.broken.append((text, str(error)))

    def __str__(self) -> str:
        return "the files"

    def functions(self) -> Sequence[str]:
        return sorted({stored.key.function_name for stored in self._captures})

    def list(
        self, function: str | None = None, since_ns: int | None = None, *, newest_first: bool = False
    ) -> Iterator[StoredCapture]:
        for stored in sorted(self._captures, key=_age, reverse=newest_first):
            if function in (None, stored.key.function_name) and stored.key.started_at_ns >= (since_ns or 0):
                yield stored

    def read(self, path: str) -> bytes:
        return read_file(Path(path))

    def _sort_in(self, path: Path) -> None:
        key = CaptureKey.parse(path.absolute().as_posix())
        if key is not None and path.is_file():
            self._captures.append(StoredCapture(key, path.stat().st_size, str(path)))
            return
        data = read_file(path)
        content = recognise(data)
        if content.kind == CAPTURE:
            key = CaptureKey.of(capture_of(content.value))
            self._captures.append(StoredCapture(key, len(data), str(path)))
        else:
            self.plain_files.append(path)


def _age(stored: StoredCapture) -> tuple[int, str, int]:
    return stored.key.started_at_ns, stored.key.environment_id, stored.key.sequence
