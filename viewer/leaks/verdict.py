"""Six words for a series, with the reason in plain words.

Meaning comes before numbers: a container that names a bound is bounded, however it grows. A leak needs
growth that lasts (`trend`), with a p-value adjusted for every look and every subject. What is unclear is
insufficient, and never called stable.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from viewer.leaks import trend as trends
from viewer.leaks.series import ContainerSeries, Series
from viewer.leaks.statistics import cut, differences
from viewer.leaks.trend import ALPHA, FEWEST_POINTS, Trend, next_look
from viewer.units import counted, size

LEAK, BOUNDED, WARM_UP, SAWTOOTH, STABLE, INSUFFICIENT = VERDICTS = (
    "leak",
    "bounded",
    "warm-up",
    "sawtooth",
    "stable",
    "insufficient",
)
# A container this full is full: some keep a place or two free.
_FULL = 0.95
_WARM_UP_STEPS = 3
# How many times the memory limit a container at its bound must take for the bound to be none.
_FAR = 4


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, and for an insufficient one how many more invocations are wanted."""

    verdict: str
    reason: str
    wanted: int | None = None


def settle(container: ContainerSeries, limit_bytes: int | None) -> Judgement | None:
    """Return the verdict on a container that names its bound, or None where numbers must decide.

    A bound that was passed is none, nor is one far beyond the memory limit: sizes are estimates.
    """
    ys, bound = container.entries.ys, container.bound
    if bound is None or not ys or max(ys) > bound:
        return None
    last, full_bytes = ys[-1], bytes_when_full(container)
    if full_bytes is not None and limit_bytes is not None and full_bytes > _FAR * limit_bytes:
        return None
    if last >= min(bound - 1, bound * _FULL):
        return Judgement(BOUNDED, f"full: it holds at most {counted_entries(bound)}")
    if len(set(ys)) == 1:
        return Judgement(STABLE, f"always {counted_entries(last)}, of at most {bound:,}")
    if last > ys[0]:
        then = f", about {size(full_bytes)}" if full_bytes is not None else ""
        return Judgement(
            BOUNDED, f"grows and holds {last:,} now, will stop at {counted_entries(bound)}{then}"
        )
    return Judgement(BOUNDED, f"holds {last:,} now, and at most {counted_entries(bound)}")


def bytes_when_full(container: ContainerSeries) -> float | None:
    """Return what a container would take at its bound, from the size of the entries it has now."""
    entries, sizes = container.entries.ys, container.bytes.ys
    if container.bound is None or not sizes or not entries or not entries[-1]:
        return None
    return sizes[-1] / entries[-1] * container.bound


def is_leak(trend: Trend, adjusted_p: float) -> bool:
    """Tell whether growth is certain, after all looks and over all subjects, and lasts."""
    return trend.shape == trends.LASTING and max(trend.p, adjusted_p) < ALPHA


def judge_series(series: Series, trend: Trend, adjusted_p: float, expires: bool = False) -> Judgement:
    """Return the verdict that the numbers give; `expires`: its entries have a time to live."""
    ys = series.ys
    if len(ys) < FEWEST_POINTS:
        seen = counted(len(ys), "warm invocation")
        return _wanted(f"only {seen} so far, {FEWEST_POINTS} are needed", FEWEST_POINTS - len(ys))
    if min(ys) == max(ys):
        return Judgement(STABLE, f"always {amount(ys[0], series)}")
    if not is_leak(trend, adjusted_p):
        return _without_leak(series, trend)
    if expires:
        reason = "its entries expire, but it grew all the time: look for longer than their time to live"
        return _wanted(reason, next_look(len(ys)))
    return Judgement(LEAK, "grows without bound")


def _without_leak(series: Series, trend: Trend) -> Judgement:
    ys = series.ys
    return (
        _sawtooth(series)
        or _warm_up(series)
        or _stopped(series, trend)
        or _unclear(series, trend)
        or Judgement(STABLE, f"between {_amounts(min(ys), max(ys), series)}, without a trend")
    )


