"""How deep an imported stack may be, and weights in whole units."""

from __future__ import annotations

from profiler.document import finite
from profiler.errors import CaptureFormatError

MAX_DEPTH = 10_000


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
