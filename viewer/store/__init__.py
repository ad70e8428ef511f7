"""The read side of a store: where captures are listed and read from.

store = open_store("s3://bucket/prefix")        # or a folder
for stored in store.list("checkout"):
    data = store.read(stored.path)
"""

from __future__ import annotations

from profiler.location import LocalLocation, parse_location
from viewer.store.base import CaptureStore, StoredCapture, UnreadableCapture, read_many

__all__ = ["CaptureStore", "StoredCapture", "UnreadableCapture", "open_store", "read_many"]


def open_store(uri: str) -> CaptureStore:
    """Return the store that a URI names: `s3://bucket/prefix` or a folder.

    Raises:
        StoreError: the URI is malformed, or boto3 is missing.
    """
    location = parse_location(uri)
    if isinstance(location, LocalLocation):
        from viewer.store.local import LocalStore

        return LocalStore(location.path)
    from viewer.store.s3 import S3Store

    return S3Store(location)
