"""What a profile measures, for formats that have several measures of one stack and no lanes.

The time of all threads adds up and is one measure; each kind of memory is one of its own, because what was
retained is a part of what is live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.codec import MEMORY_PROFILE
from viewer.lanes import LIVE_MEMORY
from viewer.profile import Lane, Profile

_NAMES = {MEMORY_PROFILE: "retained_space", LIVE_MEMORY: "inuse_space"}
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Measure:
    """`name` is a word of letters, digits and underscores, and no other measure of the profile has it."""

    name: str
    unit: str
    lanes: Sequence[Lane]


def measures_of(profile: Profile) -> list[Measure]:
    """Return the measures of all lanes, the first lane's first."""
    groups: dict[tuple[str, str], list[Lane]] = {}
    for lane in profile.lanes:
        key = ("time", "nanoseconds") if lane.unit == "nanoseconds" else (lane.name, lane.unit)
        groups.setdefault(key, []).append(lane)
    taken: set[str] = set()
    return [Measure(_word(name, taken), unit, lanes) for (name, unit), lanes in groups.items()]


def _word(name: str, taken: set[str]) -> str:
    word = _NAMES.get(name) or re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:_LONGEST] or "weight"
    if word[0].isdigit():
        word = f"weight_{word}"
    number, wanted = 1, word
    while word in taken:
        number += 1
        word = f"{wanted}_{number}"
    taken.add(word)
    return word
