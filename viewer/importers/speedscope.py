"""Read any speedscope file, sampled or evented, as a profile. The file is taken for hostile.

Format: https://github.com/jlfwong/speedscope/blob/main/src/lib/file-format-spec.ts
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiler.codec import frame_of
from profiler.document import Fields, finite, stack_of
from profiler.errors import CaptureFormatError
from viewer.building import ProfileBuilder
from viewer.profile import Lane, Profile

# speedscope's unit → ours, and how many of ours make one of theirs.
UNITS = {
    "none": ("none", 1),
    "nanoseconds": ("nanoseconds", 1),
    "microseconds": ("nanoseconds", 1_000),
    "milliseconds": ("nanoseconds", 1_000_000),
    "seconds": ("nanoseconds", 1_000_000_000),
    "bytes": ("bytes", 1),
}
MAX_DEPTH = 10_000
# What a double holds exactly: every consumer after this one counts in doubles.
MAX_TOTAL = 2**53


def profile_of_document(document: dict[str, Any], name: str) -> Profile:
    """Return the profile in a document that `read_document` returned; `name` is used where it has none.

    Raises:
        CaptureFormatError: a field of the wrong type, an index out of range, a weight that is negative,
            NaN or too large, a stack that is too deep, events that do not balance.
    """
    root = Fields(document, "file")
    builder = ProfileBuilder()
    frames = [builder.frame(frame) for frame in root.child("shared").objects("frames", frame_of)]
    lanes = root.objects("profiles", lambda profile: _lane_of(profile, builder, frames))
    title = root.text("name") if root.has("name") else ""
    facts = {"File": name}
    if root.has("exporter"):
        facts["Written by"] = root.text("exporter")
    return Profile(title or name, builder.frames, builder.table, lanes, facts)


def _lane_of(profile: Fields, builder: ProfileBuilder, frames: list[int]) -> Lane:
    name = profile.text("name") if profile.has("name") else ""
    where = f"profile {name!r:.60}"
    unit = profile.text("unit", "none")
    if unit not in UNITS:
        raise CaptureFormatError(f"{where} has the unit {unit!r:.40}, not one of {', '.join(UNITS)}")
    own_unit, factor = UNITS[unit]
    kind = profile.text("type")
    if kind == "sampled":
        runs = list(_sampled(profile, builder, frames, factor, where))
    elif kind == "evented":
        runs = list(_evented(profile, builder, frames, factor, where))
    else:
        raise CaptureFormatError(f"{where} has the type {kind!r:.40}, not sampled or evented")
    if sum(weight for _, weight in runs) > MAX_TOTAL:
        raise CaptureFormatError(f"{where} adds up to more than can be counted exactly")
    # Memory has no order in time; nor has what carries no unit of it.
    return Lane(name or "profile", own_unit, runs, ordered=own_unit == "nanoseconds")


def _sampled(
    profile: Fields, builder: ProfileBuilder, frames: list[int], factor: int, where: str
) -> Iterator[tuple[int, int]]:
    samples, weights = profile.items("samples"), profile.items("weights")
    if len(samples) != len(weights):
        raise CaptureFormatError(f"{where} has {len(samples)} samples and {len(weights)} weights")
    for sample, weight in zip(samples, weights, strict=True):
        stack = stack_of(sample, len(frames), where)
        if len(stack) > MAX_DEPTH:
            raise CaptureFormatError(f"{where} has a stack deeper than {MAX_DEPTH} frames")
        units = _whole(weight, factor, where)
        if units < 0:
            raise CaptureFormatError(f"{where} has a negative weight")
        if units:
            yield builder.table.add([frames[index] for index in stack]), units


def _evented(
    profile: Fields, builder: ProfileBuilder, frames: list[int], factor: int, where: str
) -> Iterator[tuple[int, int]]:
    """Yield what was open between two events; a gap with nothing open is a run of the empty stack."""
    open_frames: list[tuple[int, int]] = []  # (frame of the file, node)
    last: int | None = None
    for event in profile.objects("events", lambda fields: fields):
        at = _whole(event.number("at"), factor, where)
        if last is not None and at < last:
            raise CaptureFormatError(f"{where} has events that go back in time")
        node = open_frames[-1][1] if open_frames else -1
        if last is not None and at > last:
            yield node, at - last
        last = at
        _step(event, open_frames, builder, frames, where)
    if open_frames:
        raise CaptureFormatError(f"{where} ends with {len(open_frames)} frames still open")


def _step(
    event: Fields, open_frames: list[tuple[int, int]], builder: ProfileBuilder, frames: list[int], where: str
) -> None:
    kind, index = event.text("type"), event.integer("frame", -1)
    stack_of([index], len(frames), where)
    if kind == "O":
        if len(open_frames) >= MAX_DEPTH:
            raise CaptureFormatError(f"{where} has a stack deeper than {MAX_DEPTH} frames")
        above = open_frames[-1][1] if open_frames else -1
        open_frames.append((index, builder.table.child(above, frames[index])))
    elif kind == "C":
        if not open_frames or open_frames.pop()[0] != index:
            raise CaptureFormatError(f"{where} closes frame {index}, which is not the one open last")
    else:
        raise CaptureFormatError(f"{where} has an event of the type {kind!r:.40}, not O or C")


def _whole(value: object, factor: int, where: str) -> int:
    """Return a value in whole units of ours; a fraction of a nanosecond or a byte is rounded."""
    number = finite(value, where)
    return value * factor if isinstance(value, int) else round(number * factor)
