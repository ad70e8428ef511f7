"""A report for a pull request: GitHub's Markdown, in which no name can be more than a name."""

from __future__ import annotations

from collections.abc import Iterator

from viewer.leaks.report import Finding, Report
from viewer.leaks.reports import words
from viewer.leaks.reports.terminal import sparkline
from viewer.leaks.statistics import thin
from viewer.markdown import code, text

_BARS_AT_MOST = 24


def render(report: Report, everything: bool = False) -> str:
    """Return the report: a headline, a table of leaks, advice for each, and the other judgements folded."""
    return "\n".join(_lines(report, everything)) + "\n"


def _lines(report: Report, everything: bool) -> Iterator[str]:
    others = words.told(report, everything)
    mark = "🔴" if report.findings else "🟢"
    yield f"### {mark} {words.summary(report, 0)}"
    yield ""
    if report.findings:
        yield "| leak | per invocation | sure | filled at | left until the limit | growth |"
        yield "|---|---|---|---|---|---|"
        for finding in report.findings:
            yield _row(report, finding)
        yield ""
        for finding in report.findings:
            yield f"- {code(finding.subject)}: {finding.advice.text} ({code(finding.advice.rule)})"
        yield ""
    if others:
        yield f"<details><summary>{len(others):,} other judgements</summary>"
        yield ""
        yield "| verdict | what | kind | why |"
        yield "|---|---|---|---|"
        for other in others:
            subject = code(words.name_in(report, other.function, other.subject))
            yield f"| {other.verdict} | {subject} | {other.kind} | {text(words.judgement(other))} |"
        yield ""
        yield "</details>"


def _row(report: Report, finding: Finding) -> str:
    left = "?"
    if finding.invocations_left is not None:
        left = f"about {words.rounded(finding.invocations_left):,} invocations"
    bars = sparkline([int(value) for value in thin(finding.curves[0].values, _BARS_AT_MOST)])
    cells = (
        code(words.name_in(report, finding.function, finding.subject)),
        text(words.rate(finding)),
        text(words.sureness(finding)),
        code(words.lines(finding)) if finding.filled_at else "",
        left,
        bars,
    )
    return f"| {' | '.join(cells)} |"
