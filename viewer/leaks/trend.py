"""How one series moves: is there growth, does it last, and if it does not, in what way.

Growth without end is more than a trend: a cache that fills has one too. So two tests must agree that it
grows, and four marks that it goes on. The marks, and what look-alike each keeps out:

- the low-water marks of the four quarters rise, the last at a third of the mean rate at least: a sawtooth;
- the second half's slope is at least half of the first half's: a cache that fills;
- the growth per invocation does not decline significantly: a finite key space;
- it rose at least six times, and is not at rest for longer than it ever was: steps, a pool, a full cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from viewer.leaks.series import Series
from viewer.leaks.statistics import Slope, cut, differences, drift, mann_kendall, theil_sen, thin

FEWEST_POINTS = 20
# What may be taken for growth by chance, over all looks at one subject.
ALPHA = 0.01
# A trend this likely by chance is not one, but below this its absence is not certain either.
UNCLEAR_P = 0.2
FEWEST_RISES = 6
# Of the whole range: less is noise between two steps.
_LARGE_RISE = 0.02
# So many times the usual distance between two captures is a gap, in which nobody looked.
_GAP = 10
# A decline of the rate, and a rest after the last rise, this unlikely in steady growth count as such.
_SLOWING_ALPHA = 0.02
_REST_ALPHA = 0.01
# Least slope per invocation, by the unit of the series.
FLOORS = {"entries": 0.02, "objects": 0.02, "bytes": 16.0, "blocks": 5.0}

LASTING = "lasting"
STOPPED = "stopped"
SLOWING = "slowing"
UNSTEADY = "unsteady"
FEW_RISES = "few rises"
TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Trend:
    """What the numbers say. `p` holds for all looks so far; `slope` is None where nothing grows.

    `shape` is LASTING, or the first mark of lasting growth that is missing. `rest` counts the points
    since the last rise above everything before.
    """

    points: int
    p: float
    slope: Slope | None
    shape: str
    rest: int


def trend_of(series: Series) -> Trend:
    """Return the trend of a series; below 20 points its p-value is 1.

    Mann and Kendall's test takes the points for independent, the drift of block means takes the steps
    for independent: as either may be true, growth needs both, and the larger p-value counts (an
    intersection-union test, Berger 1982).
    """
    xs, ys = series.xs, series.ys
    count = len(ys)
    rises, rest = records(ys)
    if count < FEWEST_POINTS or rises == 0:
        return Trend(series.seen, 1.0, None, UNSTEADY, rest)
    is_even = len(set(differences(xs))) == 1
    looks = looks_factor(count)
    p = min(1.0, drift(ys, None if is_even else xs) * looks)
    if p < 1.0:  # most series need only the quicker of the two
        p = min(1.0, max(p, mann_kendall(ys) * looks))
    if p >= UNCLEAR_P:
        return Trend(count, p, None, UNSTEADY, rest)
    slope = theil_sen(xs, ys)
    return Trend(count, p, slope, _shape(series, slope, rises, rest), rest)


def looks_factor(points: int) -> int:
    """Return what a p-value is multiplied with for the looks taken before: (k+1)(k+2) at 20·2^k points.

    Whoever looks often enough sees everything. The looks are grouped by doublings (20–39 points, 40–79,
    …), and the k-th group may spend 1/((k+1)(k+2)) of the error, which adds up to all of it for ever.
    Judging only at the doublings themselves would be simpler, but would throw away up to half of the
    captures: 39 warm ones would be judged by 20. Within one group the looks share most of their points;
    what looking at each of them adds is small against the factor of two that the first group pays.

    Source: alpha spending, Lan and DeMets 1983.
    """
    doublings = max(0, int(math.log2(max(points, 1) / FEWEST_POINTS))) if points >= FEWEST_POINTS else 0
    return (doublings + 1) * (doublings + 2)


def next_look(points: int) -> int:
    """Return how many more points are worth a new look: up to the first 20, then as many again."""
    return FEWEST_POINTS - points if points < FEWEST_POINTS else points


def records(values: Sequence[float], least: float = 0.0) -> tuple[int, int]:
    """Return how often a value rose above all before it, and how many points came after the last time.

    A rise by `least` or less is none.
    """
    rises, last, highest = 0, 0, values[0] if values else 0.0
    for index, value in enumerate(values):
        if value > highest + least:
            rises += 1
            last, highest = index, value
    return rises, len(values) - 1 - last


def stretches(xs: Sequence[int], ys: Sequence[int]) -> list[Sequence[int]]:
    """Return the values cut where captures are missing for long."""
    most = _GAP * median(differences(xs)) if len(xs) > 1 else 0
    edges = [0, *(i + 1 for i, step in enumerate(differences(xs)) if step > most), len(ys)]
    return [ys[start:end] for start, end in pairwise(edges)]


def _falls_behind(parts: Sequence[Sequence[int]], series: Series) -> bool:
    """Tell whether the growth in the gaps is less than half of what the growth in plain sight would give.

    Then it was emptied meanwhile, or had stopped.
    """
    levels = [[fmean(half) for half in cut(part, 2)] for part in parts]
    places = [[fmean(half) for half in cut(part, 2)] for part in stretches(series.xs, series.xs)]
    rise, span = (sum(part[-1] - part[0] for part in each) for each in (levels, places))
    whole_rise, whole_span = (each[-1][-1] - each[0][0] for each in (levels, places))
    return len(parts) > 1 and span > 0 and (whole_rise - rise) / (whole_span - span) < rise / span / 2


def _shape(series: Series, slope: Slope, rises: int, rest: int) -> str:
    ys = series.ys
    lows = [min(quarter) for quarter in cut(ys, 4)]
    steps = differences(lows)
    if slope.value < FLOORS[series.subject.unit]:
        return TINY
    if at_rest(len(ys), rises, rest):
        return STOPPED
    if _declines(series):
        return SLOWING
    if min(steps) <= 0:
        return UNSTEADY
    middles = [fmean(quarter) for quarter in cut(series.xs, 4)]
    if steps[-1] / (middles[3] - middles[2]) < (lows[3] - lows[0]) / (middles[3] - middles[0]) / 3:
        return SLOWING
    parts = stretches(series.xs, ys)
    if _falls_behind(parts, series):
        return UNSTEADY
    # What grew in a gap says nothing of how: it makes no rise in plain sight small.
    seen = sum(max(part) - min(part) for part in parts)
    large_rises, _ = records(ys, min(seen, max(ys) - min(ys)) * _LARGE_RISE)
    return LASTING if large_rises >= FEWEST_RISES else FEW_RISES


def at_rest(count: int, rises: int, rest: int) -> bool:
    """Tell whether the points after the last rise are too many for growth that goes on.

    Where a share r of the points so far were new highs, `rest` points without one have the chance
    (1 - r)^rest; r is estimated as the mean of its distribution, as Laplace did.
    """
    share = (rises + 1) / (count - rest + 1)
    return (1 - share) ** rest < _REST_ALPHA


def _declines(series: Series) -> bool:
    """Tell whether the growth per invocation goes down: the second half's clearly, or step by step."""
    xs, ys = series.xs, series.ys
    thin_xs, thin_ys = thin(xs), thin(ys)
    half = len(thin_ys) // 2
    first = theil_sen(thin_xs[:half], thin_ys[:half])
    second = theil_sen(thin_xs[half:], thin_ys[half:])
    if second.value < first.value / 2:
        return True
    rates = [dy / dx for dx, dy in zip(differences(xs), differences(ys), strict=True)]
    return mann_kendall([-rate for rate in rates]) < _SLOWING_ALPHA
