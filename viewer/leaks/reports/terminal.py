"""A report as lines for a terminal: a sentence and a sparkline for each leak, a table of the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from viewer.leaks.report import Finding, Report
from viewer.leaks.reports import words
from viewer.leaks.statistics import thin
from viewer.units import printable

# Spans of (text, style), as `viewer.cli.terminal` writes them.
Line = list[tuple[str, str]]

_BARS = "▁▂▃▄▅▆▇█"
_BARS_AT_MOST = 40


def finding_lines(report: Report, finding: Finding) -> Iterator[Line]:
    """Yield the lines of one finding."""
    heading = words.name_in(report, finding.function, words.sentence(finding))
    yield [("leak  ", "bold red"), (printable(heading), "")]
    if len(finding.environments) > 1:
        yield [(f"      the same in {len(finding.environments):,} environments", "dim")]
    if finding.also:
        yield [(printable(f"      part of it: {', '.join(finding.also[:5])}"), "dim")]
    values = finding.curves[0].values
    bars = sparkline([int(value) for value in thin(values, _BARS_AT_MOST)])
    if bars:
        first, last = (words.amount(value, finding.unit) for value in (values[0], values[-1]))
        yield [(f"      {first} ", "dim"), (bars, "red"), (f" {last}", "dim")]
    yield [(f"      more: {finding.advice.reference}", "dim")]
    yield []


def sparkline(values: Sequence[int]) -> str:
    """Return the values as bars, one character each; empty where the terminal's encoding has none."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        _BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ""
    low, high = min(values, default=0), max(values, default=0)
    return "".join(_BARS[(value - low) * (len(_BARS) - 1) // ((high - low) or 1)] for value in values)
