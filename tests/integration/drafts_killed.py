"""Invocations, one after the other, until the process is killed. Run as a program by test_drafts_killed.

Says over standard output which invocation begins and which has ended, by its request id.
"""

from __future__ import annotations

import os
import random
import sys
import time
from types import SimpleNamespace

from profiler.arming import arm

SEED = int(sys.argv[1])


def handler(event: float, context: object) -> None:
    print("begun", context.aws_request_id, flush=True)  # type: ignore[attr-defined]
    time.sleep(event)


call = arm(handler, {"store": os.environ["STORE"], "memory": "off"})
chance = random.Random(SEED)
for number in range(10**6):
    request_id = f"{SEED}-{number}"
    context = SimpleNamespace(
        aws_request_id=request_id, function_name="shop", get_remaining_time_in_millis=lambda: 100
    )
    # Of the time-out's 100 ms half is the reserve: some leave a partial capture, and some also end.
    call(chance.choice([0.0, 0.0, 0.001, 0.03, 0.052, 0.07]), context)
    print("ended", request_id, flush=True)
