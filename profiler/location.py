"""Where captures live: the one reading of `--store` and `PROFILER_STORE`, for both houses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from profiler.errors import StoreError

_S3_OPTIONS = ("sse", "kms_key_id")


@dataclass(frozen=True, slots=True)
class LocalLocation:
    """A folder."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket and a prefix (empty, or ending in a slash).

    `sse` and `kms_key_id` go into every PUT as ServerSideEncryption and SSEKMSKeyId.
    """

    bucket: str
    prefix: str = ""
    sse: str | None = None
    kms_key_id: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


@dataclass(frozen=True, slots=True)
class OtherLocation:
    """A place that another package knows, by its scheme."""

    scheme: str
    uri: str

    def __str__(self) -> str:
        return self.uri


Location = LocalLocation | S3Location | OtherLocation


def parse_location(uri: str) -> Location:
    """Return the place that a store URI names.

    `s3://bucket/prefix`, optionally `?sse=aws:kms&kms_key_id=ARN`; `file:///folder`; or a folder. Whether
    there is somebody for any other scheme shows when it is opened.

    Raises:
        StoreError: no bucket, no scheme or an unknown option.
    """
    if not uri.strip():
        raise StoreError("store is empty: give s3://bucket/prefix or a folder")
    if "://" not in uri:
        return LocalLocation(Path(uri))
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise StoreError(f"store {uri!r}: {error}; give s3://bucket/prefix or a folder") from error
    if parts.scheme == "file":
        if parts.netloc or not parts.path:
            raise StoreError(f"store {uri!r} names no folder: write file:///folder, with three slashes")
        return LocalLocation(Path(unquote(parts.path)))
    if not parts.scheme:
        raise StoreError(f"store {uri!r} has no scheme; give s3://bucket/prefix or a folder")
    if parts.scheme != "s3":
        return OtherLocation(parts.scheme, uri)
    if not parts.netloc:
        raise StoreError(f"store {uri!r} names no bucket: write s3://bucket/prefix")
    if parts.fragment:
        raise StoreError(f"store {uri!r}: a prefix cannot hold '#'")
    options = dict(parse_qsl(parts.query))
    for name in options:
        if name not in _S3_OPTIONS:
            raise StoreError(f"store {uri!r}: unknown option {name!r}; allowed are {', '.join(_S3_OPTIONS)}")
    prefix = parts.path.strip("/")
    return S3Location(
        bucket=parts.netloc,
        prefix=f"{prefix}/" if prefix else "",
        sse=options.get("sse") or ("aws:kms" if "kms_key_id" in options else None),
        kms_key_id=options.get("kms_key_id"),
    )
