"""How well leaks are found: precision, recall, the culprit named, invocations needed, cost.

python benchmarks/leaks [--count N] [--memory MODE] [--only NAME ...] [--no-peers] [--details] [--markdown]

Every case is a real handler, run by `profiler run` in a fresh process and judged as `viewer leaks` does.
Half of the cases, by a hash of their names, are set aside: no rule is tuned on them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS.parent)]

from report import conditions, print_table, progress  # noqa: E402

from leaks import ours  # noqa: E402
from leaks.corpus import HANDLERS, Case, cases  # noqa: E402
from leaks.peer import TOOLS  # noqa: E402

FIRST_LOOK = 50
_PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Scored:
    """One tool's verdict on one case after some invocations."""

    case: Case
    found: bool
    named: bool
    needed: int | None
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    parser = argparse.ArgumentParser(description="How well leaks are found.")
    parser.add_argument("--count", type=int, default=200, help="warm invocations of ours (200)")
    parser.add_argument("--memory", default="census", help="PROFILER_MEMORY of ours")
    parser.add_argument("--only", nargs="*", help="functions of the corpus")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument(
        "--details", action="store_true", help="name the cases of the tuning half that are wrong"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    chosen = parser.parse_args(arguments)
    wanted = [case for case in cases() if not chosen.only or case.function in chosen.only]
    said = {case: ours.run(case, chosen.count, chosen.memory) for case in progress(wanted, "ours")}
    rows = []
    for look in dict.fromkeys((FIRST_LOOK, chosen.count)):
        scored = [_ours(case, one, look) for case, one in said.items()]
        rows += _rows(f"ours, {chosen.memory}, {look} invocations", scored)
        if chosen.details:
            _tell(scored)
    for tool in () if chosen.no_peers else TOOLS:
        rows += _rows(f"{tool}, {FIRST_LOOK} invocations", [_peer(tool, c) for c in progress(wanted, tool)])
    print_table(
        "Leaks found in real handlers",
        ["tool", "half", "leaks found", "false alarms", "precision", "culprit named", "needed", "s a case"],
        rows,
        note=f"{conditions()}\nneeded: median of warm invocations until a leak was found, of {ours.LOOKS}.",
        markdown=chosen.markdown,
    )
    return 0


def _ours(case: Case, said: ours.Said, look: int) -> Scored:
    found, named = said.at(look)
    return Scored(case, found, named, said.needed, said.seconds)


def _peer(tool: str, case: Case) -> Scored:
    """Ask another tool; one that fails or does not come to an end has found nothing."""
    program = str(Path(__file__).with_name("peer.py"))
    began_s = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, program, tool, case.name, str(FIRST_LOOK)],
            cwd=HANDLERS,
            env={"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/tmp")},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        answer = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError):
        answer = {"leaks": False, "names": []}
    named = answer["leaks"] and any(f"{file}:{line}" in answer["names"] for file, line in case.marks)
    return Scored(case, answer["leaks"], named, None, time.monotonic() - began_s)


def _rows(tool: str, scored: Sequence[Scored]) -> list[list[str]]:
    rows = []
    for half, set_aside in (("set aside", True), ("tuning", False)):
        mine = [one for one in scored if one.case.is_set_aside is set_aside]
        leaks = [one for one in mine if one.case.leaks]
        found = [one for one in leaks if one.found]
        alarms = [one for one in mine if not one.case.leaks and one.found]
        needed = [one.needed for one in leaks if one.needed is not None]
        rows.append(
            [
                tool,
                half,
                f"{len(found)} of {len(leaks)}",
                f"{len(alarms)} of {len(mine) - len(leaks)}",
                f"{len(found) / (len(found) + len(alarms)):.0%}" if found or alarms else "–",
                f"{sum(one.named for one in leaks)} of {len(leaks)}",
                f"{statistics.median(needed):.0f}" if needed else "–",
                f"{statistics.median(one.seconds for one in mine):.1f}" if mine else "–",
            ]
        )
    return rows


def _tell(scored: Sequence[Scored]) -> None:
    for one in scored:
        if one.case.is_set_aside:
            continue
        if one.case.leaks and not (one.found and one.named):
            print(f"{one.case.name}: {'found, but not named' if one.found else 'missed'}", file=sys.stderr)
        if not one.case.leaks and one.found:
            print(f"{one.case.name}: false alarm", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
