"""Read pprof's protobuf: each type of value, and each thread where samples name theirs, as a lane.

Format: https://github.com/google/pprof/blob/main/proto/profile.proto
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from profiler.capture import Frame
from profiler.errors import CaptureFormatError
from viewer.building import ProfileBuilder
from viewer.profile import Profile
from viewer.protobuf import fields, numbers, signed
from viewer.renderers.pprof import COMMENT, FUNCTION, LOCATION, SAMPLE, SAMPLE_TYPE, STRING_TABLE

# The largest field number of Profile.
_LAST_FIELD = 15
_DEEPEST = 10_000
_LARGEST = 2**53
_UNITS = {
    "nanoseconds": ("nanoseconds", 1),
    "microseconds": ("nanoseconds", 1_000),
    "milliseconds": ("nanoseconds", 1_000_000),
    "seconds": ("nanoseconds", 1_000_000_000),
    "bytes": ("bytes", 1),
    "kilobytes": ("bytes", 1024),
    "megabytes": ("bytes", 1024**2),
}


@dataclass(slots=True)
class _Message:
    """What a profile holds, not yet resolved."""

    texts: list[str] = field(default_factory=list)
    types: list[tuple[int, int]] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)
    # location → its (function, line) pairs, the innermost first; function → (name, file).
    locations: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    functions: dict[int, tuple[int, int]] = field(default_factory=dict)
    comments: list[int] = field(default_factory=list)

    def text(self, index: int) -> str:
        if not 0 <= index < len(self.texts):
            raise CaptureFormatError(f"the string table has no entry {index}")
        return self.texts[index]


def matches(data: bytes) -> bool:
    """Tell whether the bytes are a message whose fields are those of a pprof profile."""
    seen = set()
    try:
        for number, value in fields(data):
            if not 1 <= number <= _LAST_FIELD:
                return False
            seen.add(number)
            if number in (SAMPLE_TYPE, SAMPLE, LOCATION, FUNCTION, STRING_TABLE) and isinstance(value, int):
                return False
    except CaptureFormatError:
        return False
    return SAMPLE_TYPE in seen and STRING_TABLE in seen


def read(data: bytes, name: str) -> Profile:
    """Return the profile of a file.

    Raises:
        CaptureFormatError: it ends in the middle, points at what is not there, or a weight is negative.
    """
    message = _parsed(data)
    builder = ProfileBuilder()
    stacks: dict[int, list[int]] = {}
    for sample in message.samples:
        _add(message, sample, builder, stacks)
    lanes = builder.lanes()
    if any(lane.total > _LARGEST for lane in lanes):
        raise CaptureFormatError("the weights add up to more than can be counted exactly")
    title = next((message.text(index) for index in message.comments), name)
    return Profile(title, builder.frames, builder.table, lanes, {"File": name})


def _parsed(data: bytes) -> _Message:
    message = _Message()
    for number, value in fields(data):
        if number == COMMENT:
            message.comments.extend(numbers(value))
        if not isinstance(value, bytes):
            continue
        if number == STRING_TABLE:
            message.texts.append(value.decode("utf-8", "replace"))
        elif number == SAMPLE_TYPE:
            message.types.append((_integer(value, 1), _integer(value, 2)))
        elif number == SAMPLE:
            message.samples.append(value)
        elif number == FUNCTION:
            message.functions[_integer(value, 1)] = (_integer(value, 2), _integer(value, 4))
        elif number == LOCATION:
            lines = [each for at, each in fields(value) if at == 4 and isinstance(each, bytes)]
            message.locations[_integer(value, 1)] = [(_integer(line, 1), _integer(line, 2)) for line in lines]
    return message


def _add(message: _Message, sample: bytes, builder: ProfileBuilder, known: dict[int, list[int]]) -> None:
    locations: list[int] = []
    values: list[int] = []
    thread = ""
    for number, value in fields(sample):
        if number == 1:
            locations.extend(numbers(value))
        elif number == 2:
            values.extend(map(signed, numbers(value)))
        elif number == 3 and isinstance(value, bytes) and message.text(_integer(value, 1)) == "thread":
            thread = message.text(_integer(value, 2))
    if len(locations) > _DEEPEST:
        raise CaptureFormatError(f"a stack is deeper than {_DEEPEST} frames")
    frames = (_frames(message, location, builder, known) for location in reversed(locations))
    node = builder.table.add(chain.from_iterable(frames))
    for (kind, unit_index), value in zip(message.types, values, strict=False):
        unit, factor = _UNITS.get(message.text(unit_index), ("none", 1))
        if not 0 <= value * factor <= _LARGEST:
            raise CaptureFormatError("a weight is negative or too large")
        if value:
            name = thread or message.text(kind) or "samples"
            builder.add((name, unit, message.text(kind)), name, unit, [(node, value * factor)])


def _frames(
    message: _Message, location: int, builder: ProfileBuilder, known: dict[int, list[int]]
) -> list[int]:
    """Return the frames of a location, the caller first: several where calls were inlined."""
    found = known.get(location)
    if found is None:
        if location not in message.locations:
            raise CaptureFormatError(f"there is no location {location}")
        lines = message.locations[location] or [(0, 0)]
        found = known[location] = [builder.frame(_frame(message, *line)) for line in reversed(lines)]
    return found


def _frame(message: _Message, function: int, line: int) -> Frame:
    if function not in message.functions:
        return Frame("?", "", 0)
    name, file = message.functions[function]
    return Frame(message.text(name) or "?", message.text(file), max(0, signed(line)))


def _integer(message: bytes, wanted: int) -> int:
    """Return an integer field of a message, 0 where it is absent."""
    return next(
        (value for number, value in fields(message) if number == wanted and isinstance(value, int)), 0
    )
