"""What a place where captures wait has to do, and how a waiting capture is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from profiler.keys import CaptureKey

# Returns a folder on disk; made if need be where the argument is true. Raises OSError.
Folder = Callable[[bool], Path]


class Unreadable(Exception):
    """A waiting capture that cannot be read, and never will be."""


class Claim(Protocol):
    """A waiting capture that is this thread's to deliver while the `with` block lasts."""

    @property
    def key(self) -> CaptureKey:
        """Its key in the store."""

    @property
    def data(self) -> bytes:
        """The capture."""

    def __enter__(self) -> Claim: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class Shelf(Protocol):
    """Captures that wait, each under a name that sorts by age."""

    def add(self, key: CaptureKey, data: bytes) -> str:
        """Keep one capture and return its name. Raises OSError."""

    def names(self) -> list[str]:
        """Return what waits, in no order. Raises OSError."""

    def is_empty(self) -> bool:
        """Tell, sooner than `names` does, whether nothing waits. Raises OSError."""

    def claim(self, name: str) -> Claim | None:
        """Return a capture to deliver; None where it is gone, or somebody else's now.

        Raises:
            Unreadable: it is no capture.
            OSError: this process cannot open it now.
        """

    def read(self, name: str) -> tuple[CaptureKey, bytes]:
        """Return a capture, whoever has claimed it. Raises KeyError (gone), Unreadable, OSError."""

    def remove(self, name: str) -> bool:
        """Forget a capture; tell whether it was there. Raises OSError."""


def name_of(key: CaptureKey, size: int) -> str:
    """Return a new name for a capture of `size` bytes, fit for any file system.

    It begins with the start of the invocation and ends with the size, so that a listing tells the order
    and the sum without opening anything. No two are the same, in whatever process.
    """
    started_ms = max(0, key.started_at_ns) // 1_000_000
    return f"{started_ms:013d}-{key.sequence:09d}-{os.urandom(4).hex()}-{size}"


def size_of(name: str) -> int:
    """Return the bytes that a capture takes, by its name; 0 for a name that is not ours."""
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
