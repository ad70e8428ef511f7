"""What every store can do, and how many captures are read at once."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from profiler.errors import StoreError
from profiler.keys import CaptureKey

# How many reads wait, per thread, ahead of the one who consumes them: memory stays flat.
_LOOK_AHEAD = 2


class UnreadableCapture(StoreError):
    """One capture that cannot be read although its store can: it is gone, or closed to this user."""


@dataclass(frozen=True, slots=True)
class StoredCapture:
    """A capture as a listing knows it. `path` is relative to the store, with forward slashes."""

    key: CaptureKey
    size_bytes: int
    path: str


class CaptureStore(Protocol):
    """A place that holds captures. `str(store)` is the URI that `open_store` takes."""

    parallel_reads: int

    def functions(self) -> Sequence[str]:
        """Return the names of the functions that have a partition, sorted. Raises StoreError."""

    def list(
        self, function: str | None = None, since_ns: int | None = None, *, newest_first: bool = False
    ) -> Iterator[StoredCapture]:
        """Yield the captures of one function or of all; skip foreign files.

        Several captures of one invocation come one after the other; else no order is promised. `since_ns`
        leaves out what started earlier. With `newest_first` those of one function come date by date, the
        newest date first, so that who needs only the newest can stop early.

        Raises:
            StoreError: the store does not exist or cannot be listed.
        """

    def read(self, path: str) -> bytes:
        """Return one object's bytes.

        Raises:
            UnreadableCapture: this one object cannot be read.
            StoreError: the store cannot be read at all.
        """


def date_of(nanoseconds: int) -> str:
    """Return the date partition that a moment since the epoch falls into."""
    since_s = max(nanoseconds // 1_000_000_000, 0)
    return f"{datetime.datetime.fromtimestamp(since_s, datetime.timezone.utc):%Y-%m-%d}"


def stored_capture(path: str, size_bytes: int, since_ns: int | None) -> StoredCapture | None:
    """Return the listing entry of a path below the store, or None for a foreign or an older file."""
    key = CaptureKey.parse(path)
    # A key is found at the end of any path; in a store it is the whole path.
    if key is None or not path.startswith("function=") or path.count("/") != 3:
        return None
    if since_ns is not None and key.started_at_ns < since_ns:
        return None
    return StoredCapture(key, size_bytes, path)


def read_many(
    store: CaptureStore, captures: Iterable[StoredCapture]
) -> Iterator[tuple[StoredCapture, bytes | UnreadableCapture]]:
    """Yield each capture with its bytes, or with the reason why it has none, in the given order.

    Raises:
        StoreError: the store cannot be read at all.
    """
    if store.parallel_reads <= 1:
        for stored in captures:
            yield stored, _read(store, stored)
        return
    waiting: deque[tuple[StoredCapture, Future[bytes | UnreadableCapture]]] = deque()
    executor = ThreadPoolExecutor(store.parallel_reads, thread_name_prefix="store-read")
    try:
        for stored in captures:
            waiting.append((stored, executor.submit(_read, store, stored)))
            if len(waiting) >= store.parallel_reads * _LOOK_AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        executor.shutdown(cancel_futures=True)


def _read(store: CaptureStore, stored: StoredCapture) -> bytes | UnreadableCapture:
    try:
        return store.read(stored.path)
    except UnreadableCapture as error:
        return error
