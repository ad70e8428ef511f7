"""The viewer over S3: a real server and moto, through the commands themselves."""

from __future__ import annotations

import json
import uuid

import pytest

from profiler.codec import encode
from profiler.keys import CaptureKey
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import write_only
from tests.unit.viewer.builders import STARTED_NS, capture, memory
from viewer.cli import main
from viewer.store import UnreadableCapture, open_store, read_many

only_real = pytest.mark.parametrize("s3_server", ["seaweedfs"], indirect=True)


@pytest.fixture(autouse=True)
def elsewhere(s3_server, monkeypatch, tmp_path):
    """Point the environment at the server, and nothing else at anything."""
    use(s3_server, monkeypatch)
    monkeypatch.delenv("PROFILER_STORE", raising=False)
    monkeypatch.chdir(tmp_path)


def use(server: S3Server, monkeypatch) -> None:
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)


def put(server: S3Server, bucket: str, prefix: str, captures) -> list[str]:
    client = server.client()
    keys = [prefix + str(CaptureKey.of(each)) for each in captures]
    for key, each in zip(keys, captures, strict=True):
        client.put_object(Bucket=bucket, Key=key, Body=encode(each))
    return keys


def fill_bucket(server: S3Server, bucket: str) -> str:
    """Put twelve captures of checkout and one of `pay/ment 100%` among foreign objects."""
    put(server, bucket, "team/x/", [capture(n, memory=memory()) for n in range(1, 13)])
    put(server, bucket, "team/x/", [capture(99, of={"function_name": "pay/ment 100%"})])
    put(server, bucket, "team/x-other/", [capture(1)])
    client = server.client()
    for key in (
        "team/x/README.md",
        "team/x/function=checkout/notes.txt",
        "team/x/function=checkout/date=x/y",
    ):
        client.put_object(Bucket=bucket, Key=key, Body=b"foreign")
    return f"s3://{bucket}/team/x"


@pytest.fixture(scope="module")
def store(s3_server):
    """One store for all tests that only read."""
    return fill_bucket(s3_server, s3_server.make_bucket(f"viewer-{uuid.uuid4().hex[:16]}"))


@pytest.fixture
def own_store(s3_server, bucket):
    return fill_bucket(s3_server, bucket)


def answer(capsys, *arguments: str) -> object:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_listing(store):
    found = open_store(store)
    assert found.functions() == ("checkout", "pay/ment 100%")
    assert len(list(found.list())) == 13
    assert len(list(found.list("checkout"))) == 12
    assert [stored.key.function_name for stored in found.list("pay/ment 100%")] == ["pay/ment 100%"]
    assert [stored.key.sequence for stored in found.list("checkout", STARTED_NS + 11 * 10**9)] == [11, 12]
    assert list(found.list("checkout", STARTED_NS + 10**9 * 86_400 * 3)) == []


def test_a_listing_longer_than_a_page(store, monkeypatch):
    found = open_store(store)
    pages = found._pages
    monkeypatch.setattr(
        found, "_pages", lambda prefix, **more: pages(prefix, PaginationConfig={"PageSize": 5}, **more)
    )
    assert sorted(stored.key.sequence for stored in found.list("checkout")) == list(range(1, 13))


def test_every_command_reads_it(store, tmp_path, capsys):
    assert [
        record["sequence"] for record in answer(capsys, "ls", "checkout", "--store", store, "--last", "2")
    ] == [
        12,
        11,
    ]
    assert answer(capsys, "show", "checkout", "--store", store)["invocation"]["sequence"] == 12
    assert answer(capsys, "top", "checkout", "--store", store, "--last", "12")["total"] == 12 * 400_000_000
    assert main(["export", "checkout", "--store", store, "--cold", "--to", "collapsed", "-o", "out.txt"]) == 0
    assert (tmp_path / "out.txt").read_text().startswith("handler")


def test_the_store_comes_from_the_environment(store, monkeypatch, capsys):
    monkeypatch.setenv("PROFILER_STORE", f"{store}/")
    assert len(answer(capsys, "ls")) == 13


