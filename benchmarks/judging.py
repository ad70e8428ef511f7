"""What it costs to judge many captures, beside reading and decoding them.

10,000 captures of 50 environments, 200 each, with 60 containers, 40 allocation sites and a profile, in a
local folder, and a tenth of them; then a million containers in 50 captures of one environment, 20,000 of
them in each alone. In every round the same captures are read and decoded once without being judged, and once
with; each in a process of its own, whose highest resident memory is told too. What is held while judging is
one environment's numbers, and of every environment what its verdicts take: so the memory beyond the bare
reading, which holds the listing, should be the same for 10,000 captures as for 1,000.

    python benchmarks/judging.py [--rounds N] [--quick] [--markdown]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import conditions, options, print_table, spread
from profiler.capture import (
    AllocationSite,
    Capture,
    Container,
    Frame,
    Invocation,
    Memory,
    ProcessMemory,
    ThreadProfile,
)
from profiler.codec import decode, encode
from profiler.keys import CaptureKey
from profiler.location import LocalLocation
from profiler.sinks.local import LocalSink
from viewer.cli.order import age, environment
from viewer.leaks import judge_groups
from viewer.store import open_store
from viewer.store.base import read_many

PER_ENVIRONMENT = 200
CROWDED = 50
CONTAINERS, SITES, STACKS = 60, 40, 150
MEGABYTE = 1 << 20


def fill(folder: Path, count: int, new_containers: int = 0) -> None:
    """Write captures: two containers leak, ten fill up, the others stay as they are.

    Each has so many containers besides that no other has.
    """
    sink = LocalSink(LocalLocation(folder))
    frames = tuple(Frame(f"function_{n}", f"/var/task/module_{n % 9}.py", n) for n in range(120))
    stacks = tuple(tuple((depth * 7 + n) % 120 for depth in range(12)) for n in range(STACKS))
    threads = (ThreadProfile("MainThread", stacks, (2_000_000,) * STACKS),)
    for number in range(count):
        environment, sequence = divmod(number, PER_ENVIRONMENT)
        sequence += 1
        census = tuple(_container(n, sequence) for n in range(CONTAINERS))
        census += tuple(Container(f"app.NEW_{number}_{n}", "dict", n) for n in range(new_containers))
        sites = tuple(_site(n, sequence) for n in range(SITES))
        memory = Memory(
            mode="tracemalloc",
            process=ProcessMemory(rss_bytes=80 * MEGABYTE + 2000 * sequence, blocks=90_000 + 20 * sequence),
            census=census,
            sites=sites,
            tracing_since=2 if sequence > 1 else None,
        )
        invocation = Invocation(
            function_name="checkout",
            request_id=f"{number:032x}",
            environment_id=f"{environment:016x}",
            sequence=sequence,
            started_at_ns=1_700_000_000 * 10**9 + number * 10**7,
            duration_ns=300_000_000,
            cold=sequence == 1,
            memory_limit_mb=256,
        )
        capture = Capture(invocation, frames, threads, memory=memory)
        sink.put(CaptureKey.of(capture), encode(capture))


def _container(number: int, sequence: int) -> Container:
    entries = 5 * sequence if number < 2 else min(100 + number, 3 * sequence) if number < 12 else 7 * number
    return Container(
        f"module_{number % 9}.CACHE_{number}", "dict", entries, 100 * entries, filled_at=(number,)
    )


def _site(number: int, sequence: int) -> AllocationSite:
    live = 500 * sequence if number < 2 else 4096 * number
    return AllocationSite((number, number + 1), live, live // 50, 0, 0)


def measure(folder: str, judged: bool) -> tuple[float, float]:
    """Return the CPU seconds and the highest resident megabytes of one pass, in this process."""
    began_s = time.process_time()
    store = open_store(folder)
    listing = sorted(store.list("checkout"), key=lambda stored: (environment(stored), age(stored)))
    captures = (
        (stored, decode(data)) for stored, data in read_many(store, listing) if isinstance(data, bytes)
    )
    if judged:
        groups = groupby(captures, key=lambda pair: environment(pair[0]))
        report = judge_groups((capture for _, capture in pairs) for _, pairs in groups)
        assert {finding.subject for finding in report.findings} >= {"module_0.CACHE_0", "module_1.CACHE_1"}
    else:
        assert sum(1 for _ in captures) == len(listing)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return time.process_time() - began_s, peak_kb / 1024


def in_a_process(folder: Path, judged: bool) -> tuple[float, float]:
    """Return what `measure` does in a fresh process."""
    command = [sys.executable, __file__, "--measure", str(folder), "judged" if judged else "bare"]
    seconds, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(megabytes)


def main() -> None:
    """Print the table."""
    chosen = options(__doc__ or "")
    full, crowd = (2_000, 100_000) if chosen.quick else (10_000, 1_000_000)
    corpora = [(full // 10, 0), (full, 0), (CROWDED, crowd // CROWDED)]
    rows = []
    for count, new_containers in corpora:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), count, new_containers)
            rows.append(_row(count, new_containers, Path(folder), chosen.rounds))
    print_table(
        f"Judging captures, {PER_ENVIRONMENT} of each environment",
        (
            "captures",
            "containers",
            "read and decode, CPU s",
            "with verdicts, CPU s",
            "ratio",
            "peak MB bare",
            "peak MB judged",
        ),
        rows,
        note=f"{SITES} sites, {STACKS} stacks each · medians of {chosen.rounds} "
        f"interleaved rounds · {conditions()}",
        markdown=chosen.markdown,
    )


def _row(count: int, new_containers: int, folder: Path, rounds: int) -> list[str]:
    bare, judged = [], []
    for _ in range(rounds):
        bare.append(in_a_process(folder, judged=False))
        judged.append(in_a_process(folder, judged=True))
    ratios = [with_it[0] / without[0] for without, with_it in zip(bare, judged, strict=True)]
    return [
        f"{count:,}",
        f"{CONTAINERS + count * new_containers:,}",
        spread([seconds for seconds, _ in bare], ".2f"),
        spread([seconds for seconds, _ in judged], ".2f"),
        spread(ratios, ".2f"),
        f"{statistics.median(megabytes for _, megabytes in bare):.0f}",
        f"{statistics.median(megabytes for _, megabytes in judged):.0f}",
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(*measure(sys.argv[2], sys.argv[3] == "judged"))
    else:
        main()
