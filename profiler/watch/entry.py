"""The draft of one invocation: written by the thread, dropped by whoever knows that it is not needed."""

from __future__ import annotations

import _thread
from collections.abc import Callable

from profiler.watch.box import Box
from profiler.watch.draft import Signs


class Entry:
    """Takes a slot of the box and gives it back. Nobody waits for anybody in here.

    `drop` leaves the work to a writer that is under way; what is dropped is written no more. A disk that
    fails is reported to `failed`, once.
    """

    def __init__(self, box: Box, signs: Signs, body: bytes, failed: Callable[[OSError], None]) -> None:
        """Write the first draft. Raises OSError."""
        self._box = box
        self._slot = box.take()
        self._failed = failed
        self._writing = _thread.allocate_lock()
        self._is_dropped = False
        self._slot.begin(signs, body)

    def see(self, signs: Signs) -> None:
        """Write the signs of life."""
        self._write(lambda: self._slot.see(signs))

    def replace(self, signs: Signs, body: bytes) -> None:
        """Write another draft."""
        self._write(lambda: self._slot.replace(signs, body))

    def drop(self) -> None:
        """Leave no draft."""
        self._is_dropped = True
        self._drop()

    def _write(self, work: Callable[[], None]) -> None:
        if not self._writing.acquire(False):
            return
        try:
            work()
        except OSError as error:
            self._is_dropped = True
            self._failed(error)
        finally:
            self._writing.release()
            if self._is_dropped:
                self._drop()

    def _drop(self) -> None:
        # Held from then on: the slot may be another invocation's.
        if not self._writing.acquire(False):
            return
        try:
            self._slot.clear()
            self._box.give_back(self._slot)
            return
        except OSError as error:
            failure = error
        try:  # where no byte can be written any more, a name can be removed all the same
            self._slot.remove()
            self._box.give_back(self._slot)
        except OSError:
            self._failed(failure)