def _sawtooth(series: Series) -> Judgement | None:
    """Tell a sawtooth: many rises, each a part of the range, and at least two falls of half of it."""
    steps = differences(series.ys)
    half = (max(series.ys) - min(series.ys)) / 2
    emptied = sum(step <= -half for step in steps)
    rises, falls = sum(step > 0 for step in steps), sum(step < 0 for step in steps)
    leaps = sum(step > half for step in steps)
    low = min(series.ys)
    if emptied < 2 or rises < 1.5 * falls or leaps >= emptied:
        return None
    reason = f"grows and is emptied: {emptied} times from up to {_amounts(max(series.ys), low, series, 'to')}"
    return Judgement(SAWTOOTH, reason)


def _warm_up(series: Series) -> Judgement | None:
    """Tell a step: nine tenths of the range within three invocations, rest before and after."""
    xs, ys = series.xs, series.ys
    spread = max(ys) - min(ys)
    span = min(_WARM_UP_STEPS, len(ys) - 1)
    start = max(range(len(ys) - span), key=lambda index: ys[index + span] - ys[index])
    before, after = ys[: start + 1], ys[start + span :]
    flat = all(max(part) - min(part) <= spread / 10 for part in (before, after))
    if not flat or ys[start + span] - ys[start] < spread * 0.8:
        return None
    parts = trends.stretches(xs, ys)
    if len(parts) > 1 and any(part[-1] > part[0] for part in parts):
        return None  # what looks like a step may be all that grew where nobody looked
    first = next(index for index in range(start, start + span) if ys[index + 1] > ys[index])
    change = _amounts(ys[start], ys[start + span], series, "to")
    reason = f"one step, from {change}, at invocation {xs[first + 1]:,}"
    if len(after) < len(ys) / 4:
        return _wanted(f"{reason}: too few since to say that it was the only one", next_look(len(ys)))
    return Judgement(WARM_UP, reason)


def _stopped(series: Series, trend: Trend) -> Judgement | None:
    """Tell growth that has come to an end: risen well above its start, and at rest near its height."""
    ys = series.ys
    spread = max(ys) - min(ys)
    end = ys[len(ys) - 1 - trend.rest :]
    rises, _ = trends.records(ys)
    if ys[0] > min(ys) + spread / 3 or min(end) < max(ys) - spread / 4:
        return None
    if not trends.at_rest(len(ys), rises, trend.rest):
        return None
    reason = (
        f"grew from {_amounts(ys[0], max(ys), series, 'to')}, and not in the last {trend.rest:,} invocations"
    )
    if trend.rest < len(ys) / 4:
        return _wanted(f"{reason}: too few to say that it has stopped", next_look(len(ys)))
    return Judgement(BOUNDED, reason)


def _unclear(series: Series, trend: Trend) -> Judgement | None:
    """Tell what may grow: a trend that misses a mark or is not certain, or values that never fall."""
    ys = series.ys
    more = next_look(len(ys))
    if trend.p < ALPHA and trend.shape == trends.TINY:
        return None
    if trend.p < ALPHA and trend.shape in (trends.SLOWING, trends.STOPPED):
        return _wanted("grows, but more and more slowly: it may stop", more)
    rises, _ = trends.records(ys)
    thirds = [median(part) for part in cut(ys, 3)]
    never_falls = min(differences(ys)) >= 0 and thirds[0] < thirds[2]
    if never_falls and rises < trends.FEWEST_RISES:
        return _wanted(f"grew only {counted(rises, 'time')}: too few to say whether it goes on", more)
    if never_falls or (trend.p < trends.UNCLEAR_P and trend.slope is not None and trend.slope.value > 0):
        return _wanted("may grow, but not steadily enough to be sure", more)
    return None


def _wanted(reason: str, more: int) -> Judgement:
    return Judgement(INSUFFICIENT, reason, more)


def counted_entries(count: float) -> str:
    return f"{count:,.0f} {'entry' if count == 1 else 'entries'}"


def amount(value: float, series: Series) -> str:
    """Return a value in the unit of its series."""
    unit = series.subject.unit
    if unit == "bytes":
        return size(value)
    return counted_entries(value) if unit == "entries" else f"{value:,.0f} {unit}"


def _amounts(low: float, high: float, series: Series, word: str = "and") -> str:
    if series.subject.unit == "bytes":
        return f"{size(low)} {word} {size(high)}"
    return f"{low:,.0f} {word} {amount(high, series)}"
