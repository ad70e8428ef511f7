"""Read pyinstrument's JSON: a saved session (`.pyisession`), or what its JSON renderer writes.

Source: pyinstrument/session.py and pyinstrument/renderers/jsonrenderer.py, version 5. A frame of a session is
text: function, file and line with NUL between them, then attributes, each after a \\x01.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from profiler.capture import Frame
from profiler.document import Fields
from profiler.errors import CaptureFormatError
from viewer.building import ProfileBuilder, lane_of
from viewer.importers.limits import check_depth, weight_of
from viewer.profile import Lane, Profile

_SECOND = 1_000_000_000
_SELF = "[self]"  # stands for the time of the frame above it
_THREAD = "<thread>"  # the file of the frame that names the thread
_MAIN = "MainThread"
_LONGEST_LINE = 9


def read(document: dict[str, Any], name: str) -> Profile:
    """Return the profile: a session in time order, a rendered tree as it was summed up.

    Raises:
        CaptureFormatError: a field of the wrong type, a time that is negative or no number, a stack too deep.
    """
    root = Fields(document, "file")
    builder = ProfileBuilder()
    if root.has("frame_records"):
        lanes = _session(root, builder)
    elif root.has("root_frame"):
        lanes = [_rendered(root.child("root_frame"), builder)]
    else:
        lanes = []
    facts = {"File": name, "Engine": "pyinstrument, wall clock"}
    title = root.text("target_description") if root.has("target_description") else ""
    return Profile(title or name, builder.frames, builder.table, lanes, facts)


def _session(root: Fields, builder: ProfileBuilder) -> list[Lane]:
    runs: dict[str, list[tuple[int, int]]] = {}
    for number, record in enumerate(root.items("frame_records")):
        where = f"frame record {number:,}"
        if not isinstance(record, list) or len(record) != 2 or not isinstance(record[0], list):
            raise CaptureFormatError(f"{where} is no pair of a stack and a time")
        check_depth(len(record[0]), where)
        thread, frames = _stack(record[0], where)
        weight = weight_of(record[1], _SECOND, where)
        if weight:
            node = builder.table.add([builder.frame(frame) for frame in frames])
            runs.setdefault(thread, []).append((node, weight))
    return [
        lane_of(name, "nanoseconds", weights, ordered=True, where=f"thread {name!r:.60}")
        for name, weights in runs.items()
    ]


def _stack(texts: list[object], where: str) -> tuple[str, list[Frame]]:
    """Return the thread's name and the frames, root first."""
    thread, frames = _MAIN, []
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise CaptureFormatError(f"{where} has a frame that is not text")
        frame = _frame_of(text)
        if place == 0 and frame.file == _THREAD:
            thread = frame.name or _MAIN
        elif frame.name != _SELF:
            frames.append(frame)
    return thread, frames


@lru_cache(maxsize=65536)
def _frame_of(text: str) -> Frame:
    identifier, *attributes = text.split("\x01")
    function, file, line, *_ = (*identifier.split("\x00"), "", "")
    owner = next((attribute[1:] for attribute in attributes if attribute.startswith("c")), "")
    known = line.isascii() and line.isdigit() and len(line) <= _LONGEST_LINE
    return Frame(f"{owner}.{function}" if owner else function, file, int(line) if known else 0)


def _rendered(root: Fields, builder: ProfileBuilder) -> Lane:
    runs = list(_own_times(root, builder)) if root.has("function") else []
    return lane_of(_MAIN, "nanoseconds", runs, ordered=False, where="the tree")


def _own_times(root: Fields, builder: ProfileBuilder) -> Iterator[tuple[int, int]]:
    """Yield (node, own time) of a tree whose nodes hold the time of all that is below them."""
    waiting = [(root, -1, 1)]
    while waiting:
        fields, above, depth = waiting.pop()
        check_depth(depth, "the tree")
        function, owner = fields.text("function"), fields.text("class_name")
        node = above
        if function != _SELF:
            line = fields.integer("line_no") if fields.has("line_no") else 0
            file = fields.text("file_path") if fields.has("file_path") else ""
            frame = Frame(f"{owner}.{function}" if owner else function, file, max(0, line))
            node = builder.table.child(above, builder.frame(frame))
        children = fields.objects("children", lambda child: child)
        below = sum(weight_of(child.number("time"), _SECOND, "a frame") for child in children)
        own = weight_of(fields.number("time"), _SECOND, "a frame") - below
        if own > 0:  # times are rounded to microseconds: the parts may come to more than the whole
            yield node, own
        waiting.extend((child, node, depth + 1) for child in reversed(children))
