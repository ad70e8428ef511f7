"""Read collapsed stacks: `root;child;leaf weight`, a line a stack, as py-spy, perf and flamegraph.pl do.

What our own export wrote as `name (file:line)` is read back so; weights have no unit in this format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from profiler.capture import Frame
from profiler.errors import CaptureFormatError
from viewer.building import ProfileBuilder
from viewer.profile import Lane, Profile

_LOOKED_AT = 64 * 1024
_DEEPEST = 10_000
_LINE = re.compile(r"(?P<stack>\S.*?)\s+(?P<weight>\d+(?:\.\d+)?)\s*")
_PLACE = re.compile(r"(?P<name>.*) \((?P<file>[^()]+?)(?::(?P<line>\d{1,9}))?\)")
_LARGEST = 2**53


def matches(data: bytes) -> bool:
    """Tell whether it is text, and its first lines are stacks with weights."""
    start = data[:_LOOKED_AT]
    if b"\0" in start:
        return False
    lines = [line for line in start.decode("utf-8", "replace").splitlines()[:20] if line.strip()]
    whole = lines if len(data) <= _LOOKED_AT else lines[:-1] or lines
    return bool(whole) and all(_LINE.fullmatch(line) and len(line) < _LOOKED_AT for line in whole)


def read(data: bytes, name: str) -> Profile:
    """Return the profile of a file. Raises CaptureFormatError where a line is none."""
    builder = ProfileBuilder()
    runs = list(_runs(data.decode("utf-8", "replace"), builder))
    if sum(weight for _, weight in runs) > _LARGEST:
        raise CaptureFormatError("the weights add up to more than can be counted exactly")
    return Profile(
        name, builder.frames, builder.table, [Lane("stacks", "none", runs, ordered=False)], {"File": name}
    )


def _runs(text: str, builder: ProfileBuilder) -> Iterator[tuple[int, int]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise CaptureFormatError(f"line {number} is no stack with a weight")
        names = match["stack"].split(";")
        if len(names) > _DEEPEST:
            raise CaptureFormatError(f"line {number} has a stack deeper than {_DEEPEST} frames")
        weight = round(float(match["weight"]))
        if weight > _LARGEST:
            raise CaptureFormatError(f"line {number} has a weight that is too large")
        if weight:
            yield builder.table.add(builder.frame(_frame(name)) for name in names), weight


def _frame(text: str) -> Frame:
    place = _PLACE.fullmatch(text)
    if place is None:
        return Frame(text, "", 0)
    return Frame(place["name"], place["file"], int(place["line"] or 0))
