"""Which container an allocation site fills, and which containers are reached through another.

A site belongs to a container where it allocates the container's entries, seen by its line; else where it
is in a function that fills it; else where it grows in step with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import correlation

from profiler.capture import Frame
from viewer.leaks.series import Series
from viewer.leaks.subjects import Judged
from viewer.leaks.trend import FEWEST_POINTS

_IN_STEP = 0.9
# What may follow the path of a container in the path of what is reached through it.
_BELOW = ".[<( "


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
        self._leaking = len(leaking)
        self._containers = [*leaking, *containers]
        self._caches = [i for i, one in enumerate(self._containers) if _is_cache(one)]
        self._by_line: dict[tuple[str, int], int] = {}
        self._by_code: dict[tuple[str, str], int] = {}
        for index, one in enumerate(self._containers):
            for line in lines_of(one):
                self._by_line.setdefault((line.file, line.line), index)
                if index < self._leaking:
                    self._by_code.setdefault((line.file, line.name), index)

    def of(self, site: Judged) -> Judged | None:
        """Return the container that a site fills, or None."""
        frame = site.series.subject.stack[-1]
        found = [i for i in self._caches if _is_named(self._containers[i], frame)][:1]
        if (frame.file, frame.line) in self._by_line:
            found.append(self._by_line[frame.file, frame.line])
        if not found and (frame.file, frame.name) in self._by_code:
            found.append(self._by_code[frame.file, frame.name])
        if found:
            return self._containers[min(found)]
        # Few points are in step with everything.
        return self._in_step_with(_Steps.of(site.series)) if len(site.series.xs) >= FEWEST_POINTS else None

    def _in_step_with(self, steps: _Steps) -> Judged | None:
        for index, one, other in self._moving:
            if steps.constant and other.constant:
                # Two things that grow by the same each time prove nothing where one of them will stop.
                if index < self._leaking and steps.changes.keys() & other.changes.keys():
                    return one
            elif not steps.constant and not other.constant and _correlate(steps, other):
                return one
        return None

    @cached_property
    def _moving(self) -> list[tuple[int, Judged, _Steps]]:
        """The containers that changed at all, with their numbers and their steps."""
        return [
            (index, one, _Steps.of(one.series))
            for index, one in enumerate(self._containers)
            if len(set(one.series.ys)) > 1
        ]


class Holders:
    """Containers by their paths, none of which leads through another."""

    def __init__(self, containers: Iterable[Judged]) -> None:
        self._by_path = {one.name: one for one in containers}

    def of(self, path: str) -> Judged | None:
        """Return the one that a path is, or leads through."""
        return next((self._by_path[each] for each in (*_above(path), path) if each in self._by_path), None)


def outermost(containers: Sequence[Judged]) -> list[Judged]:
    """Return the containers that are not reached through another of them."""
    paths = {one.name for one in containers}
    return sorted(
        (one for one in containers if not any(path in paths for path in _above(one.name))),
        key=lambda one: len(one.name),
    )


def _above(path: str) -> Iterator[str]:
    return (path[:end] for end, char in enumerate(path) if char in _BELOW)


def is_path_within(path: str, holder: str) -> bool:
    """Tell whether a path is a holder's, or leads through it."""
    return path == holder or (path.startswith(holder) and path[len(holder)] in _BELOW)


def lines_of(one: Judged) -> tuple[Frame, ...]:
    """Return the lines that fill a container."""
    return one.container.filled_at if one.container is not None else ()


def same_line(one: Frame, other: Frame) -> bool:
    return (one.file, one.line) == (other.file, other.line)


def _is_cache(one: Judged) -> bool:
    return one.container is not None and one.container.type == "lru_cache"


def _is_named(cache: Judged, frame: Frame) -> bool:
    """Tell whether an lru_cache is the one around the function of a frame."""
    return bool(frame.name) and f".{cache.name}".endswith(f".{frame.name}")


def _correlate(one: _Steps, other: _Steps) -> bool:
    common = one.changes.keys() & other.changes.keys()
    if len(common) < FEWEST_POINTS - 1:
        return False
    a, b = [one.changes[key] for key in common], [other.changes[key] for key in common]
    if min(a) == max(a) or min(b) == max(b):
        return False
    return correlation(a, b) >= _IN_STEP
