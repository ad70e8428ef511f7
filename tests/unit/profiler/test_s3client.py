"""What S3 answers, in one line that helps."""

from __future__ import annotations

import pytest

from profiler.location import S3Location
from profiler.s3client import explain, located, status_of


class ClientError(Exception):
    def __init__(self, code: object, message: str = "", status: object = None) -> None:
        super().__init__(message)
        self.response = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("NoSuchBucket", "the bucket does not exist"),
        ("404", "the bucket does not exist"),
        ("AccessDenied", "s3:PutObject"),
        ("403", "s3:PutObject"),
        ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        ("InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("ExpiredToken", "log in again"),
        ("RequestTimeTooSkewed", "clock"),
        ("PermanentRedirect", "AWS_REGION"),
        ("SlowDown", "later"),
    ],
)
def test_a_known_answer_comes_with_advice(code: str, advice: str) -> None:
    line = explain(ClientError(code))
    assert advice in line
    assert line.endswith(f"({code})")


def test_an_unknown_answer_is_quoted_on_one_line() -> None:
    assert explain(ClientError("Odd", "two\n  lines")) == "Odd: two lines"
    assert len(explain(ClientError("Odd", "x" * 5000))) < 400


def test_missing_credentials_and_region_are_told_apart() -> None:
    class NoCredentialsError(Exception): ...

    class NoRegionError(Exception): ...

    assert "AWS_PROFILE" in explain(NoCredentialsError())
    assert "AWS_REGION" in explain(NoRegionError())
    assert explain(OSError("no route\nto host")) == "OSError: no route to host"


def test_the_status_is_read_where_there_was_an_answer() -> None:
    assert status_of(ClientError("403", status=403)) == 403
    assert status_of(ClientError("403", status="403")) is None
    assert status_of(OSError()) is None


def test_the_error_of_a_store_names_the_store() -> None:
    error = located(S3Location("bucket", "a/"), ClientError("NoSuchBucket"))
    assert str(error).startswith("store s3://bucket/a: the bucket does not exist")
