"""Captures that wait on disk, for all processes of a user that deliver to one store.

A capture is a file in `waiting/`: a line of JSON with its key, then its bytes. It is written under
another name and renamed, so a process may be killed at any instant and leaves the whole capture or
none. It is not synced: a killed process does not take the kernel's memory along, and /tmp in Lambda
does not outlive the machine; of a machine that stopped, a file that is shorter than its name says is
told from a capture.

Who delivers a capture holds a lock on its file (flock(2)). The kernel takes it back when the process
ends, however it ends, so there is nothing to clean up after one that was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import fields
from pathlib import Path
from types import TracebackType

from profiler import host
from profiler.keys import CaptureKey
from profiler.outbox.shelf import Folder, Unreadable, name_of, size_of

_FOLDER = "waiting"
_HALF_WRITTEN = ".part"
# Writing takes milliseconds. What is half written for so long, nobody is going to finish.
_ABANDONED_AFTER_S = 60.0
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_CLAIM = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)


class DiskShelf:
    """Files below a folder, which is made with the first capture."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._found: Path | None = None

    def add(self, key: CaptureKey, data: bytes) -> str:
        """Write one capture and return its name. Raises OSError."""
        head = json.dumps({field.name: getattr(key, field.name) for field in fields(key)}).encode() + b"\n"
        name = name_of(key, len(head) + len(data))
        try:
            self._write(name, head, data)
        except FileNotFoundError:  # the first one, or somebody tidied up /tmp
            self._found = None
            self._waiting(make=True).mkdir(mode=0o700, exist_ok=True)
            self._write(name, head, data)
        return name

    def names(self) -> list[str]:
        """Return what waits, in no order. Raises OSError."""
        found = []
        for name in self._listed():
            if not name.endswith(_HALF_WRITTEN):
                found.append(name)
            elif self._is_abandoned(name):
                self.remove(name)
        return found

    def is_empty(self) -> bool:
        """Tell whether nothing waits. Raises OSError."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._waiting()) as entries:
            return all(entry.name.endswith(_HALF_WRITTEN) for entry in entries)
        return True

    def claim(self, name: str) -> _DiskClaim | None:
        """Lock a capture and return it; None where it is gone, or in delivery. Raises Unreadable, OSError."""
        try:
            descriptor = os.open(self._waiting() / name, _CLAIM)
        except FileNotFoundError:
            return None
        _held.add(descriptor)
        try:
            # Without a name it was delivered between our listing and our lock.
            # Where there are no locks two may deliver it, to the same place.
            if host.lock_file(descriptor) is not False and os.fstat(descriptor).st_nlink:
                return _DiskClaim(descriptor, *_parse(name, _read(descriptor)))
        except BaseException:
            _let_go(descriptor)
            raise
        _let_go(descriptor)
        return None

    def read(self, name: str) -> tuple[CaptureKey, bytes]:
        """Return a capture, whoever has claimed it. Raises KeyError (gone), Unreadable, OSError."""
        try:
            return _parse(name, (self._waiting() / name).read_bytes())
        except FileNotFoundError:
            raise KeyError(name) from None

    def remove(self, name: str) -> bool:
        """Forget a capture; tell whether it was there. Raises OSError."""
        try:
            (self._waiting() / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def path_of(self, name: str) -> Path:
        """Return where a capture stands. Raises OSError."""
        return self._waiting() / name

    def _waiting(self, make: bool = False) -> Path:
        if self._found is None:
            self._found = self._folder(make) / _FOLDER
        return self._found

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self._waiting())
        except FileNotFoundError:
            return []

    def _write(self, name: str, head: bytes, data: bytes) -> None:
        target = self._waiting() / name
        partial = target.with_name(name + _HALF_WRITTEN)
        descriptor = os.open(partial, _CREATE, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(head)
                file.write(data)
            partial.rename(target)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise

    def _is_abandoned(self, name: str) -> bool:
        try:
            return time.time() - (self._waiting() / name).stat().st_mtime > _ABANDONED_AFTER_S
        except OSError:
            return False


class _DiskClaim:
    """A capture, and the lock on its file."""

    def __init__(self, descriptor: int, key: CaptureKey, data: bytes) -> None:
        self._descriptor = descriptor
        self.key = key
        self.data = data

    def __enter__(self) -> _DiskClaim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _let_go(self._descriptor)


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        return file.read()


def _parse(name: str, content: bytes) -> tuple[CaptureKey, bytes]:
    if len(content) != size_of(name):
        raise Unreadable(f"{len(content)} bytes instead of {size_of(name)}")
    head, _, data = content.partition(b"\n")
    try:
        return CaptureKey(**json.loads(head)), data
    except (ValueError, TypeError) as error:
        raise Unreadable(f"no key of a capture: {error}") from error


# ---- a lock belongs to all processes that have the file open, and a fork has what its parent has ----

_held: set[int] = set()


def _let_go(descriptor: int) -> None:
    # Before it is closed: a child forked this instant may have it open too.
    host.unlock_file(descriptor)
    _held.discard(descriptor)
    os.close(descriptor)


def _let_go_after_fork() -> None:
    """Leave the claims to the parent: were it killed, the child's copies would hold the locks."""
    for descriptor in list(_held):
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_after_fork)
