"""pytest fixtures over the servers; loaded by `pytest_plugins` in `tests/conftest.py`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.servers.moto_server import moto_server
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import seaweedfs_server

_FIXTURES = {"seaweedfs": "seaweedfs", "moto": "moto_s3"}


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[S3Server]:
    """SeaweedFS for the whole run, as its administrator."""
    with seaweedfs_server() as server:
        yield server


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[S3Server]:
    """moto for the whole run."""
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session", params=list(_FIXTURES))
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Each server in turn; narrow it with `parametrize("s3_server", ["seaweedfs"], indirect=True)`."""
    server: S3Server = request.getfixturevalue(_FIXTURES[request.param])
    return server


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    """Return the name of a fresh bucket on `s3_server`."""
    return s3_server.make_bucket(f"bucket-{uuid.uuid4().hex[:16]}")
