"""A store in a folder, and the files that somebody names one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from profiler.document import MAX_DOCUMENT_BYTES
from profiler.errors import StoreError
from profiler.keys import DATE_PREFIX, FUNCTION_PREFIX, function_prefix
from viewer.store.base import StoredCapture, UnreadableCapture, date_of, stored_capture


class LocalStore:
    """Captures below a folder, as `profiler run` leaves them or `viewer pull` fetches them."""

    parallel_reads = 1

    def __init__(self, root: Path) -> None:
        self._root = root

    def __str__(self) -> str:
        return str(self._root)

    def functions(self) -> tuple[str, ...]:
        names = (name for name in self._entries("") if name.startswith(FUNCTION_PREFIX))
        return tuple(sorted(unquote(name[len(FUNCTION_PREFIX) :]) for name in names))

    def list(
        self, function: str | None = None, since_ns: int | None = None, *, newest_first: bool = False
    ) -> Iterator[StoredCapture]:
        first_date = "" if since_ns is None else date_of(since_ns)
        entries = self._entries("")
        if function is not None:
            entries = tuple(name for name in entries if f"{name}/" == function_prefix(function))
        for partition in entries:
            if not partition.startswith(FUNCTION_PREFIX):
                continue
            for date in sorted(self._entries(partition), reverse=newest_first):
                if date.startswith(DATE_PREFIX) and date[len(DATE_PREFIX) :] >= first_date:
                    yield from self._list_date(f"{partition}/{date}", since_ns)

    def _list_date(self, folder: str, since_ns: int | None) -> Iterator[StoredCapture]:
        for environment in self._entries(folder):
            for name, entry in self._files(f"{folder}/{environment}"):
                # The name is judged before the disk is asked: most foreign files cost nothing.
                stored = stored_capture(f"{folder}/{environment}/{name}", 0, since_ns)
                if stored is None:
                    continue
                try:
                    yield StoredCapture(stored.key, entry.stat().st_size, stored.path)
                except OSError:
                    continue  # it went away between the two questions

    def _files(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        try:
            with os.scandir(self._root / folder) as entries:
                found = {entry.name: entry for entry in entries}
        except (NotADirectoryError, FileNotFoundError):
            return
        except OSError as error:
            raise StoreError(f"store {self._root / folder}: {error.strerror}") from error
        for name in sorted(found):
            yield name, found[name]

    def read(self, path: str) -> bytes:
        return read_file(self._root / path)

    def _entries(self, folder: str) -> tuple[str, ...]:
        try:
            return tuple(sorted(os.listdir(self._root / folder)))
        except NotADirectoryError as error:
            if folder:
                return ()
            raise StoreError(
                f"store {self._root}: it is a file; give its folder, or the file itself"
            ) from error
        except FileNotFoundError as error:
            if folder:
                return ()
            raise StoreError(
                f"store {self._root}: no such folder; give --store s3://bucket/prefix or a folder, "
                "or fill it with: profiler run MODULE.FUNCTION"
            ) from error
        except OSError as error:
            raise StoreError(f"store {self._root / folder}: {error.strerror}") from error


def read_file(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        UnreadableCapture: it is missing, unreadable, or larger than any capture may be.
    """
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            raise UnreadableCapture(f"larger than {MAX_DOCUMENT_BYTES} bytes")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableCapture("no such file") from error
    except IsADirectoryError as error:
        raise UnreadableCapture("it is a folder: give it as --store") from error
    except OSError as error:
        raise UnreadableCapture(error.strerror or str(error)) from error