def test_the_path_that_ls_gives_is_taken_with_and_without_the_bucket(store, capsys):
    [record] = answer(capsys, "ls", "checkout", "--store", store, "--slowest")
    for arguments in ([record["path"], "--store", store], [f"{store}/{record['path']}"]):
        assert answer(capsys, "show", *arguments)["invocation"]["sequence"] == 12


def test_pull_then_work_offline(store, s3_server, monkeypatch, capsys):
    assert main(["pull", "checkout", "--store", store]) == 0
    online = answer(capsys, "top", "checkout", "--store", store, "--last", "12")
    use(s3_server.as_identity("nobody", "nothing"), monkeypatch)
    assert answer(capsys, "top", "--last", "12") == online
    assert "12 captures" not in capsys.readouterr().err


# SeaweedFS refuses such names.
@pytest.mark.parametrize("s3_server", ["moto"], indirect=True)
def test_objects_with_names_that_lead_elsewhere_are_no_captures(s3_server, bucket, tmp_path, capsys):
    for start in ("a/../../", "../", "/", "function=../"):
        key = start + str(CaptureKey.of(capture(1)))
        s3_server.client().put_object(Bucket=bucket, Key=key, Body=encode(capture(1)))
    put(s3_server, bucket, "", [capture(2)])
    assert main(["pull", "checkout", "--store", f"s3://{bucket}", "-o", "in/side"]) == 0
    assert len(list(tmp_path.rglob("*.gz"))) == len(list((tmp_path / "in" / "side").rglob("*.gz"))) == 1


def test_a_broken_object_among_many_is_named_and_skipped(own_store, s3_server, bucket, capsys):
    [broken] = put(s3_server, bucket, "team/x/", [capture(50)])
    s3_server.client().put_object(Bucket=bucket, Key=broken, Body=encode(capture(50))[:-40])
    assert main(["top", "checkout", "--store", own_store, "--last", "13", "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["total"] == 12 * 400_000_000
    assert "00000050-" in err
    assert err.count("\n") == 1


def test_an_object_that_was_deleted_since_the_listing_is_skipped(own_store, s3_server, bucket):
    found = open_store(own_store)
    captures = list(found.list("checkout"))
    s3_server.client().delete_object(Bucket=bucket, Key=f"team/x/{captures[0].path}")
    results = [data for _, data in read_many(found, captures)]
    assert isinstance(results[0], UnreadableCapture)
    assert all(isinstance(data, bytes) for data in results[1:])


# ---- what S3 refuses, in one line ---------------------------------------------------------------


def refusal(capsys, *arguments: str) -> str:
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("viewer: store s3://")
    assert err.count("\n") == 1
    return err


def test_a_missing_bucket(capsys):
    assert "the bucket does not exist" in refusal(capsys, "ls", "--store", "s3://no-such-bucket-here/x")


@only_real
def test_a_wrong_secret(s3_server, store, monkeypatch, capsys):
    use(s3_server.as_identity(s3_server.access_key, "wrong"), monkeypatch)
    assert "the secret key is wrong" in refusal(capsys, "top", "checkout", "--store", store)


@only_real
def test_an_unknown_key(s3_server, store, monkeypatch, capsys):
    use(s3_server.as_identity("nobody", "nothing"), monkeypatch)
    assert "access key is unknown" in refusal(capsys, "ls", "--store", store)


@only_real
def test_a_key_that_may_only_write(s3_server, store, monkeypatch, capsys):
    use(write_only(s3_server), monkeypatch)
    assert "s3:ListBucket" in refusal(capsys, "ls", "--store", store)


def test_no_credentials(monkeypatch, store, capsys, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert "no AWS credentials" in refusal(capsys, "ls", "--store", store)


def test_nobody_listens(monkeypatch, store, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert "127.0.0.1:9" in refusal(capsys, "ls", "--store", store)


def test_an_empty_store(bucket, capsys):
    assert main(["ls", "--store", f"s3://{bucket}/nothing"]) == 2
    assert "holds no captures" in capsys.readouterr().err
