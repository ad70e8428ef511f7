"""The S3 servers the other tests stand on behave as S3 where it matters to them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.servers import S3Server, write_only
from tests.servers.seaweedfs import WRITER_BUCKET


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_an_object_comes_back_as_it_was_put(s3_server: S3Server, bucket: str) -> None:
    client = s3_server.client()
    key = "team/function=größe/date=2026-11-25/environment=[$LATEST]a1/000001.json.gz"
    body = bytes(range(256)) * 300
    client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", Metadata={"a": "b"})
    found = client.get_object(Bucket=bucket, Key=key)
    assert found["Body"].read() == body
    assert (found["ContentType"], found["Metadata"]) == ("application/json", {"a": "b"})
    assert client.get_object(Bucket=bucket, Key=key, Range="bytes=10-19")["Body"].read() == body[10:20]


def test_listing_goes_over_pages_in_order(s3_server: S3Server, bucket: str) -> None:
    client = s3_server.client()
    keys = [f"shop/function=f/{number:03}" for number in range(25)]
    for key in (*reversed(keys), "shopping/other"):
        client.put_object(Bucket=bucket, Key=key, Body=b"1")
    paginator = client.get_paginator("list_objects_v2")
    pages = list(paginator.paginate(Bucket=bucket, Prefix="shop/", PaginationConfig={"PageSize": 10}))
    assert [len(page["Contents"]) for page in pages] == [10, 10, 5]
    assert [item["Key"] for page in pages for item in page["Contents"]] == keys
    after = client.list_objects_v2(Bucket=bucket, StartAfter=keys[19], Prefix="shop/")
    assert [item["Key"] for item in after["Contents"]] == keys[20:]
    folders = client.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [item["Prefix"] for item in folders["CommonPrefixes"]] == ["shop/", "shopping/"]


def test_what_is_missing_is_named(s3_server: S3Server, bucket: str) -> None:
    client = s3_server.client()
    with pytest.raises(ClientError) as error:
        client.put_object(Bucket="no-such-bucket", Key="key", Body=b"1")
    assert code_of(error) == ("NoSuchBucket", 404)
    with pytest.raises(ClientError) as error:
        client.list_objects_v2(Bucket="no-such-bucket")
    assert code_of(error) == ("NoSuchBucket", 404)
    with pytest.raises(ClientError) as error:
        client.get_object(Bucket=bucket, Key="no-such-key")
    assert code_of(error) == ("NoSuchKey", 404)


def test_a_fresh_process_finds_the_server_by_its_variables_alone(s3_server: S3Server, bucket: str) -> None:
    code = (
        "import boto3, sys\n"
        "boto3.client('s3').put_object(Bucket=sys.argv[1], Key='key', Body=b'from a child')\n"
    )
    env = {"PATH": os.environ["PATH"], **s3_server.env()}
    subprocess.run([sys.executable, "-c", code, bucket], env=env, check=True, timeout=30)
    assert s3_server.client().get_object(Bucket=bucket, Key="key")["Body"].read() == b"from a child"


def test_many_buckets_can_be_filled(s3_server: S3Server) -> None:
    # SeaweedFS takes seven of its volumes for each new bucket unless told otherwise, and then runs out.
    client = s3_server.client()
    for number in range(4):
        name = s3_server.make_bucket(f"one-of-many-{number}")
        client.put_object(Bucket=name, Key="key", Body=b"1")


def test_seaweedfs_refuses_bad_credentials(seaweedfs: S3Server) -> None:
    with pytest.raises(ClientError) as error:
        seaweedfs.as_identity(seaweedfs.access_key, "wrong").client().list_buckets()
    assert code_of(error) == ("SignatureDoesNotMatch", 403)
    with pytest.raises(ClientError) as error:
        seaweedfs.as_identity("nobody", "wrong").client().list_buckets()
    assert code_of(error) == ("InvalidAccessKeyId", 403)


def test_moto_takes_any_secret(moto_s3: S3Server) -> None:
    moto_s3.as_identity(moto_s3.access_key, "wrong").client().list_buckets()


def test_the_writer_of_seaweedfs_may_only_write(seaweedfs: S3Server) -> None:
    client = write_only(seaweedfs).client()
    client.put_object(Bucket=WRITER_BUCKET, Key="key", Body=b"1")
    elsewhere = seaweedfs.make_bucket("not-the-writers")
    for refused in (
        lambda: client.get_object(Bucket=WRITER_BUCKET, Key="key"),
        lambda: client.list_objects_v2(Bucket=WRITER_BUCKET),
        lambda: client.put_object(Bucket=elsewhere, Key="key", Body=b"1"),
    ):
        with pytest.raises(ClientError) as error:
            refused()
        assert code_of(error) == ("AccessDenied", 403)
