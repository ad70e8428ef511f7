"""Read pprof, the format of Go's and many other profilers.

Format: https://github.com/google/pprof/blob/main/proto/profile.proto. Every sample has one value for each
sample type: each type becomes a lane, and where samples are labelled with their thread, one for each
thread. Numbers of fields below are those of the .proto file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from profiler.capture import Frame
from profiler.errors import CaptureFormatError
from viewer.building import ProfileBuilder, lane_of
from viewer.importers.limits import check_depth, weight_of
from viewer.profile import Lane, Profile
from viewer.protobuf import fields, packed, signed

# Of Profile: the fields that are messages or text, and those that are numbers.
_MESSAGES, _NUMBERS = {1, 2, 3, 4, 5, 6, 11, 13}, {7, 8, 9, 10, 12, 13, 14, 15}
# The file's unit → ours, and how many of ours make one of theirs.
_UNITS = {
    "nanoseconds": ("nanoseconds", 1),
    "ns": ("nanoseconds", 1),
    "microseconds": ("nanoseconds", 1_000),
    "us": ("nanoseconds", 1_000),
    "milliseconds": ("nanoseconds", 1_000_000),
    "ms": ("nanoseconds", 1_000_000),
    "seconds": ("nanoseconds", 1_000_000_000),
    "s": ("nanoseconds", 1_000_000_000),
    "bytes": ("bytes", 1),
    "kilobytes": ("bytes", 1_024),
    "kb": ("bytes", 1_024),
    "megabytes": ("bytes", 1_048_576),
    "mb": ("bytes", 1_048_576),
}
_LANE = "lane"  # the label that this project writes
_THREAD_LABELS = ("thread", "thread name", "thread_name")
# A sample names locations, and a location may stand for many inlined frames: a small file can mean much.
_MOST_FRAMES = 50_000_000
_MOST_LANES = 10_000


def looks_like_pprof(data: bytes) -> bool:
    """Tell whether bytes begin with fields of a pprof profile."""
    seen = 0
    try:
        for number, value in fields(data):
            if number not in (_MESSAGES if isinstance(value, bytes) else _NUMBERS):
                return False
            seen += 1
            if seen == 8:
                break
    except CaptureFormatError:
        return seen >= 2  # cut short, but a profile so far
    return seen > 0


def read(data: bytes, name: str) -> Profile:
    """Return the profile in a pprof file; the lanes of its default sample type come first.

    Raises:
        CaptureFormatError: damaged, an index that leads nowhere, a negative value, a stack too deep.
    """
    message = _Message.of(data)
    builder = ProfileBuilder()
    lanes = _lanes(message, builder)
    facts = {"File": name}
    comments = "; ".join(message.text(index) for index in message.comments)
    if comments:
        facts["Comment"] = comments
    return Profile(name, builder.frames, builder.table, lanes, facts)


@dataclass(slots=True)
class _Message:
    """A Profile message, its parts still undecoded."""

    sample_types: list[bytes] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)
    mappings: list[bytes] = field(default_factory=list)
    locations: list[bytes] = field(default_factory=list)
    functions: list[bytes] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    comments: list[int] = field(default_factory=list)
    default_type: int = 0

    @classmethod
    def of(cls, data: bytes) -> _Message:
        message = cls()
        parts = {
            1: message.sample_types,
            2: message.samples,
            3: message.mappings,
            4: message.locations,
            5: message.functions,
        }
        for number, value in fields(data):
            if number in parts:
                parts[number].append(_bytes(value))
            elif number == 6:
                message.strings.append(_bytes(value).decode("utf-8", "replace"))
            elif number == 13:
                message.comments += packed(value)
            elif number == 14:
                message.default_type = _number(value)
        return message

    def text(self, index: int) -> str:
        if index == 0:
            return ""
        if index >= len(self.strings):
            raise CaptureFormatError(f"string {index} is not among the {len(self.strings):,} of the file")
        return self.strings[index]


def _lanes(message: _Message, builder: ProfileBuilder) -> list[Lane]:
    types = [_value_type(part, message) for part in message.sample_types]
    frames = _frames_of_locations(message, builder)
    default = message.text(message.default_type)
    first = next((place for place, (kind, _, _) in enumerate(types) if kind == default), len(types) - 1)
    lanes: dict[tuple[int, str], list[tuple[int, int]]] = {}
    nodes: dict[bytes | tuple[int, ...], int] = {}
    walked = 0
    for number, part in enumerate(message.samples):
        where = f"sample {number:,}"
        locations, values, lane_name = _sample(part, message, types, first)
        if len(values) != len(types):
            raise CaptureFormatError(f"{where} has {len(values)} values and not {len(types)}")
        key = tuple(locations)
        node = nodes.get(key)
        if node is None:
            stack = _stack(key, frames, where)
            walked += len(stack)
            if walked > _MOST_FRAMES:
                raise CaptureFormatError(f"more than {_MOST_FRAMES:,} frames in its stacks")
            node = nodes[key] = builder.table.add(stack)
        for place, value in enumerate(values):
            if value:
                weight = weight_of(signed(value), types[place][2], f"{where}, {types[place][0]!r:.40}")
                lanes.setdefault((place, lane_name[place]), []).append((node, weight))
        if len(lanes) > _MOST_LANES:
            raise CaptureFormatError(f"more than {_MOST_LANES:,} threads")
    # Sorting is stable: threads stay in the order in which they come.
    in_order = sorted(lanes, key=lambda lane: (lane[0] != first, lane[0]))
    return [
        lane_of(name, types[place][1], lanes[place, name], ordered=False, where=f"lane {name!r:.60}")
        for place, name in in_order
    ]


def _value_type(part: bytes, message: _Message) -> tuple[str, str, int]:
    """Return the name of a sample type, our unit, and the factor to it."""
    values = dict(fields(part))
    kind, unit = (message.text(_number(values.get(number, 0))) for number in (1, 2))
    return kind or "samples", *_UNITS.get(unit.lower(), ("none", 1))


def _sample(
    part: bytes, message: _Message, types: list[tuple[str, str, int]], first: int
) -> tuple[list[int], list[int], list[str]]:
    """Return the location ids (leaf first), the values, and the name of the lane of each value."""
    locations: list[int] = []
    values: list[int] = []
    labels: dict[str, str] = {}
    for number, value in fields(part):
        if number == 1:
            locations += packed(value)
        elif number == 2:
            values += packed(value)
        elif number == 3:
            label = dict(fields(_bytes(value)))
            if 2 in label:
                labels[message.text(_number(label.get(1, 0))).lower()] = message.text(_number(label[2]))
    return locations, values, _lane_names(labels, types, first)


def _lane_names(labels: dict[str, str], types: list[tuple[str, str, int]], first: int) -> list[str]:
    if _LANE in labels:
        return [labels[_LANE]] * len(types)
    thread = next((labels[name] for name in _THREAD_LABELS if labels.get(name)), None)
    if thread is None:
        return [kind for kind, _, _ in types]
    return [thread if place == first else f"{thread} ({types[place][0]})" for place in range(len(types))]


def _stack(locations: tuple[int, ...], frames: dict[int, list[int]], where: str) -> list[int]:
    stack: list[int] = []
    for location in reversed(locations):
        if location not in frames:
            raise CaptureFormatError(f"{where} has the location {location}, which is not in the file")
        stack += frames[location]
        check_depth(len(stack), where)
    return stack


def _frames_of_locations(message: _Message, builder: ProfileBuilder) -> dict[int, list[int]]:
    """Return the frames of every location, root first: a call that was inlined stands above its caller."""
    located: dict[int, list[tuple[int, int]]] = {}
    unnamed: dict[int, Frame] = {}
    lines: dict[int, int] = {}  # function → the first of its lines that occurs
    mappings = dict(_mappings(message))
    for part in message.locations:
        location, mapping, address, found = _location(part)
        located[location] = found
        if not found:
            unnamed[location] = Frame(f"0x{address:x}", mappings.get(mapping, ""), 0)
        for function, line in found:
            if line and line < lines.get(function, 1 << 63):
                lines[function] = line
    functions = dict(_functions(message, builder, lines))
    result = {location: [builder.frame(frame)] for location, frame in unnamed.items()}
    for location, found in located.items():
        for function, _ in reversed(found):
            if function not in functions:
                raise CaptureFormatError(f"location {location} has a function that is not in the file")
            result.setdefault(location, []).append(functions[function])
    return result


def _location(part: bytes) -> tuple[int, int, int, list[tuple[int, int]]]:
    """Return id, mapping, address, and (function, line) pairs, what was inlined first."""
    numbers = {1: 0, 2: 0, 3: 0}
    found = []
    for number, value in fields(part):
        if number in numbers:
            numbers[number] = _number(value)
        elif number == 4:
            line = dict(fields(_bytes(value)))
            found.append((_number(line.get(1, 0)), signed(_number(line.get(2, 0)))))
    return numbers[1], numbers[2], numbers[3], found


def _functions(
    message: _Message, builder: ProfileBuilder, lines: dict[int, int]
) -> Iterator[tuple[int, int]]:
    for part in message.functions:
        values = {number: _number(value) for number, value in fields(part) if number <= 5}
        function = values.get(1, 0)
        line = signed(values.get(5, 0)) or lines.get(function, 0)
        name = message.text(values.get(2, 0)) or message.text(values.get(3, 0))
        yield function, builder.frame(Frame(name, message.text(values.get(4, 0)), max(0, line)))


def _mappings(message: _Message) -> Iterator[tuple[int, str]]:
    for part in message.mappings:
        values = dict(fields(part))
        yield _number(values.get(1, 0)), message.text(_number(values.get(5, 0)))


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise CaptureFormatError("damaged pprof: a number where a message belongs")
    return value


def _number(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise CaptureFormatError("damaged pprof: a message where a number belongs")
    return value
