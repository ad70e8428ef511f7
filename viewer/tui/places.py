"""Where somebody can be, and what there is to see: layouts are made when they are asked for, and kept."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from viewer.profile import Profile
from viewer.tui.layout import Layout, matched_weight
from viewer.tui.pieces import Window
from viewer.tui.views import (
    INVERTED,
    MERGED,
    ORDER,
    callees,
    callers,
    in_time_order,
    inverted,
    merged,
)
from viewer.tui.words import Words
from viewer.units import counted

# Layouts that are kept; of a capture with a hundred thousand stacks each takes some tens of megabytes.
_KEPT = 12
# Above so many runs and stacks a layout takes long enough to leave the loop for it.
_MANY = 30_000


class Place(NamedTuple):
    """A lane (by index), a view of it, and for callers and callees the function (by frame).

    `box` and `window` are what is zoomed to in the graph named `pane`; None is all of it.
    """

    lane: int
    view: str
    frame: int = -1
    pane: str = ""
    box: int = 0
    window: Window | None = None

    @property
    def scene(self) -> Place:
        """The place without its zoom."""
        return Place(self.lane, self.view, self.frame)


class Scene(NamedTuple):
    """A layout, and how many boxes each frame has in it."""

    layout: Layout
    counts: Counter[int]


class Scenes:
    """The scenes of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._scenes: OrderedDict[tuple[int, str, int], Scene] = OrderedDict()
        self._words: dict[int, Words] = {}

    async def scene(self, lane: int, view: str, frame: int = -1) -> Scene:
        """Return the scene of a view; "callers" and "callees" are two views of a function."""
        key = (lane, view, frame)
        if key in self._scenes:
            self._scenes.move_to_end(key)
            return self._scenes[key]
        if len(self._profile.lanes[lane].runs) + len(self._profile.table) > _MANY:
            made = await asyncio.to_thread(self._make, *key)
        else:
            made = self._make(*key)
        self._scenes[key] = made
        while len(self._scenes) > _KEPT:
            self._scenes.popitem(last=False)
        return made

    def words(self, lane: int) -> Words:
        """Return the words of a lane."""
        if lane not in self._words:
            self._words[lane] = Words(self._profile, self._profile.lanes[lane])
        return self._words[lane]

    async def found(self, lane: int, matches: Sequence[bool]) -> str:
        """Say how many functions match, and the share of the lane under them: the same in every view."""
        scene = await self.scene(lane, MERGED)
        weight, _ = matched_weight(scene.layout, matches)
        hits = sum(1 for frame in scene.counts if frame >= 0 and matches[frame])
        return f"{counted(hits, 'function')}: {self.words(lane).share(weight)}"

    def _make(self, lane: int, view: str, frame: int) -> Scene:
        of_lane = self._profile, self._profile.lanes[lane]
        if view == "callers":
            layout = callers(*of_lane, frame)
        elif view == "callees":
            layout = callees(*of_lane, frame)
        else:
            layout = {ORDER: in_time_order, MERGED: merged, INVERTED: inverted}[view](*of_lane)
        return Scene(layout, Counter(layout.frame))
