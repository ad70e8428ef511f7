"""Which subject grows without bound: captures in, a report out.

    report = judge(captures)            # of any functions and environments, in any order
    for finding in report.findings: ...

The captures are read one after the other, and only their numbers are kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from profiler.capture import Capture
from viewer.leaks.findings import find
from viewer.leaks.report import Environment, Finding, Other, Report
from viewer.leaks.series import Collector
from viewer.leaks.subjects import Judged, judge_subjects

__all__ = ["Environment", "Finding", "Other", "Report", "judge"]


def judge(captures: Iterable[Capture]) -> Report:
    """Return the judgement of every subject in every environment of the captures."""
    collectors: dict[tuple[str, str], Collector] = {}
    for capture in captures:
        if capture.invocation.is_init:  # growth is from one invocation to the next
            continue
        name = (capture.invocation.function_name, capture.invocation.environment_id)
        if name not in collectors:
            collectors[name] = Collector(*name)
        collectors[name].add(capture)
    # Sorted, so that the answer does not depend on the order of reading.
    # Each collector is let go of as its series are made.
    environments = [collectors.pop(name).series() for name in sorted(collectors)]
    by_function: dict[str, list[Judged]] = {}
    for one in judge_subjects(environments):
        by_function.setdefault(one.environment.function, []).append(one)
    findings: list[Finding] = []
    others: list[Other] = []
    for judged in by_function.values():
        found, rest = find(judged)
        findings += found
        others += rest
    findings.sort(key=_urgency)
    looked_at = tuple(
        Environment(one.function, one.environment, one.warm, one.skipped, one.notes) for one in environments
    )
    return Report(tuple(findings), tuple(others), looked_at)


def _urgency(finding: Finding) -> tuple[float, float]:
    """Return what sorts findings: the fewest invocations left first, then the most bytes."""
    left = finding.invocations_left
    return float("inf") if left is None else left, -(finding.bytes_per_invocation or 0.0)
