"""The S3 client that both houses use, and one clear line for what it can answer.

boto3 is imported here and only when a client is asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from profiler.errors import StoreError

if TYPE_CHECKING:
    from profiler.location import S3Location

_ADVICE = {
    "NoSuchBucket": "the bucket does not exist: create it, or correct --store / PROFILER_STORE",
    "AccessDenied": "access is denied: writing needs s3:PutObject, reading s3:ListBucket and s3:GetObject",
    "SignatureDoesNotMatch": "the secret key is wrong: check AWS_SECRET_ACCESS_KEY",
    "InvalidAccessKeyId": "the access key is unknown: check AWS_ACCESS_KEY_ID",
    "ExpiredToken": "the credentials have expired: log in again",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION",
    "SlowDown": "S3 asks to slow down: try again later",
}
_ALIASES = {"403": "AccessDenied", "Forbidden": "AccessDenied", "404": "NoSuchBucket"}


def make_client(
    *, connect_timeout_s: float, read_timeout_s: float, attempts: int, connections: int = 1
) -> Any:
    """Return a new S3 client that honours AWS_ENDPOINT_URL_S3 (path style where one is set).

    Raises:
        StoreError: boto3 is missing, or it cannot make a client from the environment.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise StoreError("boto3 is not installed: pip install 'invocation-profiler[s3]'") from error
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=connections,
        # A local S3 answers bucket-in-path only: "bucket.localhost" resolves nowhere.
        s3={"addressing_style": "path"} if endpoint else None,
    )
    try:
        return boto3.session.Session().client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise StoreError(f"S3 client: {explain(error)}") from error


def explain(error: BaseException) -> str:
    """Return one line that says what an S3 error means and how to mend it."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        details = response.get("Error", {})
        code = str(details.get("Code", ""))
        advice = _ADVICE.get(_ALIASES.get(code, code))
        return f"{advice} ({code})" if advice else f"{code}: {_one_line(details.get('Message', ''))}"
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError"):
        return "no AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if name == "NoRegionError":
        return "no AWS region: set AWS_REGION"
    return f"{name}: {_one_line(error)}"


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that S3 answered, or None where it did not answer."""
    response = getattr(error, "response", None)
    status = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None
    )
    return status if isinstance(status, int) else None


def code_of(error: BaseException) -> str | None:
    """Return the code of S3's error answer, or None where there was no such answer."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else None


def located(location: S3Location, error: BaseException) -> StoreError:
    """Return the StoreError for a failed call on a location."""
    return StoreError(f"store {location}: {explain(error)}")


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:300]
