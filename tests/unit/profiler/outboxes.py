"""What the tests of the outbox share: keys, folders, and sinks that refuse."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from profiler import host
from profiler.capture import Capture, Invocation
from profiler.errors import StoreError
from profiler.keys import CaptureKey
from profiler.outbox import spool_folder
from profiler.outbox.shelf import Folder
from tests.unit.profiler.helpers import MemorySink

STORE = "s3://bucket/shop"

on_disk = pytest.mark.skipif(not host.CAN_LOCK_FILES, reason="captures wait in memory here")
forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def key(sequence: int, **facts: Any) -> CaptureKey:
    return CaptureKey.of(Capture(Invocation("f", "r", "e", sequence, 0, 0, False), **facts))


def folder_in(parent: Path) -> Folder:
    """Return the outbox's folder below `parent`, as the outbox asks for it."""
    return lambda make: spool_folder(STORE, {"TMPDIR": str(parent)}, make=make)


def files_of(parent: Path, folder: str) -> list[Path]:
    """Return the files that wait, or were refused, below `parent`."""
    return sorted(path for path in (folder_in(parent)(True) / folder).rglob("*") if path.is_file())


def sequences(sink: MemorySink) -> list[int]:
    return [stored.sequence for stored, _ in sink.stored]


class Answer(Exception):
    """An error of S3's as boto3 raises it."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}


class Choosy(MemorySink):
    """Takes everything but some sequences, for which it has an error."""

    def __init__(self, refused: dict[int, Exception]) -> None:
        super().__init__()
        self.refused = refused
        self.attempts: list[int] = []

    def put(self, key: CaptureKey, data: bytes) -> None:
        self.attempts.append(key.sequence)
        if key.sequence in self.refused:
            raise StoreError("no") from self.refused[key.sequence]
        super().put(key, data)
