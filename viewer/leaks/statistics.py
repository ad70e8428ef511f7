"""The statistics of a verdict: trend, slope, drift, and what many tests and many looks do to them.

Pure functions over sequences of numbers, in order. A p-value is always one-sided, against growth: small
where the data would be surprising if nothing grew.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean, median
from typing import TypeVar

# Below this many points the normal approximation of Mann and Kendall's statistic is not good enough.
APPROXIMATE_FROM = 10
# Theil and Sen look at every pair of points: more than this many are thinned evenly.
POINTS_AT_MOST = 300
_NORMAL = NormalDist()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope per step of x, with its confidence interval."""

    value: float
    low: float
    high: float


def mann_kendall(values: Sequence[float]) -> float:
    """Return the one-sided p-value of Mann and Kendall's test for an upward trend.

    S counts the pairs that rise minus those that fall; its variance is corrected for ties, and S by one
    for continuity. The normal approximation holds from 10 points on; below, the answer is 1.0.

    Source: Mann 1945; Kendall 1975; Gilbert, Statistical Methods for Environmental Pollution
    Monitoring (1987), section 16.4.
    """
    if len(values) < APPROXIMATE_FROM:
        return 1.0
    variance = kendall_variance(values)
    if variance <= 0:
        return 1.0
    s = kendall_s(values)
    return _upper_tail((s - (s > 0) + (s < 0)) / math.sqrt(variance))


def kendall_s(values: Sequence[float]) -> int:
    """Return the number of pairs in order that rise, minus those that fall; O(n log n) comparisons."""
    earlier: list[float] = []
    s = 0
    for value in values:
        s += bisect_left(earlier, value) - (len(earlier) - bisect_right(earlier, value))
        insort(earlier, value)
    return s


def kendall_variance(values: Sequence[float]) -> float:
    """Return the variance of Kendall's S without a trend, corrected for ties (Gilbert 1987, 16.4.2)."""
    n = len(values)
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values() if t > 1)
    return (n * (n - 1) * (2 * n + 5) - ties) / 18


def theil_sen(xs: Sequence[float], ys: Sequence[float], confidence: float = 0.95) -> Slope:
    """Return the median of the slopes of all pairs, and its confidence interval.

    The interval lies between the slopes of rank (N ± z·sd(S)) / 2 of the N sorted ones, by the normal
    approximation. `xs` are strictly increasing. More than 300 points are thinned first.

    Raises:
        ValueError: there are fewer than two points.

    Source: Sen 1968; Hollander and Wolfe, Nonparametric Statistical Methods (1999), section 9.3.
    """
    xs, ys = thin(xs), thin(ys)
    slopes = sorted((ys[j] - ys[i]) / (xs[j] - xs[i]) for i in range(len(xs)) for j in range(i + 1, len(xs)))
    if not slopes:
        raise ValueError("a slope takes two points")
    half_width = _NORMAL.inv_cdf(0.5 + confidence / 2) * math.sqrt(max(0.0, kendall_variance(ys)))
    low = math.floor((len(slopes) - half_width) / 2)
    high = math.ceil((len(slopes) + half_width) / 2)
    return Slope(median(slopes), slopes[max(0, low)], slopes[min(len(slopes) - 1, high)])


def drift(values: Sequence[float], at: Sequence[float] | None = None, blocks: int = 8) -> float:
    """Return the one-sided p-value of Student's t-test for a rise from block to block.

    The values are cut into blocks, and the differences of the blocks' means are tested against a mean
    of zero; where the values lie unevenly, `at` are their places, and the differences are per unit of
    them. Mann and Kendall take every point for independent, so that a random walk passes for a trend;
    here it does not: it goes down as often as up.

    Source: the idea of batch means, Conway 1963; Student 1908.
    """
    rises = differences([fmean(block) for block in cut(values, blocks)])
    if at is not None:
        gaps = differences([fmean(block) for block in cut(at, blocks)])
        rises = [rise / gap for rise, gap in zip(rises, gaps, strict=True)]
    if len(rises) < 2:
        return 1.0
    mean = fmean(rises)
    # `statistics.stdev` is exact, with fractions, and takes twenty times as long.
    spread = math.sqrt(math.fsum((rise - mean) ** 2 for rise in rises) / (len(rises) - 1))
    if spread == 0:
        return 0.0 if mean > 0 else 1.0
    return student_t_upper_tail(mean / spread * math.sqrt(len(rises)), len(rises) - 1)


def student_t_upper_tail(t: float, freedom: int) -> float:
    """Return P(T > t) of Student's distribution (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan2(t, math.sqrt(freedom))
    cos, sin = math.cos(angle), math.sin(angle)
    first = 1 if freedom % 2 == 0 else 2
    term, total = (1.0, 1.0) if freedom % 2 == 0 else (cos, cos)
    for k in range(first, freedom - 2, 2):
        term *= cos * cos * k / (k + 1)
        total += term
    both = sin * total
    if freedom % 2 == 1:
        both = 2 / math.pi * (angle + (both if freedom > 1 else 0.0))
    return min(1.0, max(0.0, (1 - both) / 2))


def fisher(p_values: Sequence[float]) -> float:
    """Return one p-value for several independent tests of the same thing.

    -2 Σ ln p follows chi-squared with 2k degrees of freedom, whose tail has a closed form.

    Source: Fisher, Statistical Methods for Research Workers (1932), section 21.1.
    """
    if any(p <= 0 for p in p_values):
        return 0.0
    half = -sum(math.log(p) for p in p_values)
    term = total = math.exp(-half)
    for k in range(1, len(p_values)):
        term *= half / k
        total += term
    return min(1.0, total)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted so that a limit on them limits the share of false discoveries.

    Source: Benjamini and Hochberg 1995, in the step-up form of adjusted p-values.
    """
    count = len(p_values)
    adjusted = [1.0] * count
    least = 1.0
    order = sorted(range(count), key=lambda index: p_values[index], reverse=True)
    for index, rank in zip(order, range(count, 0, -1), strict=True):
        least = min(least, p_values[index] * count / rank)
        adjusted[index] = least
    return adjusted


def cut(values: Sequence[float], parts: int) -> list[Sequence[float]]:
    """Return the values in consecutive parts of equal length, give or take one; none is empty."""
    parts = min(parts, len(values))
    edges = [len(values) * part // parts for part in range(parts + 1)] if parts else []
    return [values[start:end] for start, end in pairwise(edges)]


def differences(values: Sequence[float]) -> list[float]:
    """Return each value minus the one before it."""
    return [after - before for before, after in pairwise(values)]


def thin(values: Sequence[T], most: int = POINTS_AT_MOST) -> Sequence[T]:
    """Return at most so many values, evenly spaced, the first and the last among them."""
    if len(values) <= most:
        return values
    return [values[round(index * (len(values) - 1) / (most - 1))] for index in range(most)]


def _upper_tail(z: float) -> float:
    # erfc keeps its digits where 1 - cdf would round to zero.
    return math.erfc(z / math.sqrt(2)) / 2
