"""A store in S3, or in anything that speaks it (AWS_ENDPOINT_URL_S3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from profiler.document import MAX_DOCUMENT_BYTES
from profiler.errors import StoreError
from profiler.keys import DATE_PREFIX, FUNCTION_PREFIX, function_prefix
from profiler.location import S3Location
from profiler.s3client import located, make_client
from viewer.store.base import StoredCapture, UnreadableCapture, date_of, stored_capture

_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 30.0
_ATTEMPTS = 4
_GONE = ("NoSuchKey", "NoSuchVersion", "InvalidObjectState")


class S3Store:
    """Captures below a bucket's prefix."""

    parallel_reads = 16

    def __init__(self, location: S3Location) -> None:
        try:
            import botocore.exceptions
        except ImportError as error:
            raise StoreError("boto3 is not installed: pip install 'invocation-profiler[viewer]'") from error
        self._location = location
        self._errors = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError)
        self._client = make_client(
            connect_timeout_s=_CONNECT_TIMEOUT_S,
            read_timeout_s=_READ_TIMEOUT_S,
            attempts=_ATTEMPTS,
            connections=self.parallel_reads,
        )

    def __str__(self) -> str:
        return str(self._location)

    def functions(self) -> tuple[str, ...]:
        return tuple(sorted(map(unquote, self._partitions(self._location.prefix + FUNCTION_PREFIX))))

    def list(
        self, function: str | None = None, since_ns: int | None = None, *, newest_first: bool = False
    ) -> Iterator[StoredCapture]:
        root = self._location.prefix
        for start in self._starts(function, since_ns, newest_first):
            for page in self._pages(start):
                for item in page.get("Contents", ()):
                    stored = stored_capture(item["Key"][len(root) :], item["Size"], since_ns)
                    if stored is not None:
                        yield stored

    def _starts(self, function: str | None, since_ns: int | None, newest_first: bool) -> Iterator[str]:
        """Yield the prefixes to list: date by date where some dates may not be needed."""
        if function is None:
            yield self._location.prefix + FUNCTION_PREFIX
            return
        start = self._location.prefix + function_prefix(function)
        if since_ns is None and not newest_first:
            yield start
            return
        # Not StartAfter, which would do with one call: SeaweedFS skips the whole date that it names.
        for date in sorted(self._partitions(start + DATE_PREFIX), reverse=newest_first):
            if since_ns is None or date >= date_of(since_ns):
                yield f"{start}{DATE_PREFIX}{date}/"

    def _partitions(self, start: str) -> Iterator[str]:
        """Yield the values of a partition, as they stand in the keys, from the prefix up to its `=`."""
        for page in self._pages(start, Delimiter="/"):
            for group in page.get("CommonPrefixes", ()):
                yield group["Prefix"][len(start) :].rstrip("/")

    def read(self, path: str) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._location.bucket, Key=self._location.prefix + path)
            if answer["ContentLength"] > MAX_DOCUMENT_BYTES:
                answer["Body"].close()
                raise UnreadableCapture(f"larger than {MAX_DOCUMENT_BYTES} bytes")
            data: bytes = answer["Body"].read()
        except self._errors as error:
            code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
            if code in _GONE:
                raise UnreadableCapture(f"no longer in the store ({code})") from error
            raise located(self._location, error) from error
        return data

    def _pages(self, prefix: str, **options: str) -> Iterator[dict[str, Any]]:
        paginator = self._client.get_paginator("list_objects_v2")
        try:
            yield from paginator.paginate(Bucket=self._location.bucket, Prefix=prefix, **options)
        except self._errors as error:
            raise located(self._location, error) from error
