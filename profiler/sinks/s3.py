"""Captures in a bucket, through the boto3 that every Lambda runtime carries."""

from __future__ import annotations

from typing import Any

from profiler.keys import CaptureKey
from profiler.location import S3Location
from profiler.s3client import located, make_client, status_of


class S3Sink:
    """PUT captures below a prefix. The client is made with the first one, and kept."""

    def __init__(self, location: S3Location) -> None:
        self._location = location
        self._client: Any = None
        self._options = {
            name: value
            for name, value in (
                ("ServerSideEncryption", location.sse),
                ("SSEKMSKeyId", location.kms_key_id),
            )
            if value is not None
        }

    def put(self, key: CaptureKey, data: bytes) -> None:
        """Store one capture. Raises StoreError."""
        client = self._connected()
        try:
            client.put_object(
                Bucket=self._location.bucket,
                Key=self._location.prefix + str(key),
                Body=data,
                ContentType="application/gzip",
                **self._options,
            )
        except Exception as error:
            raise located(self._location, error) from error

    def check(self) -> None:
        """Ask for the bucket; a refusal is no proof, for a role that may only PUT is refused too."""
        client = self._connected()
        try:
            client.head_bucket(Bucket=self._location.bucket)
        except Exception as error:
            if status_of(error) != 403:
                raise located(self._location, error) from error

    def _connected(self) -> Any:
        if self._client is None:
            self._client = make_client(connect_timeout_s=2, read_timeout_s=5, attempts=3)
        return self._client
