"""One side of a comparison: sums over its invocations, for each function and for each stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

from profiler.capture import Frame
from viewer.building import ProfileBuilder
from viewer.modules import short_file
from viewer.processors import function_totals
from viewer.profile import Lane, Profile


class Function(NamedTuple):
    """What makes two frames the same function from one build to the next: not its line."""

    name: str
    file: str


@dataclass(slots=True)
class Moments:
    """A number of each invocation, as its sum and its sum of squares; where it was not seen it is 0."""

    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.total += value
        self.squares += value * value

    def mean(self, count: int) -> float:
        return self.total / count if count else 0.0

    def variance(self, count: int) -> float | None:
        """Return the variance of the mean's population, None for fewer than two."""
        if count < 2:
            return None
        return max(0.0, (self.squares - self.total * self.total / count) / (count - 1))

    def error(self, count: int) -> float | None:
        """Return the standard error of the mean."""
        variance = self.variance(count)
        return None if variance is None else sqrt(variance / count)


@dataclass(slots=True)
class Weights:
    """Self and total of one function, in the lane's unit, and in how many invocations it was seen."""

    self_weight: Moments = field(default_factory=Moments)
    total_weight: Moments = field(default_factory=Moments)
    seen: int = 0


class Side:
    """The sums of one set of invocations. `lanes_of` chooses what of a profile counts."""

    def __init__(self, name: str, lanes_of: Callable[[Profile], Sequence[Lane]]) -> None:
        self.name = name
        self.count = 0
        self.unit = ""
        self.whole = Moments()
        self.functions: dict[Function, Weights] = {}
        self.frames: dict[Function, Frame] = {}
        self.builder = ProfileBuilder()
        self.approximate = False
        self._lanes_of = lanes_of

    def add(self, profile: Profile) -> None:
        """Add one invocation, and keep nothing of it but sums."""
        lanes = self._lanes_of(profile)
        if not self.unit:
            self.unit = lanes[0].unit
        self.count += 1
        self.approximate = self.approximate or profile.approximate
        self.whole.add(sum(lane.total for lane in lanes))
        sums: dict[Function, tuple[int, int]] = {}
        for row in function_totals(profile, lanes):
            function = function_of(row.frame)
            self.frames.setdefault(function, row.frame)
            # Two of one name in one file, as lambdas are, count as one.
            self_weight, total = sums.get(function, (0, 0))
            sums[function] = (self_weight + row.self_weight, max(total, row.total_weight))
        for function, (self_weight, total) in sums.items():
            weights = self.functions.get(function)
            if weights is None:
                weights = self.functions[function] = Weights()
            weights.self_weight.add(self_weight)
            weights.total_weight.add(total)
            weights.seen += 1
        self._add_stacks(profile, lanes)

    def _add_stacks(self, profile: Profile, lanes: Sequence[Lane]) -> None:
        frames = [self.frames.get(function_of(frame), frame) for frame in profile.frames]
        stacks = self.builder.stacks(frames)
        for lane in lanes:
            runs = ((profile.table.stack(node), weight) for node, weight in lane.runs)
            self.builder.add(("all",), lane.name, lane.unit, stacks.runs(runs))


def function_of(frame: Frame) -> Function:
    """Return the function of a frame. A file is known by its end: where it was unpacked may differ."""
    return Function(frame.name, short_file(frame.file))
