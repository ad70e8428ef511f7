"""Findings and judgements in words: the same in every report."""

from __future__ import annotations

import math

from viewer.leaks.report import SUREST, Finding, Other, Report
from viewer.leaks.series import place
from viewer.leaks.verdict import INSUFFICIENT, STABLE
from viewer.units import counted, size

# The order in which judgements are told.
ORDER = ("leak", "insufficient", "bounded", "warm-up", "sawtooth", "stable")
_MANY = ("allocation site", "type")
_DAY_H, _YEAR_H = 24, 24 * 365


def sentence(finding: Finding) -> str:
    """Return a finding in one sentence."""
    parts = [f"{finding.subject} grows by {rate(finding)} per invocation, {sureness(finding)}"]
    if finding.filled_at and finding.kind in ("container", "type", "process"):
        parts.append(f"{filling(finding)} {lines(finding)}")
    if finding.held_by:
        parts.append(f"held by {finding.held_by}")
    if finding.process_share is not None:
        parts.append(f"that is {finding.process_share:.0%} of what the process grows by")
    if remaining := until_the_limit(finding):
        parts.append(remaining)
    return "; ".join([*parts, finding.advice.text]) + "."


def rate(finding: Finding) -> str:
    """Return the growth per invocation: `5.0 entries (2.29 KB)`."""
    slope, per_invocation = finding.slope, finding.bytes_per_invocation
    if finding.unit == "bytes":
        return size(per_invocation or slope.value)
    narrow = slope.high - slope.low < slope.value / 10
    spread = "" if narrow else f", between {slope.low:,.1f} and {slope.high:,.1f},"
    held = f" ({size(per_invocation)})" if per_invocation else ""
    return f"{_number(slope.value)} {finding.unit}{spread}{held}"


def slope(finding: Finding) -> str:
    """Return the growth per invocation in its own unit: `5.0 entries`, `2.29 KB`."""
    value = finding.slope.value
    return size(value) if finding.unit == "bytes" else f"{_number(value)} {finding.unit}"


def interval(finding: Finding) -> str:
    """Return the 95 % confidence interval of the growth: `4.8 to 5.2`."""
    low, high = finding.slope.low, finding.slope.high
    return span(size(low), size(high)) if finding.unit == "bytes" else span(_number(low), _number(high))


def span(low: str, high: str) -> str:
    """Return two amounts as one, with their unit once where it is the same: `870 to 879 KB`."""
    number, _, unit = low.partition(" ")
    return f"{number if unit and high.endswith(f' {unit}') else low} to {high}"


def _number(value: float) -> str:
    return f"{value:,.{1 if abs(value) >= 0.1 else 2}f}"


def sureness(finding: Finding) -> str:
    """Return how sure a finding is, and after how much."""
    more = "more than " if finding.confidence >= SUREST else ""
    return f"{more}{_percent(finding)} sure after {counted(finding.invocations, 'warm invocation')}"


def percent(finding: Finding) -> str:
    """Return how sure a finding is, briefly: `98.7 %`, `>99.9 %`."""
    return f"{'>' if finding.confidence >= SUREST else ''}{_percent(finding)}"


def _percent(finding: Finding) -> str:
    # Rounded down: 99.96 % is not 100 %.
    return f"{math.floor(finding.confidence * 1000) / 10:.1f} %"


def filling(finding: Finding) -> str:
    """Return the verb for the lines that fill a subject: seen by tracemalloc, or read in the code."""
    if finding.kind != "container":
        return "allocated at"
    return "filled at" if finding.filled_at_seen else "written to at"


def lines(finding: Finding) -> str:
    """Return the lines that fill a subject: `app.py:7 in lookup`."""
    return ", ".join(place(frame) for frame in finding.filled_at)


def where(finding: Finding) -> str:
    """Return the one place to look at first: a line, else what holds it; empty where neither is known."""
    return place(finding.filled_at[0]) if finding.filled_at else finding.held_by


def until_the_limit(finding: Finding) -> str:
    """Return what is left until the memory limit, empty where that is not known."""
    if finding.invocations_left is None or finding.limit_bytes is None:
        return ""
    text = (
        f"at this rate the {finding.limit_bytes >> 20:,} MB limit is reached after about "
        f"{rounded(finding.invocations_left):,} more invocations"
    )
    if finding.hours_left is None:
        return text
    return f"{text} ({hours(finding.hours_left)} at the present rate)"


def judgement(other: Other) -> str:
    """Return why a subject is no leak, and when to look again."""
    wanted = f"; look again after {counted(other.wanted, 'more invocation')}" if other.wanted else ""
    return other.reason + wanted


def is_told(other: Other) -> bool:
    """Tell whether a judgement is worth a line: of sites and types only doubts are, for there are many."""
    if other.kind == "process" and not other.invocations:  # a system that tells nothing
        return False
    return other.verdict == INSUFFICIENT or (other.verdict != STABLE and other.kind not in _MANY)


def told(report: Report, everything: bool) -> list[Other]:
    """Return the judgements that are worth a line, in their order."""
    shown = [other for other in report.others if everything or is_told(other)]
    return sorted(shown, key=lambda other: ORDER.index(other.verdict))


def name_in(report: Report, function: str, subject: str) -> str:
    """Return a subject with its function, where the report is of more than one."""
    several = len({environment.function for environment in report.environments}) > 1
    return f"{function}: {subject}" if several else subject


def summary(report: Report, unlisted: int) -> str:
    """Return the whole report in one sentence."""
    warm = sum(environment.warm for environment in report.environments)
    ran = sum(environment.ran for environment in report.environments)
    # Of the others there is no capture: they were not chosen, or their captures are not here.
    invocations = f"{warm:,} of {ran:,} warm invocations" if warm < ran else counted(warm, "warm invocation")
    looked = f"{invocations} in {counted(len(report.environments), 'environment')}"
    if not warm:
        return f"Nothing to judge: {looked} with a look at memory (PROFILER_MEMORY is off, or all were cold)."
    rest = f", {unlisted:,} more judged harmless (--all lists them)" if unlisted else ""
    found = counted(len(report.findings), "leak") if report.findings else "No leak"
    unsure = sum(other.verdict == INSUFFICIENT for other in report.others)
    doubt = f", {unsure:,} cannot be judged yet" if unsure else ""
    return f"{found} in {looked}{doubt}{rest}."


def amount(value: float, unit: str) -> str:
    """Return a value of a series: bytes as a size, everything else as a number."""
    return size(value) if unit == "bytes" else f"{value:,.0f}"


def rounded(count: int) -> int:
    """Return a count with two significant digits: an estimate has no more."""
    digits = max(0, len(str(count)) - 2)
    return int(round(count, -digits))


def hours(hours_left: float) -> str:
    """Return a time, roughly: `12 min`, `5 h`, `40 days`."""
    if hours_left < 1:
        return f"{max(1, round(hours_left * 60))} min"
    if hours_left < 2 * _DAY_H:
        return f"{hours_left:.0f} h"
    return f"{hours_left / _DAY_H:,.0f} days" if hours_left < _YEAR_H else "more than a year"
