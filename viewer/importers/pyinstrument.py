"""Read a pyinstrument session, as `pyinstrument -r json` or `-r pyisession` writes it: samples of stacks.

A session's frames are texts of `function\\0file\\0line`, attributes after \\1. A rendered tree is read, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiler.capture import Frame
from profiler.document import Fields, finite
from profiler.errors import CaptureFormatError
from viewer.building import ProfileBuilder
from viewer.profile import Lane, Profile

_DEEPEST = 10_000
_NS = 1_000_000_000


def matches(document: dict[str, Any]) -> bool:
    """Tell whether a document is a session, or a tree that pyinstrument rendered."""
    return isinstance(document.get("frame_records"), list) or (
        "root_frame" in document and "sample_count" in document
    )


def read(document: dict[str, Any], name: str) -> Profile:
    """Return the profile of a session. Raises CaptureFormatError where a part of it is malformed."""
    builder = ProfileBuilder()
    records = document.get("frame_records")
    if isinstance(records, list):
        runs, ordered = list(_of_records(records, builder)), True
    else:
        root = document["root_frame"]
        runs, ordered = list(_of_tree(root, builder)) if root is not None else [], False
    lane = Lane("samples", "nanoseconds", runs, ordered=ordered)
    facts = {"File": name, "Written by": "pyinstrument"}
    return Profile(name, builder.frames, builder.table, [lane], facts)


def _of_records(records: list[Any], builder: ProfileBuilder) -> Iterator[tuple[int, int]]:
    for number, record in enumerate(records):
        where = f"frame_records[{number}]"
        if not isinstance(record, list) or len(record) != 2 or not isinstance(record[0], list):
            raise CaptureFormatError(f"{where} is not a stack with a time")
        stack, seconds = record
        if len(stack) > _DEEPEST or not all(isinstance(part, str) for part in stack):
            raise CaptureFormatError(f"{where} has a stack that is none")
        weight = _nanoseconds(seconds, where)
        if weight:
            frames = [frame for frame in map(_frame, stack) if frame is not None]
            yield builder.table.add(builder.frame(frame) for frame in frames), weight


def _frame(text: str) -> Frame | None:
    """Return the frame that an identifier means; None for the marks of pyinstrument's own (`[self]`)."""
    parts = text.partition("\1")[0].split("\0")
    if parts[0].startswith("[") and parts[0].endswith("]"):
        return None
    line = parts[2] if len(parts) > 2 else ""
    file = parts[1] if len(parts) > 1 else ""
    return Frame(parts[0], file, int(line) if line.isdecimal() and len(line) < 10 else 0)


def _of_tree(root: object, builder: ProfileBuilder) -> Iterator[tuple[int, int]]:
    waiting: list[tuple[object, int, int]] = [(root, -1, 0)]
    while waiting:
        value, node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise CaptureFormatError(f"the tree is deeper than {_DEEPEST} frames")
        fields = Fields(value, "root_frame")
        function = fields.text("function")
        children = fields.items("children")
        if function.startswith("[") and function.endswith("]"):
            below = node
        else:
            below = builder.table.child(node, builder.frame(_tree_frame(fields, function)))
        # A frame's time holds that of its children.
        time = _nanoseconds(fields.number("time"), "root_frame")
        inner = sum(
            _nanoseconds(Fields(child, "root_frame").number("time"), "root_frame") for child in children
        )
        if time > inner:
            yield below, time - inner
        waiting.extend((child, below, depth + 1) for child in children)


def _tree_frame(fields: Fields, function: str) -> Frame:
    line = fields.optional_integer("line_no") or 0
    return Frame(function, fields.text("file_path") if fields.has("file_path") else "", max(0, line))


def _nanoseconds(seconds: object, where: str) -> int:
    value = finite(seconds, where)
    if not 0 <= value < 1e6:
        raise CaptureFormatError(f"{where} has a time that is negative or too large")
    return round(value * _NS)
