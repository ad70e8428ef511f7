"""A handler that leaks, and its warm invocations under one mode of memory; it imports the profiler alone.

python benchmarks/leaking.py MODE COUNT FOLDER
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from profiler.arming import arm

LINES = 2_000
TEXT = json.dumps([{"sku": f"sku-{n}", "quantity": n % 7, "price": n * 1.25} for n in range(LINES)])
PRICES: dict[int, list[str]] = {}


def handler(event: dict[str, Any], context: object) -> float:
    """Read an order many times, total it, and keep a part of it."""
    total = 0.0
    for _ in range(20):
        lines = json.loads(TEXT)
        total += sum(line["quantity"] * line["price"] for line in lines)
    PRICES[len(PRICES)] = [line["sku"] for line in lines[:20]]  # the leak
    return total


def run(mode: str, count: int, folder: str) -> float:
    """Return the CPU seconds of so many warm invocations; what they leave is in the folder."""
    context = SimpleNamespace(function_name="orders", memory_limit_in_mb="512", aws_request_id="r")
    settings = {"store": folder, "memory": mode, "cpu": "off", "upload": "before-response"}
    call: Any = handler
    if mode != "bare":
        call = arm(handler, settings | {"max_captures": str(count + 1)})
    call({}, context)
    began_s = time.process_time()
    for _ in range(count):
        call({}, context)
    return time.process_time() - began_s


if __name__ == "__main__":
    print(run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
