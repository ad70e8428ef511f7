"""Read collapsed stacks: `root;child;leaf weight`, one stack a line, as perf and py-spy write them.

Format: https://github.com/brendangregg/FlameGraph#2-fold-stacks. It has no unit and no lanes. Frames that
say where they are, `name (file.py:12)`, as py-spy and this project write them, are taken apart.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from profiler.capture import Frame
from profiler.errors import CaptureFormatError
from viewer.building import ProfileBuilder, lane_of
from viewer.importers.limits import check_depth
from viewer.profile import Profile

# A stack, a space, and what is at least meant for a number.
_LINE = re.compile(r"(.*)[ \t]([-+]?(?:[0-9][0-9.]*(?:e[-+]?[0-9]+)?|nan|inf))[ \t\r]*", re.IGNORECASE)
_WEIGHT = re.compile(r"[0-9]{1,16}")
_LOCATED = re.compile(r"(?P<name>.*) \((?P<file>[^()]*?[./\\>][^()]*?)(?::(?P<line>[1-9][0-9]{0,8}))?\)")
# How far it is looked into a file to see what it is; no first line of a profiler is longer.
_LOOKED_AT = 1 << 18
_LINES = 8
_CONTROL = re.compile(rb"[\x00-\x08]")


def looks_collapsed(data: bytes) -> bool:
    """Tell whether the first lines that say anything are stacks with weights."""
    if _CONTROL.search(data, 0, _LOOKED_AT):
        return False
    text = data[: _LOOKED_AT + 1].decode("utf-8", "replace")
    lines = text.split("\n")
    # What was cut off in the middle says nothing.
    whole = lines[:-1] if len(text) > _LOOKED_AT and len(lines) > 1 else lines
    first = list(itertools.islice(filter(_says_something, whole), _LINES))
    return bool(first) and all(map(_stack_and_weight, first))


def read(data: bytes, name: str) -> Profile:
    """Return a profile of one lane without a unit: the weights stand as they are in the file.

    Raises:
        CaptureFormatError: a line without a weight, a weight that is no whole number, a stack too deep.
    """
    builder = ProfileBuilder()
    runs = []
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        if not _says_something(line):
            continue
        where = f"line {number:,}"
        parts = _stack_and_weight(line)
        if parts is None:
            raise CaptureFormatError(f"{where} is no stack with a weight: {line:.60}")
        stack, weight = parts
        if not _WEIGHT.fullmatch(weight):
            raise CaptureFormatError(f"{where} has the weight {weight:.20}, not a whole number from 0 on")
        frames = stack.split(";")
        check_depth(len(frames), where)
        if int(weight):
            runs.append((builder.table.add([builder.frame(_frame_of(text)) for text in frames]), int(weight)))
    lane = lane_of("stacks", "none", runs, ordered=False, where="the file")
    return Profile(name, builder.frames, builder.table, [lane], {"File": name})


@lru_cache(maxsize=65536)
def _frame_of(text: str) -> Frame:
    match = _LOCATED.fullmatch(text)
    if match is None:
        return Frame(text, "", 0)
    return Frame(match["name"], match["file"], int(match["line"] or 0))


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("# ")


def _stack_and_weight(line: str) -> tuple[str, str] | None:
    match = _LINE.fullmatch(line)
    return (match[1], match[2]) if match is not None and match[1].strip() else None
