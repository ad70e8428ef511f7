"""What each error means for a capture: one row, one test."""

from __future__ import annotations

import errno
import socket

import pytest

from profiler.errors import StoreError
from profiler.outbox.verdict import CODES, NAMES, Verdict, verdict_of

RETRY, LATER, REFUSED = Verdict.RETRY, Verdict.LATER, Verdict.REFUSED


class ClientError(Exception):
    def __init__(self, code: object, status: object = 400) -> None:
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}


def caused_by(cause: BaseException) -> StoreError:
    """Return the error as a sink raises it."""
    error = StoreError("store s3://bucket: no")
    error.__cause__ = cause
    return error


# What must not change unnoticed; the status is what S3 sends with the code.
ROWS = [
    ("SlowDown", 503, RETRY),
    ("ServiceUnavailable", 503, RETRY),
    ("InternalError", 500, RETRY),
    ("Throttling", 400, RETRY),
    ("ThrottlingException", 400, RETRY),
    ("RequestLimitExceeded", 503, RETRY),
    ("RequestTimeout", 400, RETRY),
    ("OperationAborted", 409, RETRY),
    ("BadDigest", 400, RETRY),
    ("IncompleteBody", 400, RETRY),
    ("XAmzContentSHA256Mismatch", 400, RETRY),
    ("ExpiredToken", 400, LATER),
    ("InvalidToken", 400, LATER),
    ("TokenRefreshRequired", 400, LATER),
    ("RequestTimeTooSkewed", 403, LATER),
    ("AuthorizationHeaderMalformed", 400, LATER),
    ("InvalidBucketName", 400, LATER),
    ("PermanentRedirect", 301, LATER),
    ("NoSuchBucket", 404, LATER),
    ("AccessDenied", 403, LATER),
    ("InvalidAccessKeyId", 403, LATER),
    ("SignatureDoesNotMatch", 403, LATER),
    ("InvalidArgument", 400, LATER),
    ("InvalidRequest", 400, LATER),
    ("KMS.DisabledException", 400, LATER),
    ("KMS.NotFoundException", 400, LATER),
    ("KMS.InvalidStateException", 400, LATER),
    ("EntityTooLarge", 400, REFUSED),
    ("KeyTooLongError", 400, REFUSED),
    ("InvalidURI", 400, REFUSED),
    ("MetadataTooLarge", 400, REFUSED),
]


@pytest.mark.parametrize(("code", "status", "verdict"), ROWS)
def test_a_code_of_s3(code: str, status: int, verdict: Verdict) -> None:
    assert verdict_of(caused_by(ClientError(code, status))) is verdict


def test_every_code_has_its_row() -> None:
    assert {code for code, *_ in ROWS} == set(CODES)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (301, LATER),
        (400, REFUSED),
        (401, LATER),
        (403, LATER),
        (404, LATER),
        (405, LATER),
        (413, REFUSED),
        (429, RETRY),
        (500, RETRY),
        (502, RETRY),
        (504, RETRY),
        (None, LATER),
        ("403", LATER),
    ],
)
def test_an_unknown_code_is_judged_by_its_status(status: object, verdict: Verdict) -> None:
    assert verdict_of(caused_by(ClientError("UnheardOf", status))) is verdict
    # Where the body is empty, boto3 puts the number in the place of the code.
    assert verdict_of(caused_by(ClientError(str(status), None))) is verdict


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_error_of_boto3s_on_the_way_may_pass(name: str) -> None:
    assert verdict_of(caused_by(type(name, (Exception,), {})())) is RETRY


def test_the_names_are_those_of_botocore() -> None:
    exceptions = pytest.importorskip("botocore.exceptions")
    assert {name for name in NAMES if not hasattr(exceptions, name)} == set()


@pytest.mark.parametrize("name", ["NoCredentialsError", "NoRegionError", "SSLError", "ParamValidationError"])
def test_an_error_of_boto3s_in_its_settings_does_not_pass_by_itself(name: str) -> None:
    assert verdict_of(caused_by(type(name, (Exception,), {})())) is LATER


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConnectionResetError(), RETRY),
        (BrokenPipeError(), RETRY),
        (TimeoutError(), RETRY),
        (socket.gaierror(-2, "Name or service not known"), RETRY),
        (OSError(errno.ENOSPC, ""), LATER),
        (OSError(errno.EROFS, ""), LATER),
        (PermissionError(errno.EACCES, ""), LATER),
        (NotADirectoryError(errno.ENOTDIR, ""), LATER),
        (OSError(errno.ENAMETOOLONG, ""), REFUSED),
        (IsADirectoryError(errno.EISDIR, ""), REFUSED),
        (OSError(errno.EFBIG, ""), REFUSED),
        (StoreError("boto3 is not installed"), LATER),
        (ZeroDivisionError(), LATER),
    ],
)
def test_an_error_of_the_system(error: Exception, verdict: Verdict) -> None:
    assert verdict_of(error) is verdict
    assert verdict_of(caused_by(error)) is verdict
