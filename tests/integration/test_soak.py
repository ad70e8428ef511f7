"""Thousands of invocations leave nothing behind: no object, no thread, no file."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("resource")

from tests.unit.profiler.helpers import run_python

INVOCATIONS = 10_000
# Tracing sums up every live block twice in an invocation: ten thousand would take minutes. yappi leaks.
FEWER = {"tracemalloc": 2_000, "yappi": 2_000}
# A leak of one object in an invocation would be thousands of them; what is cached on the way is not.
BLOCKS_AT_MOST = 1_000
# yappi never frees what it notes of a function in C: 18 blocks, 1.3 KB, for this handler and our own steps.
BLOCKS_OF_YAPPI = 24 * 2_000
RSS_AT_MOST_MB = 6

PROGRAM = """
import gc, json, os, sys, threading, time
from profiler import profile
from profiler.host import open_files, rss_bytes

@profile(store=os.environ["FOLDER"], max_captures=1_000_000, **json.loads(os.environ["SETTINGS"]))
def handler(event, context):
    return [event["number"]] * 20

class Sink:
    def check(self): pass
    def put(self, key, data): pass

import profiler.bootstrap
for cell in handler.__closure__:
    if type(cell.cell_contents).__name__ == "Recorder":
        cell.cell_contents.outbox._sink = Sink()

def state():
    gc.collect()
    return {"blocks": sys.getallocatedblocks(), "rss": rss_bytes(), "files": open_files(),
            "threads": threading.active_count(), "tasks": len(os.listdir("/proc/self/task"))}

def run(count):
    for number in range(count):
        assert handler({"number": number}, None) == [number] * 20

run(INVOCATIONS // 5)
before = state()
run(INVOCATIONS - INVOCATIONS // 5)
time.sleep(0.3)
print(json.dumps([before, state()]))
"""

SETTINGS = {
    "off": {"cpu": "off", "memory": "off"},
    "sampler and census": {},
    "sampler by CPU time": {"clock": "cpu", "memory": "off"},
    "pyinstrument": {"cpu": "pyinstrument", "memory": "off"},
    "yappi": {"cpu": "yappi", "memory": "off"},
    "cprofile": {"cpu": "cprofile", "memory": "off"},
    "tracemalloc": {"cpu": "off", "memory": "tracemalloc"},
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.timeout(180)
def test_thousands_of_invocations_leave_nothing_behind(name: str, tmp_path: object) -> None:
    if name in ("pyinstrument", "yappi"):
        pytest.importorskip(name)
    count = FEWER.get(name, INVOCATIONS)
    done = run_python(
        PROGRAM.replace("INVOCATIONS", str(count)),
        PROFILER_ENABLED="1",
        FOLDER=str(tmp_path),
        SETTINGS=json.dumps(SETTINGS[name]),
    )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    blocks = BLOCKS_OF_YAPPI if name == "yappi" else BLOCKS_AT_MOST
    assert after["blocks"] - before["blocks"] < blocks, (before, after)
    assert after["rss"] - before["rss"] < RSS_AT_MOST_MB * 2**20, (before, after)
    assert after["files"] == before["files"]
    assert after["tasks"] <= before["tasks"]
    assert after["threads"] <= before["threads"]
