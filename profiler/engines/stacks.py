"""From code objects to frames: interning, and the cut between the handler and what called it."""

from __future__ import annotations

from types import CodeType, FrameType

from profiler.capture import Frame
from profiler.own import is_own_file


def is_own_code(code: CodeType) -> bool:
    """Tell whether a code object is part of the profiler."""
    return is_own_file(code.co_filename)


def outer_codes(frame: FrameType | None) -> list[CodeType]:
    """Return the code objects that lead to `frame`, root first, without the profiler's own."""
    codes = []
    while frame is not None:
        if not is_own_code(frame.f_code):
            codes.append(frame.f_code)
        frame = frame.f_back
    codes.reverse()
    return codes


def shared_length(left: list[CodeType], right: list[CodeType]) -> int:
    """Return how many leading code objects two stacks share."""
    length = 0
    for one, other in zip(left, right, strict=False):
        if one is not other:
            break
        length += 1
    return length


def frame_of_code(code: CodeType) -> Frame:
    """Return the frame of a function: its qualified name where the interpreter knows it (3.11+)."""
    return Frame(getattr(code, "co_qualname", code.co_name), code.co_filename, code.co_firstlineno)


class FrameTable:
    """Frames, each stored once, with the index that a capture uses."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._indexes: dict[Frame, int] = {}

    def index(self, frame: Frame) -> int:
        """Return the index of a frame, adding it where it is new."""
        found = self._indexes.get(frame)
        if found is None:
            found = self._indexes[frame] = len(self.frames)
            self.frames.append(frame)
        return found
