"""Listing and reading: what is taken for a capture, and how many are in flight."""

import os
import threading

import pytest

from profiler.errors import StoreError
from profiler.keys import CaptureKey
from tests.unit.viewer.builders import STARTED_NS, capture, fill
from viewer.store import StoredCapture, UnreadableCapture, open_store, read_many


def test_a_listing_knows_key_size_and_path(tmp_path):
    [path] = fill(tmp_path, [capture(1)])
    store = open_store(str(tmp_path))
    [stored] = store.list()
    assert stored.key == CaptureKey.of(capture(1))
    assert stored.size_bytes == path.stat().st_size
    assert store.read(stored.path) == path.read_bytes()


def test_foreign_files_are_ignored(tmp_path):
    [path] = fill(tmp_path, [capture(1)])
    for foreign in (
        tmp_path / "README.md",
        tmp_path / "function=checkout" / "notes.txt",
        path.parent / "notes.txt",
        path.parent / f"{path.name}.tmp",
        path.parent / f"x{path.name}",
        tmp_path / "backup" / path.relative_to(tmp_path),
        path.parent / "deeper" / path.name,
    ):
        foreign.parent.mkdir(parents=True, exist_ok=True)
        foreign.write_bytes(b"")
    assert len(list(open_store(str(tmp_path)).list())) == 1


def test_a_function_is_listed_by_itself_whatever_is_in_its_name(tmp_path):
    names = ["checkout", "checkout-2", "arn:aws:lambda:x", "über/..", "100%"]
    fill(tmp_path, [capture(1, of={"function_name": name}) for name in names])
    store = open_store(str(tmp_path))
    assert sorted(store.functions()) == sorted(names)
    for name in names:
        assert [stored.key.function_name for stored in store.list(name)] == [name]
    assert list(store.list("other")) == []


def test_since_leaves_out_what_is_older(tmp_path):
    fill(tmp_path, [capture(1), capture(5)])
    found = open_store(str(tmp_path)).list("checkout", since_ns=STARTED_NS + 3 * 10**9)
    assert [stored.key.sequence for stored in found] == [5]


def test_a_file_is_no_store(tmp_path):
    path = tmp_path / "x"
    path.write_text("")
    with pytest.raises(StoreError, match="it is a file"):
        list(open_store(str(path)).list())


@pytest.mark.parametrize("uri", ["", "ftp://x/y", "s3://", "s3://bucket?colour=red"])
def test_a_malformed_uri_is_refused(uri):
    with pytest.raises(StoreError):
        open_store(uri)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_closed_file_is_unreadable(tmp_path):
    [path] = fill(tmp_path, [capture(1)])
    path.chmod(0)
    with pytest.raises(UnreadableCapture, match="denied"):
        open_store(str(tmp_path)).read(str(path.relative_to(tmp_path)))


class SlowStore:
    """Counts the reads that were begun."""

    def __init__(self, parallel_reads):
        self.parallel_reads = parallel_reads
        self.begun = 0
        self._lock = threading.Lock()

    def read(self, path):
        with self._lock:
            self.begun += 1
        if path == "3":
            raise UnreadableCapture("gone")
        return path.encode()


def entries(count):
    key = CaptureKey.of(capture(1))
    return [StoredCapture(key, 1, str(number)) for number in range(count)]


@pytest.mark.parametrize("parallel_reads", [1, 4])
def test_reads_come_in_order_with_the_unreadable_ones_in_their_place(parallel_reads):
    results = [data for _, data in read_many(SlowStore(parallel_reads), entries(20))]
    assert results[:3] == [b"0", b"1", b"2"]
    assert isinstance(results[3], UnreadableCapture)
    assert results[4:] == [str(number).encode() for number in range(4, 20)]


def test_only_a_few_reads_are_ahead_of_their_consumer():
    store = SlowStore(4)
    reads = read_many(store, entries(1000))
    next(reads)
    assert store.begun <= 4 * 2
    reads.close()
    assert store.begun <= 4 * 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("store-read")]
