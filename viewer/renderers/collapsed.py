"""Write a profile as collapsed stacks: `root;child;leaf weight`, one line a stack, as flamegraph.pl reads it.

Format: https://github.com/brendangregg/FlameGraph#2-fold-stacks
"""

from __future__ import annotations

from collections.abc import Sequence

from profiler.capture import Frame
from viewer.profile import Lane, Profile
from viewer.units import printable

# The format's own separators, inside a name.
_ESCAPES = str.maketrans({";": ":", "\n": " ", "\r": " "})


def render(profile: Profile) -> str:
    """Return the lines, sorted, weights in the lanes' unit (nanoseconds or bytes).

    The format has one unit and no lanes: lanes of another unit than the first are left out, and where
    several remain, each stack begins with the name of its lane.
    """
    lanes = [lane for lane in profile.lanes if lane.unit == profile.lanes[0].unit]
    lines: list[str] = []
    for lane in lanes:
        start = [_clean(lane.name)] if len(lanes) > 1 else []
        for stack, weight in collapsed(profile, lane).items():
            path = ";".join(start + [_label(frame) for frame in stack])
            if path:
                lines.append(f"{path} {weight}\n")
    return "".join(sorted(lines))


def collapsed(profile: Profile, lane: Lane) -> dict[Sequence[Frame], int]:
    """Return the weight of every distinct stack of a lane, root first."""
    weights: dict[int, int] = {}
    for node, weight in lane.runs:
        weights[node] = weights.get(node, 0) + weight
    return {
        tuple(profile.frames[frame] for frame in profile.table.stack(node)): weight
        for node, weight in weights.items()
    }


def _label(frame: Frame) -> str:
    name = _clean(frame.name)
    if not frame.file:
        return name
    return f"{name} ({_clean(frame.file)}:{frame.line})" if frame.line else f"{name} ({_clean(frame.file)})"


def _clean(text: str) -> str:
    # What goes to a screen must not move its cursor.
    return printable(text.translate(_ESCAPES)) or "?"
