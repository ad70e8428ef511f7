"""What it costs to find the line of a leak: PROFILER_MEMORY=auto, tracemalloc throughout, and a bare run.

A handler that parses JSON (25 ms of allocations) and keeps a part of it in a dict (`benchmarks/leaking.py`).
The warm invocations of each mode in a process of their own, in interleaved rounds; their CPU time together,
as a ratio to the same handler without a profiler, and whether `viewer leaks` names the line then.

    python benchmarks/tracing.py [--rounds N] [--quick] [--markdown]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import conditions, options, print_table, progress, spread
from profiler.codec import decode
from viewer.leaks import judge

MODES = ("bare", "census", "auto", "tracemalloc")
INVOCATIONS, QUICK_INVOCATIONS = 1_000, 200
PROGRAM = Path(__file__).with_name("leaking.py")
LEAK_LINE = next(
    number
    for number, line in enumerate(PROGRAM.read_text(encoding="utf-8").splitlines(), 1)
    if line.endswith("# the leak")
)


def in_a_process(mode: str, count: int) -> tuple[float, bool]:
    """Return the CPU seconds of the warm invocations, and whether tracemalloc's line is in the finding."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(PROGRAM), mode, str(count), folder]
        seconds = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        captures = [decode(path.read_bytes()) for path in Path(folder).rglob("*.gz")]
    named = any(
        finding.filled_at_seen and frame.line == LEAK_LINE
        for finding in judge(captures).findings
        for frame in finding.filled_at
    )
    return seconds, named


def main() -> None:
    """Print the table."""
    chosen = options(__doc__ or "")
    count = QUICK_INVOCATIONS if chosen.quick else INVOCATIONS
    seconds: dict[str, list[float]] = {mode: [] for mode in MODES}
    named: dict[str, bool] = {}
    for number in progress(range(chosen.rounds), "tracing"):
        for mode in MODES if number % 2 else reversed(MODES):
            took_s, is_named = in_a_process(mode, count)
            seconds[mode].append(took_s)
            named[mode] = named.get(mode, True) and is_named
    rows = []
    for mode in MODES:
        ratios = [one / bare for one, bare in zip(seconds[mode], seconds["bare"], strict=True)]
        each_ms = statistics.median(seconds[mode]) / count * 1e3
        line = "–" if mode == "bare" else "seen" if named[mode] else "not seen"
        rows.append([mode, f"{each_ms:.1f}", spread(ratios, ".2f"), line])
    print_table(
        f"{count:,} warm invocations of a leaking handler",
        ("PROFILER_MEMORY", "CPU ms each", "ratio to bare", "line of the leak"),
        rows,
        note=f"medians of {chosen.rounds} interleaved rounds · {conditions()}",
        markdown=chosen.markdown,
    )


if __name__ == "__main__":
    main()
