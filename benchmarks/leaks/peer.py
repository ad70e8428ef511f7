"""What another tool says of a handler, in a process of its own. Run as a program; prints JSON.

    python peer.py TOOL MODULE.FUNCTION COUNT

Each calls the handler ten times to warm up and then COUNT times. The rule by which its numbers become a
verdict is in its function; they are as its documentation uses it, or the plainest there is.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import statistics
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

WARM_UP = 10
Work = Callable[[], object]
Verdict = tuple[bool, list[str]]


def by_tracemalloc(work: Work, count: int) -> Verdict:
    """Leak where the line that grew most between two snapshots grew by 1 KB or more; it is named."""
    tracemalloc.start()
    _repeat(work, WARM_UP)
    gc.collect()
    before = tracemalloc.take_snapshot()
    _repeat(work, count)
    gc.collect()
    grown = tracemalloc.take_snapshot().compare_to(before, "lineno")
    own = [one for one in grown if tracemalloc.__file__ not in str(one.traceback)]
    top = max(own, key=lambda one: one.size_diff)
    place = top.traceback[0]
    return top.size_diff >= 1024, [f"{os.path.basename(place.filename)}:{place.lineno}"]


def by_rss(work: Work, count: int) -> Verdict:
    """Leak where a line through resident memory rises with t > 3 (ordinary least squares); names nothing."""
    _repeat(work, WARM_UP)
    rss = []
    for _ in range(count):
        work()
        with open("/proc/self/statm", "rb") as statm:
            rss.append(int(statm.read().split()[1]))
    mean_x, mean_y = (count - 1) / 2, statistics.fmean(rss)
    sxx = sum((x - mean_x) ** 2 for x in range(count))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(rss)) / sxx
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in enumerate(rss)) / (count - 2)
    return slope > 0 and (rest == 0 or slope / (rest / sxx) ** 0.5 > 3), []


def by_objgraph(work: Work, count: int) -> Verdict:
    """Leak where a type has as many new objects as there were calls, in both halves; the types are named."""
    import objgraph

    _repeat(work, WARM_UP)
    objgraph.growth(limit=None)
    halves = []
    for _ in range(2):
        _repeat(work, count // 2)
        halves.append({name for name, _, new in objgraph.growth(limit=None) if new >= count // 2})
    names = sorted(halves[0] & halves[1])
    return bool(names), names


def by_leak_hunter(work: Work, count: int) -> Verdict:
    """Its own verdict: types that grow in both of two windows."""
    from leak_hunter import measure_growth

    report = measure_growth(work, iterations=count // 2, warmup=WARM_UP)
    return report.leaked, [growth.type_name for growth in report.growing]


def by_memalot(work: Work, count: int) -> Verdict:
    """Leak where each of its last ten reports, one for each call, lists objects; names nothing."""
    import memalot

    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        monitor = memalot.create_leak_monitor(
            warmup_calls=WARM_UP, check_referrers=False, report_directory=folder, output_func=said.append
        )
        for call in range(WARM_UP + count):
            if call == WARM_UP + count - 10:
                said.clear()
            with monitor:
                work()
    return bool(said) and not any("No leaks found" in str(text) for text in said), []


TOOLS: dict[str, Callable[[Work, int], Verdict]] = {
    "tracemalloc compare_to": by_tracemalloc,
    "RSS slope": by_rss,
    "objgraph growth": by_objgraph,
    "python-leak-hunter": by_leak_hunter,
    "memalot": by_memalot,
}


def _repeat(work: Work, count: int) -> None:
    for _ in range(count):
        work()


def main() -> None:
    """Print the verdict."""
    tool, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    sys.path.insert(0, os.getcwd())
    module, _, function = target.rpartition(".")
    handler: Any = getattr(importlib.import_module(module), function)

    def work() -> object:
        return handler({}, SimpleNamespace(aws_request_id=str(uuid4())))

    with contextlib.redirect_stdout(io.StringIO()):
        leaks, names = TOOLS[tool](work, count)
    print(json.dumps({"leaks": bool(leaks), "names": names[:20]}))
    sys.stdout.flush()
    os._exit(0)  # threads and executors that the handler left behind do not end


if __name__ == "__main__":
    main()
