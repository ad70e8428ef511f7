"""A process may be killed at any instant: what it has put into the outbox arrives, whole and once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from profiler import host

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("outbox_killed.py")
KILLS = 200

pytestmark = pytest.mark.skipif(
    not (host.CAN_LOCK_FILES and hasattr(os, "fork")), reason="captures wait in memory here"
)


def test_what_was_acknowledged_arrives_whole_and_once(tmp_path: Path) -> None:
    seed = os.urandom(4).hex()
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "store"), str(tmp_path), str(KILLS), seed],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(seed, found)
    # One key names one object, and no key was said twice: once is what "there and whole" means.
    assert found["different"] == found["acknowledged"] > KILLS
    assert found["missing"] == []
    assert found["damaged"] == []
    assert (found["all arrived"], found["waiting"]) == (True, 0)
    assert (found["refused"], found["dropped"]) == (False, 0)
    # They were killed with work in hand, or all of this shows nothing.
    assert found["pairs that left something"] > KILLS / 10
