"""Start a server process, wait until it answers, and end it."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

READY_TIMEOUT_S = 60.0
POLL_S = 0.05
LOG_TAIL_BYTES = 4000
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ServerFailed(Exception):
    """The server ended, or never answered; the message has the end of its log."""


def free_ports(count: int) -> list[int]:
    """Return different free ports of 127.0.0.1; all are held until the last is found."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(found.getsockname()[1]) for found in sockets]


@contextlib.contextmanager
def server_process(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, is_ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block ends, and enter the block once `is_ready` says so.

    It is killed, not asked: the data is thrown away and SeaweedFS takes ten seconds to say goodbye.
    On Linux the kernel kills it too if the thread that started it dies before.
    """
    log = cwd / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    try:
        _wait_until_ready(process, is_ready, log)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while not is_ready():
        if process.poll() is not None:
            raise ServerFailed(f"the server ended with {process.returncode}: {_tail(log)}")
        if time.monotonic() > deadline_s:
            raise ServerFailed(f"the server did not answer within {READY_TIMEOUT_S:.0f} s: {_tail(log)}")
        time.sleep(POLL_S)


def _tail(log: Path) -> str:
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
