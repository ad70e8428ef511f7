"""Processes are killed at random instants; of every invocation that had begun, one capture counts."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from profiler import host
from viewer.cli.order import one_of_each
from viewer.store.local import LocalStore

pytestmark = pytest.mark.skipif(not host.CAN_LOCK_FILES, reason="there are no locks on files here")

ROOT = Path(__file__).parents[2]
KILLS = 40
PROGRAM = Path(__file__).with_name("drafts_killed.py")


@pytest.mark.timeout(180)
def test_every_invocation_that_began_is_found_and_counted_once(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), "STORE": str(tmp_path / "store")}
    chance = random.Random(11)
    begun: set[str] = set()
    ended: set[str] = set()
    for seed in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(seed)], env=env, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()  # it is up
        time.sleep(chance.uniform(0.0, 0.3))
        process.kill()
        lines = (first + process.communicate()[0]).splitlines()
        words = [line.split(" ") for line in lines if line.count("-") == 1]
        begun |= {word[1] for word in words if word[0] == "begun"}
        ended |= {word[1] for word in words if word[0] == "ended"}
    # The last one's drafts are found by a process that only arms.
    program = "import os; from profiler.arming import arm; arm(print, {'store': os.environ['STORE']})"
    subprocess.run([sys.executable, "-c", program], env=env, check=True, timeout=60)

    counted = list(one_of_each(LocalStore(tmp_path / "store").list()))
    times = Counter(stored.key.request_id for stored in counted)
    assert len(begun) > KILLS
    assert set(times.values()) == {1}
    assert begun <= set(times)
    outcomes = {stored.key.request_id: stored.key.outcome for stored in counted}
    assert {outcomes[request_id] for request_id in ended} == {"ok"}
    assert {outcomes[request_id] for request_id in begun - ended} <= {"ok", "timeout", "crashed"}
    assert "crashed" in outcomes.values()
    drafts = [path for path in tmp_path.rglob("drafts/*") if path.is_file()]
    assert drafts == [], os.listdir(tmp_path)
