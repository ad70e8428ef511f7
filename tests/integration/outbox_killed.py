"""Processes that add and deliver until they are killed, and what is found afterwards. Run as a program.

    python outbox_killed.py STORE SPOOL KILLS SEED

Pairs of workers share one outbox and one local store. Each says over a pipe what it has added, and is
killed at a random instant. Then a fresh process delivers the rest. Prints what was found as JSON.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from profiler.keys import CaptureKey
from profiler.location import LocalLocation
from profiler.outbox import Outbox, spool_folder
from profiler.sinks.local import LocalSink

LIVES_AT_MOST_S = 0.06


def key_of(worker: int, number: int) -> CaptureKey:
    return CaptureKey("shop", f"{worker:08x}", number, time.time_ns() // 10**6 * 10**6, 1000, "ok", "r")


def data_of(path: str) -> bytes:
    """Return what a capture holds, by its key: small ones and such as take many writes."""
    digest = hashlib.sha256(path.encode()).digest()
    return digest * (1 if digest[0] % 4 else 20_000)


def work(open_outbox: Callable[[], Outbox], worker: int, said: int) -> None:
    outbox = open_outbox()
    number = 0
    while True:
        number += 1
        key = key_of(worker, number)
        outbox.add(key, data_of(str(key)))
        os.write(said, f"{key}\n".encode())
        if number % 3 == 0:
            outbox.deliver(0.02)


def start(open_outbox: Callable[[], Outbox], worker: int) -> tuple[int, int]:
    """Fork a worker; return its id and where it says what it has added."""
    said, saying = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        with contextlib.suppress(BaseException):
            work(open_outbox, worker, saying)
        os._exit(1)
    os.close(saying)
    return child, said


def listen_and_kill(child: int, said: int, chance: random.Random) -> list[str]:
    """Let a worker live for a while; return the keys that it said whole."""
    time.sleep(chance.uniform(0, LIVES_AT_MOST_S))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "a worker ended by itself"
    with os.fdopen(said, "rb") as pipe:
        *lines, _ = pipe.read().decode().split("\n")
    return lines


def main() -> None:
    store, spool = Path(sys.argv[1]), sys.argv[2]
    kills, chance = int(sys.argv[3]), random.Random(sys.argv[4])

    def open_outbox() -> Outbox:
        environ = {"TMPDIR": spool}
        return Outbox(
            LocalSink(LocalLocation(store)),
            folder=lambda make: spool_folder("s3://shop", environ, make=make),
        )

    acknowledged: list[str] = []
    left_waiting = half_written = 0
    for number in range(0, kills, 2):
        # A pipe holds 64 KiB, some six hundred keys: nobody lives so long.
        pair = [start(open_outbox, worker) for worker in (number, number + 1)]
        for child, said in pair:
            acknowledged += listen_and_kill(child, said, chance)
        names = os.listdir(spool_folder("s3://shop", {"TMPDIR": spool}) / "waiting")
        left_waiting += any(not name.endswith(".part") for name in names)
        half_written = sum(name.endswith(".part") for name in names)

    last = open_outbox()
    arrived = last.deliver(60, patient=True)
    stored = {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in store.rglob("*.speedscope.json.gz")
        if not path.name.startswith(".")
    }
    refused = spool_folder("s3://shop", {"TMPDIR": spool}) / "refused"
    print(
        json.dumps(
            {
                "acknowledged": len(acknowledged),
                "different": len(set(acknowledged)),
                "missing": sorted(set(acknowledged) - set(stored)),
                "damaged": sorted(path for path, data in stored.items() if data != data_of(path)),
                "all arrived": arrived,
                "waiting": len(last.waiting()),
                "refused": refused.exists(),
                "dropped": last.dropped,
                "pairs that left something": left_waiting,
                "half written": half_written,
            }
        )
    )


if __name__ == "__main__":
    main()
