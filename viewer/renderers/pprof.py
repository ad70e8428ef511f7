"""Write a profile as pprof, gzipped, as `go tool pprof` and everything that grew around it reads it.

Format: https://github.com/google/pprof/blob/main/proto/profile.proto; the numbers of fields are those of the
.proto file. Each measure is a sample type, and the name of a lane is the label `lane` of its samples.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator

from viewer.measures import Measure, measures_of
from viewer.profile import Lane, Profile
from viewer.protobuf import bytes_field, number_field, packed_field

_UNITS = {"none": "count"}
_LANE = "lane"


def render(profile: Profile) -> bytes:
    """Return the file. Order in time is lost: equal stacks of a lane become one sample."""
    strings = _Strings()
    measures = measures_of(profile)
    parts = [
        *(bytes_field(1, _value_type(measure, strings)) for measure in measures),
        *_samples(profile, measures, strings),
        bytes_field(3, _mapping(profile, strings)),
        *_locations(profile, strings),
        *(number_field(13, strings.index(comment)) for comment in _comments(profile)),
    ]
    if measures:
        if measures[0].unit == "nanoseconds":
            parts.append(number_field(10, max(lane.total for lane in measures[0].lanes)))
        parts.append(number_field(14, strings.index(measures[0].name)))
    parts += [bytes_field(6, text.encode("utf-8", "backslashreplace")) for text in strings.all]
    return gzip.compress(b"".join(parts), 6, mtime=0)


class _Strings:
    """The string table; index 0 is the empty text."""

    def __init__(self) -> None:
        self._indexes = {"": 0}

    @property
    def all(self) -> Iterable[str]:
        return self._indexes

    def index(self, text: str) -> int:
        return self._indexes.setdefault(text, len(self._indexes))


def _value_type(measure: Measure, strings: _Strings) -> bytes:
    unit = _UNITS.get(measure.unit, measure.unit)
    return number_field(1, strings.index(measure.name)) + number_field(2, strings.index(unit))


def _samples(profile: Profile, measures: list[Measure], strings: _Strings) -> Iterator[bytes]:
    for place, measure in enumerate(measures):
        for lane in measure.lanes:
            label = number_field(1, strings.index(_LANE)) + number_field(2, strings.index(lane.name))
            for node, weight in _weights(lane).items():
                stack = [frame + 1 for frame in reversed(profile.table.stack(node))]
                values = [weight if other == place else 0 for other in range(len(measures))]
                yield bytes_field(2, packed_field(1, stack) + packed_field(2, values) + bytes_field(3, label))


def _weights(lane: Lane) -> dict[int, int]:
    weights: dict[int, int] = {}
    for node, weight in lane.runs:
        weights[node] = weights.get(node, 0) + weight
    return weights


def _mapping(profile: Profile, strings: _Strings) -> bytes:
    """Say that names, files and lines are known, so that nobody looks for a binary to get them from."""
    known = b"".join(number_field(number, 1) for number in (7, 8, 9))
    return number_field(1, 1) + number_field(5, strings.index(profile.title)) + known


def _locations(profile: Profile, strings: _Strings) -> Iterator[bytes]:
    """Yield each frame as a function and as the one location in it, both with its index + 1 for id."""
    for number, frame in enumerate(profile.frames, 1):
        line = bytes_field(4, number_field(1, number) + number_field(2, frame.line))
        yield bytes_field(4, number_field(1, number) + number_field(2, 1) + line)
        name, file = strings.index(frame.name), strings.index(frame.file)
        named = number_field(2, name) + number_field(3, name) + number_field(4, file)
        yield bytes_field(5, number_field(1, number) + named + number_field(5, frame.line))


def _comments(profile: Profile) -> list[str]:
    return [f"{label}: {text}" for label, text in profile.facts.items()]
