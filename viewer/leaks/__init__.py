"""Which subject grows without bound: captures in, a report out.

    report = judge(captures)            # of any functions and environments, in any order
    for finding in report.findings: ...

The captures are read one after the other, and only their numbers are kept; of an environment that is known
to be complete (`judge_groups`) only what its verdicts take.
"""

from __future__ import annotations

from collections.abc import Iterable

from profiler.capture import Capture
from viewer.leaks.collector import Collector
from viewer.leaks.findings import find
from viewer.leaks.report import Environment, Finding, Other, Report
from viewer.leaks.subjects import Judged, Subjects, judge_subjects

__all__ = ["Environment", "Finding", "Other", "Report", "judge", "judge_groups"]


def judge(captures: Iterable[Capture]) -> Report:
    """Return the judgement of every subject in every environment of the captures."""
    return judge_groups([captures])


def judge_groups(groups: Iterable[Iterable[Capture]]) -> Report:
    """Do as `judge`, for captures in groups that hold all of one environment, or of a few.

    Of a group only what its verdicts take is kept once it is read, so that memory does not grow with the
    number of groups. The order of the groups settles ties: sort them.
    """
    looked_at: list[Environment] = []
    judgements = judge_subjects(_finished(groups, looked_at))
    by_function: dict[str, list[Judged]] = {}
    for one in judgements:
        by_function.setdefault(one.environment.function, []).append(one)
    findings: list[Finding] = []
    others: list[Other] = []
    for judged in by_function.values():
        found, rest = find(judged)
        findings += found
        others += rest
    findings.sort(key=_urgency)
    return Report(tuple(findings), tuple(others), tuple(looked_at))


def _finished(groups: Iterable[Iterable[Capture]], looked_at: list[Environment]) -> Subjects:
    """Yield the environments of one group after the other, and note them."""
    for group in groups:
        collectors: dict[tuple[str, str], Collector] = {}
        for capture in group:
            if capture.invocation.is_init:  # growth is from one invocation to the next
                continue
            name = (capture.invocation.function_name, capture.invocation.environment_id)
            if name not in collectors:
                collectors[name] = Collector(*name)
            collectors[name].add(capture)
        # Sorted, so that the answer does not depend on the order of reading.
        for name in sorted(collectors):
            # Each is let go of as its subjects are judged.
            facts, subjects = collectors.pop(name).finish()
            looked_at.append(
                Environment(*name, warm=facts.warm, ran=facts.ran, skipped=facts.skipped, notes=facts.notes)
            )
            yield facts, subjects


def _urgency(finding: Finding) -> tuple[float, float]:
    """Return what sorts findings: the fewest invocations left first, then the most bytes."""
    left = finding.invocations_left
    return float("inf") if left is None else left, -(finding.bytes_per_invocation or 0.0)
