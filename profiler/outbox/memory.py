"""Captures that wait in memory, where there is no disk to wait on."""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple

from profiler.keys import CaptureKey
from profiler.outbox.shelf import name_of


class MemoryShelf:
    """They are this process's alone, and gone with it."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Item] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._waiting

    def add(self, key: CaptureKey, data: bytes) -> str:
        """Keep one capture and return its name."""
        name = name_of(key, len(data))
        self._waiting[name] = _Item(key, data)
        return name

    def names(self) -> list[str]:
        """Return what waits, in no order."""
        return list(self._waiting)

    def is_empty(self) -> bool:
        """Tell whether nothing waits."""
        return not self._waiting

    def claim(self, name: str) -> _Item | None:
        """Return a capture to deliver, or None where it is gone."""
        return self._waiting.get(name)

    def read(self, name: str) -> tuple[CaptureKey, bytes]:
        """Return a capture. Raises KeyError."""
        item = self._waiting[name]
        return item.key, item.data

    def remove(self, name: str) -> bool:
        """Forget a capture; tell whether it was there."""
        return self._waiting.pop(name, None) is not None


class _Item(NamedTuple):
    """A claim too: nobody else can have it."""

    key: CaptureKey
    data: bytes

    def __enter__(self) -> _Item:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None
