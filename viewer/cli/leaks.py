"""`viewer leaks`: which cache grows without bound, where it is filled, how fast, and how sure that is."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence

from viewer.cli import selection, terminal
from viewer.cli.terminal import Column, Line
from viewer.leaks import Finding, Other, Report, judge
from viewer.leaks.series import place
from viewer.leaks.verdict import INSUFFICIENT, STABLE
from viewer.units import counted, printable, size

HELP = "judge every container by how it grows; exit code 1 means that one leaks"

_BARS = "▁▂▃▄▅▆▇█"
_ORDER = ("leak", "insufficient", "bounded", "warm-up", "sawtooth", "stable")
_OTHERS = (
    Column("verdict"),
    Column("what", elastic=True),
    Column("kind", style="dim"),
    Column("why", style="dim", elastic=True),
)


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, all_functions=True)
    parser.add_argument(
        "--all", action="store_true", help="list what is stable and every allocation site, too"
    )
    parser.add_argument("--json", action="store_true", help="the whole report as JSON")


def run(args: argparse.Namespace) -> int:
    selected = selection.select(args, all_functions=True)
    report = judge(capture for _, capture in selection.read_captures(selected))
    if args.json:
        print(json.dumps(report.to_json(), indent=1))
    else:
        terminal.write(_lines(report, args.all))
    # A leak that was found outweighs a capture that could not be read.
    return 1 if report.findings else selected.exit_code()


def sentence(finding: Finding) -> str:
    """Return a finding in one sentence."""
    parts = [f"{finding.subject} grows by {_rate(finding)} per invocation, {_sureness(finding)}"]
    if finding.filled_at and finding.kind == "container":
        verb = "filled at" if finding.filled_at_seen else "written to at"
        parts.append(f"{verb} {', '.join(place(frame) for frame in finding.filled_at)}")
    if finding.process_share is not None:
        parts.append(f"that is {finding.process_share:.0%} of what the process grows by")
    if finding.invocations_left is not None and finding.limit_bytes is not None:
        left = f"{_rounded(finding.invocations_left):,}"
        limit = f"{finding.limit_bytes >> 20:,} MB"
        parts.append(f"at this rate the {limit} limit is reached after about {left} more invocations")
    return "; ".join([*parts, finding.advice]) + "."


def sparkline(values: Sequence[int]) -> str:
    """Return the values as bars, one character each; empty where the terminal's encoding has none."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        _BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ""
    low, high = min(values, default=0), max(values, default=0)
    return "".join(_BARS[(value - low) * (len(_BARS) - 1) // ((high - low) or 1)] for value in values)


def _lines(report: Report, everything: bool) -> Iterator[Line]:
    functions = {environment.function for environment in report.environments}
    for finding in report.findings:
        yield from _finding_lines(finding, len(functions) > 1)
    shown = [other for other in report.others if everything or _is_told(other)]
    if shown:
        shown.sort(key=lambda other: _ORDER.index(other.verdict))
        yield from terminal.table(_OTHERS, [_row(other, len(functions) > 1) for other in shown])
        yield []
    yield [(_summary(report, len(report.others) - len(shown)), "bold")]


def _finding_lines(finding: Finding, name_function: bool) -> Iterator[Line]:
    heading = f"{finding.function}: " if name_function else ""
    yield [("leak  ", "bold red"), (printable(heading + sentence(finding)), "")]
    if len(finding.environments) > 1:
        yield [(f"      the same in {len(finding.environments):,} environments", "dim")]
    if finding.also:
        yield [(printable(f"      part of it: {', '.join(finding.also[:5])}"), "dim")]
    bars = sparkline(finding.values)
    if bars:
        unit = size if finding.unit == "bytes" else "{:,}".format
        yield [
            (f"      {unit(finding.values[0])} ", "dim"),
            (bars, "red"),
            (f" {unit(finding.values[-1])}", "dim"),
        ]
    yield []


def _is_told(other: Other) -> bool:
    """Tell whether a judgement is worth a line; of allocation sites only doubts are, for there are many."""
    return other.verdict == INSUFFICIENT or (other.verdict != STABLE and other.kind != "allocation site")


def _row(other: Other, name_function: bool) -> list[str]:
    subject = f"{other.function}: {other.subject}" if name_function else other.subject
    wanted = f"; look again after {counted(other.wanted, 'more invocation')}" if other.wanted else ""
    return [other.verdict, subject, other.kind, other.reason + wanted]


def _summary(report: Report, unlisted: int) -> str:
    warm = sum(environment.warm for environment in report.environments)
    looked = f"{counted(warm, 'warm invocation')} in {counted(len(report.environments), 'environment')}"
    if not warm:
        return f"Nothing to judge: {looked} with a look at memory (PROFILER_MEMORY is off, or all were cold)."
    rest = f", {unlisted:,} more judged harmless (--all lists them)" if unlisted else ""
    found = counted(len(report.findings), "leak") if report.findings else "No leak"
    unsure = sum(other.verdict == INSUFFICIENT for other in report.others)
    doubt = f", {unsure:,} cannot be judged yet" if unsure else ""
    return f"{found} in {looked}{doubt}{rest}."


def _rate(finding: Finding) -> str:
    slope, per_invocation = finding.slope, finding.bytes_per_invocation
    if finding.unit == "bytes":
        return size(per_invocation or slope.value)
    narrow = slope.high - slope.low < slope.value / 10
    spread = "" if narrow else f", between {slope.low:,.1f} and {slope.high:,.1f},"
    held = f" ({size(per_invocation)})" if per_invocation else ""
    return f"{slope.value:,.{1 if slope.value >= 0.1 else 2}f} {finding.unit}{spread}{held}"


def _sureness(finding: Finding) -> str:
    # Rounded down: 99.96 % is not 100 %.
    percent = math.floor(finding.confidence * 1000) / 10
    return f"{percent:.1f} % sure after {counted(finding.invocations, 'warm invocation')}"


def _rounded(count: int) -> int:
    """Return a count with two significant digits: an estimate has no more."""
    digits = max(0, len(str(count)) - 2)
    return int(round(count, -digits))
