"""The folder where captures wait: one for each user and each store, and nobody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from profiler.outbox import spool_folder

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes of POSIX")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"TMPDIR": str(tmp_path)}


def test_it_is_below_tmpdir_and_stays_the_same(tmp_path: Path, env: dict[str, str]) -> None:
    folder = spool_folder("s3://bucket/prefix", env)
    assert folder.is_dir()
    assert folder.parent.parent == tmp_path
    assert spool_folder("s3://bucket/prefix", env) == folder


@posix
def test_without_tmpdir_it_is_below_tmp() -> None:
    for environ in ({}, {"TMPDIR": ""}, {"TMPDIR": "relative"}):
        folder = spool_folder("s3://bucket-of-a-test", environ)
        assert folder.parent == Path(f"/tmp/invocation-profiler-{os.getuid()}")
        folder.rmdir()


def test_each_store_has_its_own(tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [
        spool_folder("s3://bucket/prefix", env),
        spool_folder("s3://bucket/other", env),
        spool_folder("s3://other/prefix", env),
        spool_folder("s3://bucket/prefix", env | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}),
        spool_folder("s3://bucket/prefix", env | {"AWS_ENDPOINT_URL": "http://127.0.0.1:2"}),
        spool_folder("profiles", env),
        spool_folder("gs://somebody/elses/sink", env),
    ]
    assert len(set(folders)) == len(folders)


def test_one_store_by_two_names_has_one(
    tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert spool_folder("profiles", env) == spool_folder(f"file://{tmp_path}/profiles", env)
    assert spool_folder("s3://b/p", env) == spool_folder("s3://b/p/?sse=aws:kms", env)


@posix
def test_only_its_owner_may_look_into_it(env: dict[str, str]) -> None:
    before = os.umask(0o777)
    try:
        folder = spool_folder("s3://bucket", env)
    finally:
        os.umask(before)
    for each in (folder, folder.parent):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
        each.chmod(0o777)
    spool_folder("s3://bucket", env)
    for each in (folder, folder.parent):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700


@posix
def test_no_link_is_followed(tmp_path: Path, env: dict[str, str]) -> None:
    folder = spool_folder("s3://bucket", env)
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError):
        spool_folder("s3://bucket", env)
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o755
    folder.unlink()
    folder.write_text("")
    with pytest.raises(NotADirectoryError):
        spool_folder("s3://bucket", env)


@posix
def test_a_folder_of_another_users_is_left_alone(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = spool_folder("s3://bucket", env)
    before = os.getuid()
    # Who came first is called as we are now; the folder on disk is that of the other.
    folder.parent.rename(folder.parent.with_name(f"invocation-profiler-{before + 1}"))
    monkeypatch.setattr("os.getuid", lambda: before + 1)
    with pytest.raises(PermissionError, match="another user"):
        spool_folder("s3://bucket", env)


def test_where_nothing_can_be_made_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        spool_folder("s3://bucket", {"TMPDIR": str(tmp_path / "file")})
    with pytest.raises(FileNotFoundError):
        spool_folder("s3://bucket", {"TMPDIR": str(tmp_path / "none")})
