"""The drafts of one process, in files that can be told from those of a dead one.

    PID-START-RANDOM      the owner's, locked (flock) as long as the process lives; holds its last words
    PID-START-RANDOM.0    a draft of it

Files are made once and written over: that takes 5 µs, and making one ten times as much. Nothing is written
through a descriptor that is kept open, for code that closes all of them may have given its number away.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import stat
from pathlib import Path

from profiler import host
from profiler.watch.draft import EMPTY, HEAD_BYTES, Signs, head_of

FOLDER = "drafts"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_LARGE_BYTES = 64 * 1024


class Slot:
    """A file for the draft of one invocation at a time. Every method raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._has_large = False

    def begin(self, signs: Signs, body: bytes) -> None:
        """Write a small draft over what is there."""
        signs.size = len(body)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | _NO_LINK, 0o600)
        try:
            os.write(descriptor, head_of(signs) + body)
        finally:
            os.close(descriptor)

    def see(self, signs: Signs) -> None:
        """Write the head alone."""
        self._write_head(head_of(signs))

    def replace(self, signs: Signs, body: bytes) -> None:
        """Put another draft in the place of this one, at once or not at all."""
        size, signs.size = signs.size, len(body)
        part = self._path.with_name(self._path.name + ".part")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_LINK, 0o600)
            with open(descriptor, "wb") as file:
                file.write(head_of(signs))
                file.write(body)
            os.replace(part, self._path)
        except BaseException:
            signs.size = size
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        self._has_large = len(body) > _LARGE_BYTES

    def clear(self) -> None:
        """Leave no draft."""
        self._write_head(EMPTY)
        if self._has_large:
            self._has_large = False
            os.truncate(self._path, HEAD_BYTES)

    def remove(self) -> None:
        """Leave no file; a later draft makes it anew."""
        self._path.unlink(missing_ok=True)

    def _write_head(self, head: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | _NO_LINK)
        try:
            os.write(descriptor, head)
        finally:
            os.close(descriptor)


class Box:
    """The files of this process below `drafts/`. Made with the first invocation that is watched."""

    def __init__(self, above: Path) -> None:
        """Make the owner's file and lock it. Raises OSError."""
        if not host.CAN_LOCK_FILES:
            raise OSError("there are no locks on files here")
        self._folder = above / FOLDER
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir(mode=0o700)
        self.process_id = os.getpid()
        self.process_started = host.process_started(self.process_id)
        self._free: list[Slot] = []
        self._count = 0
        # Until the lock is held, one who tidies up may take the file for a dead process's.
        while not self._made():
            pass
        atexit.register(self.close)

    def _made(self) -> bool:
        name = f"{self.process_id}-{self.process_started or 0}-{os.urandom(4).hex()}"
        self.owner = self._folder / name
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | _NO_LINK
        descriptor = os.open(self.owner, flags, 0o600)
        locked = host.lock_file(descriptor)
        if locked is None:
            os.close(descriptor)
            self.owner.unlink(missing_ok=True)
            raise OSError("there are no locks on files here")
        if not locked or not os.fstat(descriptor).st_nlink:
            os.close(descriptor)
            return False
        _keep(descriptor)
        self.descriptor = descriptor
        return True

    def take(self) -> Slot:
        """Return a slot that is free."""
        if self._free:
            return self._free.pop()
        self._count += 1
        return Slot(self.owner.with_name(f"{self.owner.name}.{self._count - 1}"))

    def give_back(self, slot: Slot) -> None:
        """Let a slot be taken again."""
        self._free.append(slot)

    def close(self) -> None:
        """Leave no files, unless there is a draft in one."""
        if os.getpid() == self.process_id and len(self._free) == self._count:
            with contextlib.suppress(OSError):
                for slot in self._free:
                    slot.remove()
                self.owner.unlink(missing_ok=True)

    def can_take_words(self) -> bool:
        """Make sure that the owner's file is empty, and still open, and not closed by somebody."""
        try:
            found = os.fstat(self.descriptor)
            if _kept.get(self.descriptor) != (found.st_dev, found.st_ino):
                return False
            if found.st_size:  # they came too late for their invocation
                os.truncate(self.owner, 0)
            return True
        except OSError:
            return False


# ---- a fork has what its parent has open, and would keep the lock beyond the parent's death ----

_kept: dict[int, tuple[int, int] | None] = {}


def _keep(descriptor: int) -> None:
    _kept[descriptor] = _identity(descriptor)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _leave_to_parent() -> None:
    for descriptor, identity in list(_kept.items()):
        # User code may have closed it, and opened a file of its own under the same number.
        if identity is not None and _identity(descriptor) == identity:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    _kept.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
