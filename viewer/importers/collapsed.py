"""Read collapsed stacks: `root;child;leaf weight`, one stack a line, as perf and py-spy write them.

Format: https://github.com/brendangregg/FlameGraph#2-fold-stacks. It has no unit and no lanes. Frames that
say where they are, `name (file.py:12)`, as py-spy and this project write them, are taken apart.
"""

from __future__ import annotations

import re
from functools import lru_cache

from profiler.capture import Frame
from profiler.errors import CaptureFormatError
from viewer.importers.limits import check_depth, lane_of
from viewer.load import ProfileBuilder
from viewer.profile import Profile

_WEIGHT = re.compile(r"[0-9]{1,16}")
_LOCATED = re.compile(r"(?P<name>.*) \((?P<file>[^()]*?[./\\>][^()]*?)(?::(?P<line>[1-9][0-9]{0,8}))?\)")
# A first line longer than this is no stack that a profiler wrote.
_LONGEST_FIRST = 1 << 20


def looks_collapsed(data: bytes) -> bool:
    """Tell whether the first line that says anything is a stack and its weight."""
    for line in data[:_LONGEST_FIRST].decode("utf-8", "replace").splitlines():
        if _says_something(line):
            stack, _, weight = line.rstrip().rpartition(" ")
            return bool(stack) and "\x00" not in stack and _is_number(weight)
    return False


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
        stack, _, weight = line.rstrip().rpartition(" ")
        if not stack or not _is_number(weight):
            raise CaptureFormatError(f"{where} is no stack with a weight: {line:.60}")
        if not _WEIGHT.fullmatch(weight):
            raise CaptureFormatError(f"{where} has the weight {weight:.20}, not a whole number from 0 on")
        frames = stack.rstrip(" \t").split(";")
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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
