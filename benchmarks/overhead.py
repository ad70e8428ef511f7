"""What profiling costs: CPU and wall time of a handler under each engine, as a ratio to a bare run.

python benchmarks/overhead.py [--rounds 7] [--quick] [--markdown]
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
import timeit
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from peers import PEERS, SLOW, SLOW_ROUNDS, Function, Peer, slow_note
from report import conditions, options, print_table, progress, spread
from workloads import WORKLOADS

from profiler import profile

# engine → workload → one (CPU, wall) ratio a round
Ratios = dict[str, dict[str, list[tuple[float, float]]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    chosen = options("What profiling costs.", arguments)
    if os.environ.get("PROFILER_ENABLED"):
        print("PROFILER_ENABLED is set: unset it, the flag is part of what is measured", file=sys.stderr)
        return 2
    engines = [name for name in PEERS if not (chosen.quick and name in SLOW)]
    ratios = measure_ratios(engines, chosen.rounds)
    where = (
        f"{conditions()}\nMedian of {chosen.rounds} rounds (lowest–highest); each run paired with a bare one."
    )
    if not chosen.quick:
        where += slow_note(engines, chosen.rounds)
    for index, kind in enumerate(("CPU", "Wall")):
        rows = [
            [name, *(spread([pair[index] for pair in ratios[name][load]], ".2f") for load in WORKLOADS)]
            for name in engines
        ]
        title = f"{kind} time, ratio to an unprofiled run (1.00 = free)"
        print_table(title, ["engine", *WORKLOADS], rows, note=where, markdown=chosen.markdown)
    _print_off_cost(chosen.markdown)
    return 0


def measure_ratios(engines: Sequence[str], rounds: int) -> Ratios:
    """Return the ratios of every round. The order within a pair and within a round alternates."""
    ratios: Ratios = defaultdict(lambda: defaultdict(list))
    for handler in WORKLOADS.values():
        handler({}, None)
    for number in progress(range(rounds), "overhead"):
        for load, handler in WORKLOADS.items():
            for name in engines if number % 2 else reversed(engines):
                if name in SLOW and number >= SLOW_ROUNDS:
                    continue
                ratios[name][load].append(_pair(name, lambda: handler({}, None), bare_first=bool(number % 2)))  # noqa: B023
    return ratios


def off_cost_ns(rounds: int = 15, calls: int = 200_000) -> tuple[bool, float, float]:
    """With the flag off: is the decorated handler the same object, and ns a call, bare and decorated."""

    def handler(event: dict[str, Any], context: object) -> None:
        return None

    decorated = profile(handler)
    bare_ns: list[float] = []
    decorated_ns: list[float] = []
    for _ in range(rounds):
        for function, results in ((handler, bare_ns), (decorated, decorated_ns)):
            seconds = timeit.timeit("function({}, None)", globals={"function": function}, number=calls)
            results.append(seconds / calls * 1e9)
    return decorated is handler, statistics.median(bare_ns), statistics.median(decorated_ns)


def _pair(name: str, function: Function, *, bare_first: bool) -> tuple[float, float]:
    runs: dict[bool, tuple[float, float]] = {}
    for bare in (bare_first, not bare_first):
        runs[bare] = _timed(PEERS["bare" if bare else name](), function)
    return runs[False][0] / runs[True][0], runs[False][1] / runs[True][1]


def _timed(peer: Peer, function: Function) -> tuple[float, float]:
    gc.collect()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    peer.run(function)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    peer.times()
    return cpu_s, wall_s


def _print_off_cost(markdown: bool) -> None:
    same, bare_ns, decorated_ns = off_cost_ns()
    rows = [
        ["bare handler", f"{bare_ns:.1f}", "–"],
        ["ours: @profile, flag off", f"{decorated_ns:.1f}", "yes" if same else "NO"],
    ]
    header = ["handler", "ns per call", "same function object"]
    note = "Median of 15 interleaved runs of 200,000 calls."
    print_table("Cost of a call while the flag is off", header, rows, note=note, markdown=markdown)


if __name__ == "__main__":
    sys.exit(main())
