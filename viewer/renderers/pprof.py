"""Write a profile as pprof reads it: a gzipped protobuf, one value a unit, threads as labels.

Format: https://github.com/google/pprof/blob/main/proto/profile.proto
"""

from __future__ import annotations

import gzip

from viewer.profile import Profile
from viewer.protobuf import bytes_field, number_field, packed_field

_TYPES = {"nanoseconds": "time", "bytes": "space"}
# Fields of Profile.
SAMPLE_TYPE, SAMPLE, LOCATION, FUNCTION, STRING_TABLE, DURATION_NANOS, COMMENT = 1, 2, 4, 5, 6, 10, 13


class _Texts:
    """The string table; its first entry is empty."""

    def __init__(self) -> None:
        self.indexes = {"": 0}

    def __call__(self, text: str) -> int:
        return self.indexes.setdefault(text, len(self.indexes))


def render(profile: Profile) -> bytes:
    """Return the file's bytes: the same for the same profile."""
    text = _Texts()
    units = list(dict.fromkeys(lane.unit for lane in profile.lanes))
    parts = [
        bytes_field(SAMPLE_TYPE, number_field(1, text(_TYPES.get(unit, unit))) + number_field(2, text(unit)))
        for unit in units
    ]
    thread = text("thread")
    for lane in profile.lanes:
        label = bytes_field(3, number_field(1, thread) + number_field(2, text(lane.name)))
        weights: dict[int, int] = {}
        for node, weight in lane.runs:
            weights[node] = weights.get(node, 0) + weight
        for node, weight in weights.items():
            # The innermost frame first.
            locations = packed_field(1, (frame + 1 for frame in reversed(profile.table.stack(node))))
            values = packed_field(2, (weight if unit == lane.unit else 0 for unit in units))
            parts.append(bytes_field(SAMPLE, locations + values + label))
    for number, frame in enumerate(profile.frames, 1):
        line = number_field(1, number) + number_field(2, frame.line or 0)
        parts.append(bytes_field(LOCATION, number_field(1, number) + bytes_field(4, line)))
        names = number_field(2, text(frame.name)) + number_field(3, text(frame.name))
        file = number_field(4, text(frame.file)) + number_field(5, frame.line or 0)
        parts.append(bytes_field(FUNCTION, number_field(1, number) + names + file))
    longest = max((lane.total for lane in profile.lanes if lane.unit == "nanoseconds"), default=0)
    parts.append(number_field(DURATION_NANOS, longest))
    parts.append(number_field(COMMENT, text(profile.title)))
    parts += [bytes_field(STRING_TABLE, each.encode("utf-8", "backslashreplace")) for each in text.indexes]
    return gzip.compress(b"".join(parts), 6, mtime=0)
