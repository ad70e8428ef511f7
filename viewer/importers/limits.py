"""What an imported profile may not exceed, and weights in whole units."""

from __future__ import annotations

from collections.abc import Iterable

from profiler.document import finite
from profiler.errors import CaptureFormatError
from viewer.profile import Lane

MAX_DEPTH = 10_000
# What a double holds exactly: every consumer after this one counts in doubles.
MAX_TOTAL = 2**53


def weight_of(value: object, factor: int, where: str) -> int:
    """Return a weight in whole units of ours, `factor` of which make one of theirs; a fraction is rounded.

    Raises:
        CaptureFormatError: it is no number, NaN, infinite, out of range, or negative.
    """
    number = finite(value, where)
    if number < 0:
        raise CaptureFormatError(f"{where} has a negative weight")
    return value * factor if isinstance(value, int) else round(number * factor)


def check_depth(depth: int, where: str) -> None:
    """Raise CaptureFormatError where a stack is too deep."""
    if depth > MAX_DEPTH:
        raise CaptureFormatError(f"{where} has a stack deeper than {MAX_DEPTH} frames")


def lane_of(
    name: str, unit: str, runs: Iterable[tuple[int, int]], *, ordered: bool = True, where: str | None = None
) -> Lane:
    """Return a lane whose total can be counted exactly.

    Raises:
        CaptureFormatError: it cannot.
    """
    lane = Lane(name, unit, list(runs), ordered=ordered)
    if lane.total > MAX_TOTAL:
        where = where or f"thread {name!r:.60}"
        raise CaptureFormatError(f"{where} adds up to more than can be counted exactly")
    return lane
