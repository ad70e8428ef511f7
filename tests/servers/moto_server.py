"""moto's server in a process of its own. It accepts any secret: it proves nothing about authentication."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import free_ports, server_process
from tests.servers.s3 import S3Server


@contextlib.contextmanager
def moto_server() -> Iterator[S3Server]:
    """Run moto on a free port; ready in about a second."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with tempfile.TemporaryDirectory(prefix="moto-") as scratch:
        env = {"PATH": os.environ.get("PATH", ""), "HOME": scratch}
        with server_process(command, env, Path(scratch), lambda: _accepts(port)):
            yield S3Server(f"http://127.0.0.1:{port}", "moto", "any-secret")


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
