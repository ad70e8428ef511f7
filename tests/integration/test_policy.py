"""The printed policies are enough, and no more, for a moto that enforces them."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("moto")

import boto3
from botocore.exceptions import ClientError

from profiler.cli import main
from tests.servers import S3Server, moto_server

STORE = "s3://team-profiles/shop"


@pytest.fixture(scope="module")
def enforcing() -> Iterator[S3Server]:
    """A moto of its own, with one capture and one foreign object in the bucket."""
    with moto_server() as server:
        server.make_bucket("team-profiles")
        for key in ("shop/function=a/1", "secret/1"):
            server.client().put_object(Bucket="team-profiles", Key=key, Body=b"1")
        yield server


@pytest.fixture
def identities(enforcing: S3Server, capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, S3Server]]:
    """Users who have nothing but what `profiler policy` prints."""
    made = {}
    session = boto3.session.Session(enforcing.access_key, enforcing.secret_key, region_name="us-east-1")
    iam = session.client("iam", endpoint_url=enforcing.endpoint_url)
    for name, options in (("writer", []), ("reader", ["--reader"])):
        assert main(["policy", "--store", STORE, *options]) == 0
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=capsys.readouterr().out)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        made[name] = replace(enforcing, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    _enforce_after(enforcing, "0")
    yield made
    _enforce_after(enforcing, "inf")


def _enforce_after(server: S3Server, actions: str) -> None:
    url, kind = f"{server.endpoint_url}/moto-api/reset-auth", {"Content-Type": "text/plain"}
    request = urllib.request.Request(url, actions.encode(), kind)
    urllib.request.urlopen(request).close()


def refusal(call: object, **arguments: object) -> str | None:
    try:
        call(Bucket="team-profiles", **arguments)  # type: ignore[operator]
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def test_each_role_may_do_its_work_and_nothing_else(identities: dict[str, S3Server]) -> None:
    writer, reader = identities["writer"].client(), identities["reader"].client()
    assert refusal(writer.put_object, Key="shop/function=a/2", Body=b"2") is None
    assert refusal(writer.put_object, Key="secret/2", Body=b"2") == "AccessDenied"
    assert refusal(writer.get_object, Key="shop/function=a/1") == "AccessDenied"
    assert refusal(writer.list_objects_v2, Prefix="shop/") == "AccessDenied"
    assert refusal(writer.delete_object, Key="shop/function=a/1") == "AccessDenied"

    assert refusal(reader.get_object, Key="shop/function=a/1") is None
    assert refusal(reader.list_objects_v2, Prefix="shop/function=") is None
    assert refusal(reader.get_object, Key="secret/1") == "AccessDenied"
    assert refusal(reader.put_object, Key="shop/function=a/3", Body=b"3") == "AccessDenied"
