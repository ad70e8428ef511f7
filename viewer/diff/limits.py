"""`--fail-if 'self>+10%'`: what in a comparison is too much, for a build to stop at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from profiler.errors import SelectionError
from viewer.diff.comparison import Change, Comparison, Estimate
from viewer.diff.words import percent, signed, sureness

# Of an invocation: a function that takes less may double, and nobody would feel it.
LEAST_SHARE = 0.01
_EXPRESSION = re.compile(
    r"\s*(?P<what>self|total|whole)\s*(?:\[(?P<pattern>[^\]]+)\])?\s*>\s*\+?"
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%|ns|us|µs|ms|s|KB|MB|B)\s*"
)
_UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "B": 1, "KB": 1024, "MB": 1024**2}


@dataclass(frozen=True, slots=True)
class Limit:
    """By how much `what` may grow: `self` or `total` of the functions that match, or the whole."""

    text: str
    what: str
    pattern: str
    number: float
    is_relative: bool

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read an expression. Raises SelectionError where it is none."""
        match = _EXPRESSION.fullmatch(text)
        if match is None or (match["what"] == "whole" and match["pattern"]):
            raise SelectionError(
                f"{text!r} is no limit: give whole>+5%, self>+10%, total[app.*]>+20%, self>+3ms"
            )
        is_relative = match["unit"] == "%"
        number = (
            float(match["number"]) / 100 if is_relative else float(match["number"]) * _UNITS[match["unit"]]
        )
        return cls(text, match["what"], match["pattern"] or "*", number, is_relative)

    def broken_by(self, comparison: Comparison) -> list[str]:
        """Return what grows by more, in words; only what is sure where there is a measure of chance."""
        unit, least = comparison.unit, comparison.whole.estimate.after * LEAST_SHARE
        if self.what == "whole":
            whole = comparison.whole
            sure = whole.is_sure or not comparison.has_chance
            return [self._words("the whole", whole.estimate, whole.estimate.p, unit)] * (
                sure and self._is_over(whole.estimate)
            )
        found = []
        for change in comparison.changes:
            estimate = self._of(change)
            if not fnmatchcase(change.frame.name, self.pattern) or estimate.after < least:
                continue
            if (change.is_sure or not comparison.has_chance) and self._is_over(estimate):
                found.append(self._words(f"{self.what} of {change.frame.name}", estimate, change.p, unit))
        return found

    def _of(self, change: Change) -> Estimate:
        return change.self_weight if self.what == "self" else change.total_weight

    def _is_over(self, estimate: Estimate) -> bool:
        if not self.is_relative:
            return estimate.change > self.number
        # What is new has grown by more than any share.
        return estimate.change > 0 and (estimate.relative is None or estimate.relative > self.number)

    def _words(self, subject: str, estimate: Estimate, p: float | None, unit: str) -> str:
        share = percent(estimate) or "new"
        change = f"{signed(estimate, unit)} per invocation ({share}), {sureness(p)}"
        return f"{subject}: {change}; the limit is {self.text}"
