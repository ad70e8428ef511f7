"""Captures in a bucket, through the boto3 that every Lambda runtime carries."""

from __future__ import annotations

from typing import Any

from profiler.environment import ENVIRONMENT
from profiler.keys import CaptureKey
from profiler.location import S3Location
from profiler.s3client import code_of, located, make_client, status_of

_CONNECT_TIMEOUT_S = 2
# What hangs ends by itself in the delivery thread; no invocation waits for it beyond its budget.
_READ_TIMEOUT_S = 5
_STALE_CREDENTIALS = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"}


class S3Sink:
    """PUT captures below a prefix. The client is made with the first one, and kept.

    It makes one attempt and leaves further ones to the outbox, which knows how much time there is.
    """

    def __init__(self, location: S3Location) -> None:
        self._location = location
        self._client: Any = None
        self._environment_id = ""
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
            if code_of(error) in _STALE_CREDENTIALS:
                self._client = None  # the next one looks for credentials anew
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
        # A forked child would talk into its parent's connections, and those of a snapshot are closed by
        # now, its credentials perhaps expired.
        if self._client is None or self._environment_id != ENVIRONMENT.id:
            self._client = make_client(
                connect_timeout_s=_CONNECT_TIMEOUT_S, read_timeout_s=_READ_TIMEOUT_S, attempts=1
            )
            self._environment_id = ENVIRONMENT.id
        return self._client
