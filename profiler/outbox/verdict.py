"""What a store's error means for a capture: try again, set it aside, or leave the store alone for now.

Codes of S3: "Error responses" in the Amazon S3 API reference. Names of errors: botocore/exceptions.py;
they are looked up by name, so that nothing of boto3 is imported here.
"""

from __future__ import annotations

import errno
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What is to be done after a failure."""

    RETRY = "the next attempt may succeed, in a moment"
    LATER = "no capture will get through before something has changed"
    REFUSED = "this capture will not be taken; others may be"


RETRY, LATER, REFUSED = Verdict.RETRY, Verdict.LATER, Verdict.REFUSED

CODES = {
    "SlowDown": RETRY,
    "ServiceUnavailable": RETRY,
    "InternalError": RETRY,
    "Throttling": RETRY,
    "ThrottlingException": RETRY,
    "RequestLimitExceeded": RETRY,
    "RequestTimeout": RETRY,
    "OperationAborted": RETRY,
    # Damaged on the way: what is sent again arrives.
    "BadDigest": RETRY,
    "IncompleteBody": RETRY,
    "XAmzContentSHA256Mismatch": RETRY,
    # Who we are, and where the bucket is: true of every capture.
    "ExpiredToken": LATER,
    "InvalidToken": LATER,
    "TokenRefreshRequired": LATER,
    "RequestTimeTooSkewed": LATER,
    "AuthorizationHeaderMalformed": LATER,
    "InvalidBucketName": LATER,
    "PermanentRedirect": LATER,
    "NoSuchBucket": LATER,
    "AccessDenied": LATER,
    "InvalidAccessKeyId": LATER,
    "SignatureDoesNotMatch": LATER,
    # The encryption that the store's URI asks for, or that the bucket insists on.
    "InvalidArgument": LATER,
    "InvalidRequest": LATER,
    "KMS.DisabledException": LATER,
    "KMS.NotFoundException": LATER,
    "KMS.InvalidStateException": LATER,
    # The capture itself.
    "EntityTooLarge": REFUSED,
    "KeyTooLongError": REFUSED,
    "InvalidURI": REFUSED,
    "MetadataTooLarge": REFUSED,
}

NAMES = {
    "EndpointConnectionError": RETRY,  # DNS too
    "ConnectTimeoutError": RETRY,
    "ReadTimeoutError": RETRY,
    "ConnectionClosedError": RETRY,
    "ConnectionError": RETRY,
    "HTTPClientError": RETRY,
    "ProxyConnectionError": RETRY,
    "ResponseStreamingError": RETRY,
    "IncompleteReadError": RETRY,
}

_OF_THE_FILE = {errno.ENAMETOOLONG, errno.EISDIR, errno.EFBIG, errno.EILSEQ}
_CLIENT_ERROR, _SERVER_ERROR, _TOO_MANY = 400, 500, 429
_OF_THE_ACCOUNT = {401, 403, 404, 405}


def verdict_of(error: BaseException) -> Verdict:
    """Return what an error of a sink means, by what caused it; LATER where nothing is known.

    A sink of your own is understood if it raises from an error with botocore's `response`, or an OSError.
    """
    found: BaseException | None = error
    while found is not None:
        verdict = _by_response(found) or NAMES.get(type(found).__name__) or _by_system(found)
        if verdict is not None:
            return verdict
        found = found.__cause__
    return LATER


def _by_response(error: BaseException) -> Verdict | None:
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if not isinstance(status, int):
        status = int(code) if code.isdigit() else None
    return CODES.get(code) or _by_status(status)


def _by_status(status: int | None) -> Verdict | None:
    if status is None:
        return None
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        return RETRY
    if status < _CLIENT_ERROR or status in _OF_THE_ACCOUNT:
        return LATER
    return REFUSED


def _by_system(error: BaseException) -> Verdict | None:
    if isinstance(error, (ConnectionError, TimeoutError)):
        return RETRY
    if not isinstance(error, OSError):
        return None
    if type(error).__name__ == "gaierror":  # of `socket`
        return RETRY
    return REFUSED if error.errno in _OF_THE_FILE else LATER
