"""The read side of a store: where captures are listed and read from.

store = open_store("s3://bucket/prefix")        # or a folder
for stored in store.list("checkout"):
    data = store.read(stored.path)
"""

from __future__ import annotations

from importlib.metadata import entry_points

from profiler.errors import StoreError
from profiler.location import LocalLocation, OtherLocation, parse_location
from viewer.store.base import CaptureStore, StoredCapture, UnreadableCapture, read_many

__all__ = ["CaptureStore", "StoredCapture", "UnreadableCapture", "open_store", "read_many"]


def open_store(uri: str) -> CaptureStore:
    """Return the store that a URI names: `s3://bucket/prefix`, a folder, or another package's.

    Raises:
        StoreError: the URI is malformed, boto3 is missing, or nobody knows its scheme.
    """
    location = parse_location(uri)
    if isinstance(location, LocalLocation):
        from viewer.store.local import LocalStore

        return LocalStore(location.path)
    if isinstance(location, OtherLocation):
        return _another(location)
    from viewer.store.s3 import S3Store

    return S3Store(location)


def _another(location: OtherLocation) -> CaptureStore:
    for point in entry_points(group="invocation_profiler.stores"):
        if point.name == location.scheme:
            try:
                store: CaptureStore = point.load()(location.uri)
            except Exception as error:
                raise StoreError(f"store {location}: {point.value}: {error}") from error
            return store
    raise StoreError(f"store {location}: nobody knows this scheme; give s3://bucket/prefix or a folder")
