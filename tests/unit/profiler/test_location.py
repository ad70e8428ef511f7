"""Store URIs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.errors import StoreError
from profiler.location import LocalLocation, OtherLocation, S3Location, parse_location


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("profiles", LocalLocation(Path("profiles"))),
        ("/var/profiles", LocalLocation(Path("/var/profiles"))),
        ("./a b/c#d?e", LocalLocation(Path("./a b/c#d?e"))),
        ("file:///var/a%20b", LocalLocation(Path("/var/a b"))),
        ("s3://bucket", S3Location("bucket")),
        ("s3://bucket/", S3Location("bucket")),
        ("s3://bucket/a", S3Location("bucket", "a/")),
        ("s3://bucket//a/b/", S3Location("bucket", "a/b/")),
        ("s3://bucket/a?sse=AES256", S3Location("bucket", "a/", "AES256")),
        ("s3://bucket?kms_key_id=arn:aws:kms:x", S3Location("bucket", "", "aws:kms", "arn:aws:kms:x")),
        ("gs://bucket/a", OtherLocation("gs", "gs://bucket/a")),
    ],
)
def test_a_uri_names_a_place(uri: str, location: object) -> None:
    assert parse_location(uri) == location


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "store is empty"),
        ("  ", "store is empty"),
        ("s3://", "names no bucket"),
        ("s3:///prefix", "names no bucket"),
        ("://x", "has no scheme"),
        ("s3://bucket/a?acl=public", "unknown option 'acl'"),
        ("s3://[bucket/a", "give s3://bucket/prefix or a folder"),
        ("s3://bucket/a#b", "cannot hold '#'"),
        ("file://host/a", "three slashes"),
        ("file://", "three slashes"),
    ],
)
def test_a_wrong_uri_says_how_to_mend_it(uri: str, message: str) -> None:
    with pytest.raises(StoreError) as caught:
        parse_location(uri)
    assert message in str(caught.value)


@given(
    st.text(max_size=40)
    | st.text(max_size=30).map("s3://".__add__)
    | st.text(max_size=30).map("file://".__add__)
)
def test_any_text_is_a_place_or_an_error(uri: str) -> None:
    try:
        location = parse_location(uri)
    except StoreError:
        return
    if isinstance(location, S3Location):
        assert location.bucket
        assert location.prefix == "" or location.prefix.endswith("/")


def test_a_place_shows_itself_without_its_options() -> None:
    assert str(parse_location("s3://bucket/a?sse=AES256")) == "s3://bucket/a"
    assert str(parse_location("profiles/x")) == "profiles/x"
