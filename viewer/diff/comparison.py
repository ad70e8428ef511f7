"""Two sides → the change of every function, with its interval and what it could be by chance.

Welch's t-test over the invocations, adjusted for the many functions by Benjamini and Hochberg. One invocation
against one has no measure of chance, and is never called sure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from profiler.capture import Frame
from profiler.errors import SelectionError
from viewer.diff.side import Moments, Side, Weights
from viewer.leaks.statistics import benjamini_hochberg, student_t_upper_tail

# The share of false alarms that is accepted among the changes that are called sure.
ALPHA = 0.05
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean per invocation before and after. `low` and `high` bound the change at 95 %; `p` is two-sided.

    All three are None where there is no measure of chance.
    """

    before: float
    after: float
    low: float | None
    high: float | None
    p: float | None

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def relative(self) -> float | None:
        """The change as a share of what was before, None where that was nothing."""
        return self.change / self.before if self.before else None


@dataclass(frozen=True, slots=True)
class Change:
    """One function's change; `kind` is "new", "gone" or "changed". `p` is adjusted for all functions."""

    frame: Frame
    kind: str
    self_weight: Estimate
    total_weight: Estimate
    p: float | None

    @property
    def is_sure(self) -> bool:
        return self.p is not None and self.p < ALPHA


@dataclass(frozen=True, slots=True)
class Whole:
    """All that counts of an invocation, taken together."""

    estimate: Estimate

    @property
    def is_sure(self) -> bool:
        return self.estimate.p is not None and self.estimate.p < ALPHA


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes of all functions: those that are sure first, and of these the largest change of self."""

    before: str
    after: str
    before_count: int
    after_count: int
    unit: str
    whole: Whole
    changes: tuple[Change, ...]

    @property
    def has_chance(self) -> bool:
        """Whether there is a measure of chance: two invocations on each side at least."""
        return min(self.before_count, self.after_count) > 1

    def sure(self) -> Iterator[Change]:
        return (change for change in self.changes if change.is_sure)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as what `json` can write."""
        return {
            "before": {"name": self.before, "invocations": self.before_count},
            "after": {"name": self.after, "invocations": self.after_count},
            "unit": self.unit,
            "whole": _estimate_record(self.whole.estimate) | {"sure": self.whole.is_sure},
            "functions": [_change_record(change) for change in self.changes],
        }


def compare(before: Side, after: Side) -> Comparison:
    """Return the comparison of two sides.

    Raises:
        SelectionError: a side is empty, or they do not measure the same.
    """
    for side in (before, after):
        if not side.count:
            raise SelectionError(f"there is nothing to compare on the side {side.name!r}")
    if before.unit != after.unit:
        raise SelectionError(f"one side is in {before.unit}, the other in {after.unit}")
    functions = dict.fromkeys([*before.functions, *after.functions])
    rows = []
    for function in functions:
        old, new = (side.functions.get(function) or Weights() for side in (before, after))
        frame = after.frames.get(function) or before.frames[function]
        kind = "new" if not old.seen else "gone" if not new.seen else "changed"
        self_weight = _estimate(old.self_weight, before.count, new.self_weight, after.count)
        total_weight = _estimate(old.total_weight, before.count, new.total_weight, after.count)
        rows.append((frame, kind, self_weight, total_weight))
    # A function is tested by what it does itself; one that only calls others, by what it takes with them.
    p_values = [(self_w if self_w.before or self_w.after else total_w).p for _, _, self_w, total_w in rows]
    adjusted = iter(benjamini_hochberg([p for p in p_values if p is not None]))
    changes = [
        Change(*row, p=None if p is None else next(adjusted)) for row, p in zip(rows, p_values, strict=True)
    ]
    changes.sort(
        key=lambda one: (not one.is_sure, -abs(one.self_weight.change), -abs(one.total_weight.change))
    )
    whole = Whole(_estimate(before.whole, before.count, after.whole, after.count))
    return Comparison(before.name, after.name, before.count, after.count, before.unit, whole, tuple(changes))


def _estimate(old: Moments, old_count: int, new: Moments, new_count: int) -> Estimate:
    before, after = old.mean(old_count), new.mean(new_count)
    old_error, new_error = old.error(old_count), new.error(new_count)
    if old_error is None or new_error is None:
        return Estimate(before, after, None, None, None)
    variance = old_error**2 + new_error**2
    change = after - before
    if variance == 0:
        return Estimate(before, after, change, change, 1.0 if change == 0 else 0.0)
    # Welch and Satterthwaite's degrees of freedom (Welch 1947), rounded down.
    freedom = variance**2 / (old_error**4 / (old_count - 1) + new_error**4 / (new_count - 1))
    error = math.sqrt(variance)
    p = min(1.0, 2 * student_t_upper_tail(abs(change) / error, max(1, int(freedom))))
    reach = _student_t_quantile(1 - (1 - _LEVEL) / 2, max(1, int(freedom))) * error
    return Estimate(before, after, change - reach, change + reach, p)


def _student_t_quantile(probability: float, freedom: int) -> float:
    """Return the t below which so much of Student's distribution lies, by bisection."""
    low, high = 0.0, 1.0
    while student_t_upper_tail(high, freedom) > 1 - probability:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if student_t_upper_tail(middle, freedom) > 1 - probability:
            low = middle
        else:
            high = middle
    return high


def _estimate_record(estimate: Estimate) -> dict[str, Any]:
    return {
        "before": estimate.before,
        "after": estimate.after,
        "change": estimate.change,
        "relative": estimate.relative,
        "low": estimate.low,
        "high": estimate.high,
        "p": estimate.p,
    }


def _change_record(change: Change) -> dict[str, Any]:
    return {
        "name": change.frame.name,
        "file": change.frame.file,
        "line": change.frame.line,
        "kind": change.kind,
        "sure": change.is_sure,
        "p": change.p,
        "self": _estimate_record(change.self_weight),
        "total": _estimate_record(change.total_weight),
    }
