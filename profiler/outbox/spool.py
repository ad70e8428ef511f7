"""All captures that wait, on disk and in memory, within one bound."""

from __future__ import annotations

import threading

from profiler import host
from profiler.errors import StoreError
from profiler.guard import logger
from profiler.keys import CaptureKey
from profiler.outbox.disk import DiskShelf
from profiler.outbox.memory import MemoryShelf
from profiler.outbox.refused import Refused
from profiler.outbox.shelf import Claim, Folder, Shelf, size_of

# Of the bound, for what was set aside.
_REFUSED_SHARE = 8
# Several processes add to one folder, and each lists it again once it has added a part of what was free.
_ROOM_SHARE = 4


class Spool:
    """On disk where `folder` can be used, in memory where not. Over the bound the oldest go first.

    The bound counts what all processes have on disk. The newest capture is kept, however large.
    """

    def __init__(self, bound_bytes: int, folder: Folder | None) -> None:
        self.dropped = 0
        # Added by this process, and not removed by it.
        self.own: set[str] = set()
        self._bound_bytes = bound_bytes
        self._memory = MemoryShelf()
        self._disk: DiskShelf | None = None
        self._refused: Refused | None = None
        if folder is not None and host.CAN_LOCK_FILES:
            self._disk = DiskShelf(folder)
            self._refused = Refused(folder, bound_bytes // _REFUSED_SHARE)
        self._has_warned = False
        self._room_bytes = 0
        self._lock = threading.Lock()

    def add(self, key: CaptureKey, data: bytes) -> str:
        """Keep one capture and return its name; on return it outlives this process, if it can."""
        name = self._added_on_disk(key, data) or self._memory.add(key, data)
        self.own.add(name)
        with self._lock:
            self._room_bytes -= size_of(name)
            if self._room_bytes < 0:
                self._keep_within_bound(newest=name)
        return name

    def names(self) -> list[str]:
        """Return the names of what waits, oldest first."""
        return sorted([*self._memory.names(), *self._names_on_disk()])

    def is_empty(self) -> bool:
        """Tell whether nothing waits."""
        if not self._memory.is_empty():
            return False
        try:
            return self._disk is None or self._disk.is_empty()
        except OSError as error:
            self._warn(error)
            return True

    def claim(self, name: str) -> Claim | None:
        """Return a capture to deliver; None where it is gone or in delivery. Raises Unreadable, OSError."""
        return self._shelf_of(name).claim(name)

    def read(self, name: str) -> tuple[CaptureKey, bytes]:
        """Return a capture. Raises KeyError (gone), Unreadable, OSError."""
        return self._shelf_of(name).read(name)

    def take_off(self, name: str) -> bool:
        """Forget a capture that has arrived; tell whether this process is known to have added it.

        One that is added and carried in the same instant may not be in `own` yet: then it will be, and is
        gone from the names, which says the same. Raises OSError.
        """
        try:
            self.own.remove(name)
            is_own = True
        except KeyError:
            is_own = False
        self._shelf_of(name).remove(name)
        return is_own

    def remove(self, name: str) -> bool:
        """Forget a capture that will not arrive; tell whether it was there. Raises OSError."""
        was_there = self._shelf_of(name).remove(name)
        self.own.discard(name)
        return was_there

    def set_aside(self, name: str, claim: Claim | None = None) -> str:
        """Take one out of the way that cannot be delivered, without a claim one that cannot be read.

        Returns what became of it, for the log. Raises OSError.
        """
        where = "it is dropped"
        if self._refused is not None and self._disk is not None:
            try:
                if claim is not None:
                    where = f"it is in {self._refused.add(claim.key, claim.data)}"
                else:
                    where = f"it is in {self._refused.add_file(self._disk.path_of(name))}"
            except (OSError, StoreError):
                where = "it is dropped, for it could not be set aside"
        self.remove(name)
        return where

    def start_over(self) -> None:
        """Leave to the parent, in a forked child, what is in the parent's memory."""
        self.own = set()
        self._memory = MemoryShelf()
        self._lock = threading.Lock()
        self._room_bytes = 0

    def _added_on_disk(self, key: CaptureKey, data: bytes) -> str | None:
        if self._disk is None:
            return None
        try:
            return self._disk.add(key, data)
        except OSError as error:
            self._warn(error)
            return None

    def _names_on_disk(self) -> list[str]:
        try:
            return self._disk.names() if self._disk is not None else []
        except OSError as error:
            self._warn(error)
            return []

    def _shelf_of(self, name: str) -> Shelf:
        return self._memory if self._disk is None or name in self._memory else self._disk

    def _keep_within_bound(self, newest: str) -> None:
        names = self.names()
        total = sum(map(size_of, names)) + self._refused_bytes()
        for name in names:
            if total <= self._bound_bytes:
                break
            if name == newest:
                continue
            try:
                was_there = self.remove(name)
            except OSError as error:
                self._warn(error)
                break
            total -= size_of(name)
            if was_there:
                self._note_drop()
        self._room_bytes = max(0, self._bound_bytes - total) // _ROOM_SHARE

    def _refused_bytes(self) -> int:
        try:
            return self._refused.size_bytes() if self._refused is not None else 0
        except OSError:
            return 0

    def _note_drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1:
            logger.warning("profiler: captures are dropped, oldest first: the store takes none")

    def _warn(self, error: OSError) -> None:
        """Say once that the disk does not do; each capture tries it again."""
        if not self._has_warned:
            self._has_warned = True
            logger.warning("profiler: captures wait in memory, the disk cannot be used: %s", error)
