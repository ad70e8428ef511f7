"""A report as lines for a terminal: each leak in a sentence, and all of them in a table with sparklines."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence

from viewer.leaks.report import Finding, Report
from viewer.leaks.reports import words
from viewer.leaks.statistics import thin
from viewer.units import printable

# Spans of (text, style), as `viewer.cli.terminal` writes them.
Span = tuple[str, str]
Line = list[Span]

_BARS = "▁▂▃▄▅▆▇█"
# On a narrow terminal, and where there is room.
_FEW_BARS, _MANY_BARS = 12, 24
_ROOMY = 100
_INDENT = 6
_LEAST_TEXT = 40


def finding_lines(report: Report, finding: Finding, width: int | None) -> Iterator[Line]:
    """Yield the sentence of one finding and what belongs to it, wrapped to a terminal's width.

    Without a terminal a sentence is one line, for whoever searches it.
    """
    heading = words.name_in(report, finding.function, words.sentence(finding))
    first, *rest = wrapped(heading, width, _INDENT)
    yield [("leak".ljust(_INDENT), "bold red"), (first, "")]
    yield from ([(" " * _INDENT + line, "")] for line in rest)
    yield from (
        [(" " * _INDENT + line, "dim")] for note in _notes(finding) for line in wrapped(note, width, _INDENT)
    )
    yield []


def finding_rows(report: Report, finding: Finding, width: int | None) -> Iterator[tuple[str | Span, ...]]:
    """Yield two rows of a table: the numbers of one finding, and below each what it goes with.

    The columns are verdict, subject and place, slope and interval, certainty and invocations, sparkline
    and its ends, invocations and time left until the memory limit.
    """
    values = finding.curves[0].values
    count = _MANY_BARS if width is None or width >= _ROOMY else _FEW_BARS
    left, hours = finding.invocations_left, finding.hours_left
    subject = words.name_in(report, finding.function, finding.subject)
    yield (
        "leak",
        subject,
        words.slope(finding),
        words.percent(finding),
        sparkline([int(value) for value in thin(values, count)]),
        f"{words.rounded(left):,}" if left is not None else "",
    )
    below = (
        "",
        words.where(finding),
        words.interval(finding),
        f"after {finding.invocations:,}",
        words.span(*(words.amount(value, finding.unit) for value in (values[0], values[-1]))),
        words.hours(hours) if hours is not None else "",
    )
    yield tuple((text, "dim") for text in below)


def _notes(finding: Finding) -> Iterator[str]:
    if len(finding.environments) > 1:
        yield f"the same in {len(finding.environments):,} environments"
    if finding.also:
        yield f"part of it: {', '.join(finding.also[:5])}"
    yield f"more: {finding.advice.reference}"


def wrapped(text: str, width: int | None, indent: int = 0) -> list[str]:
    """Return a text in lines of a terminal's width, less an indent; in one without a terminal."""
    shown = printable(text)
    if width is None:
        return [shown]
    room = max(_LEAST_TEXT, width - indent)
    return textwrap.wrap(shown, room, break_long_words=False, break_on_hyphens=False) or [shown]


def sparkline(values: Sequence[int]) -> str:
    """Return the values as bars, one character each; empty where the terminal's encoding has none."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        _BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ""
    low, high = min(values, default=0), max(values, default=0)
    return "".join(_BARS[(value - low) * (len(_BARS) - 1) // ((high - low) or 1)] for value in values)
