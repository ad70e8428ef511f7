"""A comparison in words, for the terminal and for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from viewer.diff.comparison import Change, Comparison, Estimate
from viewer.markdown import code, text
from viewer.renderers.text import location
from viewer.units import counted, weight

# Of an invocation; what changes by less is not worth a line unless it is asked for.
LEAST_SHARE = 0.001
_LEAST_PERCENT = 0.05
HEADER = ("function", "before", "after", "change", "%", "sure", "location")


def headline(comparison: Comparison) -> str:
    """Return the change of the whole in one sentence."""
    estimate, unit = comparison.whole.estimate, comparison.unit
    sets = (
        f"{counted(comparison.before_count, 'invocation')} ({comparison.before}) and "
        f"{counted(comparison.after_count, 'invocation')} ({comparison.after})"
    )
    each = f"{weight(estimate.before, unit)} → {weight(estimate.after, unit)} per invocation"
    if not comparison.has_chance:
        return (
            f"{each}, {signed(estimate, unit)}; of {sets}: with fewer than two on a side "
            "there is no telling chance from change"
        )
    return f"{each}, {signed(estimate, unit)} {interval(estimate, unit)}, {sureness(estimate.p)}; of {sets}"


def told(comparison: Comparison, everything: bool) -> list[Change]:
    """Return the changes that are worth a line: the sure ones, or the large ones where none can be."""
    least = max(comparison.whole.estimate.before, comparison.whole.estimate.after) * LEAST_SHARE
    if everything:
        return list(comparison.changes)
    return [
        change
        for change in comparison.changes
        if max(abs(change.self_weight.change), abs(change.total_weight.change)) >= least
        and (change.is_sure or not comparison.has_chance)
    ]


def row(change: Change, unit: str) -> list[str]:
    """Return the cells of one change, as `HEADER` names them: of its self, or its total where it has none."""
    estimate = shown(change)
    name = change.frame.name if estimate is change.self_weight else f"{change.frame.name} (total)"
    return [
        name,
        weight(estimate.before, unit) if change.kind != "new" else "–",
        weight(estimate.after, unit) if change.kind != "gone" else "–",
        signed(estimate, unit),
        change.kind if change.kind != "changed" else percent(estimate),
        sureness(change.p, short=True),
        location(change.frame),
    ]


def shown(change: Change) -> Estimate:
    """Return the estimate that tells most of a function: of itself where it does anything itself."""
    own = change.self_weight
    return own if own.before or own.after else change.total_weight


def signed(estimate: Estimate, unit: str) -> str:
    """Return a change with its sign: `+1.20 ms`."""
    return f"{'−' if estimate.change < 0 else '+'}{weight(abs(estimate.change), unit)}"


def percent(estimate: Estimate) -> str:
    """Return the relative change: `+12 %`."""
    if estimate.relative is None:
        return ""
    share = estimate.relative * 100
    if abs(share) < _LEAST_PERCENT:
        return "0 %"
    return f"{'−' if share < 0 else '+'}{abs(share):,.{0 if abs(share) >= 10 else 1}f} %"


def interval(estimate: Estimate, unit: str) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = (
        f"{'−' if bound < 0 else '+'}{weight(abs(bound), unit)}" for bound in (estimate.low, estimate.high)
    )
    return f"({low} to {high})"


def sureness(p: float | None, *, short: bool = False) -> str:
    """Return how sure a change is, from its p-value; never quite."""
    if p is None:
        return "?" if short else "no telling"
    sure = min(0.999, 1 - p) * 100
    text = f"{int(sure * 10) / 10:g} %"
    return text if short else f"{text} sure that it changed" if p < 0.05 else "which may be chance"


def markdown(comparison: Comparison, everything: bool, limit: int) -> str:
    """Return the comparison as Markdown."""
    lines = [
        f"### {text(comparison.before)} → {text(comparison.after)}",
        "",
        f"{text(headline(comparison))}.",
        "",
    ]
    rows = told(comparison, everything)
    if not rows:
        return "\n".join([*lines, "No function changed for sure.", ""])
    lines += ["| " + " | ".join(HEADER) + " |", "|---|---:|---:|---:|---:|---:|---|"]
    lines += [_line(row(change, comparison.unit)) for change in rows[:limit]]
    if len(rows) > limit:
        lines += ["", f"and {len(rows) - limit:,} more"]
    return "\n".join([*lines, ""])


def _line(cells: Sequence[str]) -> str:
    name, *numbers, where = cells
    return f"| {' | '.join((code(name), *map(text, numbers), code(where)))} |"
