"""A report as one HTML page with a chart for each finding; it has no script and needs no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from importlib import resources

from viewer.leaks.report import Finding, Report
from viewer.leaks.reports import chart, words
from viewer.units import counted, printable

_NAMED_AT_MOST = 8


def render(report: Report, everything: bool = False) -> str:
    """Return the page."""
    style = resources.files("viewer.leaks.reports").joinpath("style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    functions = sorted({environment.function for environment in report.environments})
    title = f"Leaks of {', '.join(functions[:3])}" if functions else "Leaks"
    if len(functions) > 3:
        title += f" and {counted(len(functions) - 3, 'more function')}"
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_safe(title)}</title><style>{style}</style></head><body><main>"
        f"<h1>{_safe(title)}</h1>"
        f'<p class="looked">{_safe(words.summary(report, 0))}</p>'
        f"{''.join(_finding(report, finding) for finding in report.findings)}"
        f"{''.join(_others(report, everything))}"
        "</main></body></html>\n"
    )


def _finding(report: Report, finding: Finding) -> str:
    kind = f"{finding.kind}, {finding.type}" if finding.type else finding.kind
    facts = "".join(f"<div><dt>{_safe(name)}</dt><dd>{value}</dd></div>" for name, value in _facts(finding))
    drawings = [_figure(chart.growth(finding), _caption(finding))]
    if forecast := chart.forecast(finding):
        drawings.append(_figure(forecast, "Resident memory: measured, and as it will go on"))
    return (
        '<article class="finding"><header>'
        f'<span class="verdict">leak</span>'
        f"<h2><code>{_safe(words.name_in(report, finding.function, finding.subject))}</code></h2>"
        f'<span class="kind">{_safe(kind)}</span></header>'
        f'<dl class="facts">{facts}</dl>'
        f'<div class="charts">{"".join(drawings)}</div>'
        f'<p class="advice">{_safe(finding.advice.text)} '
        f'<span class="kind">({_safe(finding.advice.reference)})</span></p>'
        f"{_numbers(finding)}</article>"
    )


def _facts(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "grows per invocation", _safe(words.rate(finding))
    if finding.held_by:
        yield "held by", f"<code>{_safe(finding.held_by)}</code>"
    yield "certainty", _safe(words.sureness(finding))
    if finding.filled_at:
        yield words.filling(finding), f"<code>{_safe(words.lines(finding))}</code>"
    if finding.process_share is not None:
        yield "of the process's growth", f"{finding.process_share:.0%}"
    if finding.invocations_left is not None:
        yield "left until the limit", f"about {words.rounded(finding.invocations_left):,} invocations"
    if finding.hours_left is not None:
        yield "at the present rate", _safe(words.hours(finding.hours_left))
    if len(finding.environments) > 1:
        yield "seen in", f"{len(finding.environments):,} environments"
    if finding.also:
        named = ", ".join(finding.also[:_NAMED_AT_MOST])
        more = len(finding.also) - _NAMED_AT_MOST
        yield "part of it", f"<code>{_safe(named)}</code>{f' and {more:,} more' if more > 0 else ''}"


def _caption(finding: Finding) -> str:
    shown = f"{finding.unit} after each warm invocation, with the line fitted to them and its 95 % band"
    hidden = len(finding.environments) - len(finding.curves)
    return f"{shown}; {hidden:,} more environments are not drawn" if hidden > 0 else shown


def _figure(drawing: str, caption: str) -> str:
    return f"<figure><figcaption>{_safe(caption[0].upper() + caption[1:])}</figcaption>{drawing}</figure>"


def _numbers(finding: Finding) -> str:
    """Return the deciding curve as a table: the chart for those who do not see it."""
    curve = finding.curves[0]
    rows = "".join(
        f"<tr>{_number(f'{x:,}')}{_number(words.amount(y, finding.unit))}</tr>"
        for x, y in zip(curve.invocations, curve.values, strict=True)
    )
    return (
        f"<details><summary>The numbers, environment {_safe(curve.environment)}</summary>"
        '<div class="scroll"><table><thead><tr><th scope="col">invocation</th>'
        f'<th scope="col">{_safe(finding.unit)}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _number(shown: str) -> str:
    return f'<td class="number">{_safe(shown)}</td>'


def _others(report: Report, everything: bool) -> Iterator[str]:
    others = words.told(report, everything)
    if not others:
        return
    yield '<section class="others"><h2>What else was judged</h2><div class="scroll"><table><thead><tr>'
    yield "".join(f'<th scope="col">{name}</th>' for name in ("verdict", "what", "kind", "why"))
    yield "</tr></thead><tbody>"
    for other in others:
        subject = _safe(words.name_in(report, other.function, other.subject))
        yield (
            f"<tr><td>{other.verdict}</td><td><code>{subject}</code></td><td>{other.kind}</td>"
            f"<td>{_safe(words.judgement(other))}</td></tr>"
        )
    yield "</tbody></table></div></section>"


def _safe(text: str) -> str:
    return escape(printable(text))
