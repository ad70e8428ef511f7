"""Which container an allocation site fills, and which containers are reached through another.

A site belongs to a container where it allocates the container's entries, seen by its line; else where it
is in a function that fills it; else where it grows in step with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import correlation

from profiler.capture import Frame
from viewer.leaks.series import Series
from viewer.leaks.subjects import Judged
from viewer.leaks.trend import FEWEST_POINTS

_IN_STEP = 0.9


@dataclass(frozen=True, slots=True)
class _Steps:
    """The change from each invocation to the next one captured, by both their numbers."""

    changes: dict[tuple[int, int], int]
    constant: bool

    @classmethod
    def of(cls, series: Series) -> _Steps:
        changes = {
            (x, next_x): next_y - y
            for (x, y), (next_x, next_y) in pairwise(zip(series.xs, series.ys, strict=True))
        }
        return cls(changes, len(set(changes.values())) <= 1)


class Owners:
    """The containers of one function, the leaking ones before the others."""

    def __init__(self, leaking: Sequence[Judged], containers: Sequence[Judged]) -> None:
        self._leaking = leaking
        self._containers = [*leaking, *containers]
        self._steps = [_Steps.of(one.series) for one in self._containers]

    def of(self, site: Judged) -> Judged | None:
        """Return the container that a site fills, or None."""
        frame = site.series.subject.stack[-1]
        for one in self._containers:
            if any(same_line(frame, line) for line in lines_of(one)) or _is_cache_of(one, frame):
                return one
        for one in self._leaking:
            if any((frame.file, frame.name) == (line.file, line.name) for line in lines_of(one)):
                return one
        # Few points are in step with everything.
        return self._in_step_with(_Steps.of(site.series)) if len(site.series.xs) >= FEWEST_POINTS else None

    def _in_step_with(self, steps: _Steps) -> Judged | None:
        for index, (one, other) in enumerate(zip(self._containers, self._steps, strict=True)):
            if steps.constant and other.constant:
                # Two things that grow by the same each time prove nothing where one of them will stop.
                if index < len(self._leaking) and steps.changes.keys() & other.changes.keys():
                    return one
            elif not steps.constant and not other.constant and _correlate(steps, other):
                return one
        return None


def outermost(containers: Sequence[Judged]) -> list[Judged]:
    """Return the containers that are not reached through another of them."""
    found: list[Judged] = []
    for one in sorted(containers, key=lambda each: len(each.name)):
        if not is_within(one, found):
            found.append(one)
    return found


def is_within(one: Judged, holders: Sequence[Judged]) -> bool:
    """Tell whether a container is one of these, or reached through one."""
    return any(is_path_within(one.name, holder.name) for holder in holders)


def is_path_within(path: str, holder: str) -> bool:
    """Tell whether a path is a holder's, or leads through it."""
    return path == holder or (path.startswith(holder) and path[len(holder)] in ".[<( ")


def lines_of(one: Judged) -> tuple[Frame, ...]:
    """Return the lines that fill a container."""
    return one.container.filled_at if one.container is not None else ()


def same_line(one: Frame, other: Frame) -> bool:
    return (one.file, one.line) == (other.file, other.line)


def _is_cache_of(one: Judged, frame: Frame) -> bool:
    """Tell whether a container is the lru_cache around the function of a frame."""
    if one.container is None or one.container.type != "lru_cache" or not frame.name:
        return False
    return f".{one.name}".endswith(f".{frame.name}")


def _correlate(one: _Steps, other: _Steps) -> bool:
    common = one.changes.keys() & other.changes.keys()
    if len(common) < FEWEST_POINTS - 1:
        return False
    a, b = [one.changes[key] for key in common], [other.changes[key] for key in common]
    if min(a) == max(a) or min(b) == max(b):
        return False
    return correlation(a, b) >= _IN_STEP
