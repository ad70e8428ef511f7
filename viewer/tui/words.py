"""What is said about a box, in words. All of it can be shown: what a capture says is escaped here."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from profiler.capture import Frame
from viewer.processors import FunctionTotals, function_totals
from viewer.profile import Lane, Profile
from viewer.renderers.text import location
from viewer.tui.layout import Layout
from viewer.units import printable, weight


class Words:
    """Words for the boxes of one lane."""

    def __init__(self, profile: Profile, lane: Lane) -> None:
        self._profile = profile
        self._unit = lane.unit
        self._whole = lane.total
        self._name = printable(lane.name)
        self.lane = f"{self._name} · {weight(lane.total, lane.unit)}"
        self.rows = function_totals(profile, [lane])
        self._totals = {row.frame: row for row in self.rows}

    def share(self, value: int) -> str:
        """Return a weight and its share of the lane."""
        share = f" ({value / self._whole:.1%})" if self._whole else ""
        return f"{weight(value, self._unit)}{share}"

    def box(self, layout: Layout, box: int, counts: Counter[int]) -> Text:
        """Return two lines about a box; `counts` says how many boxes each frame has."""
        frame = layout.frame[box]
        if frame < 0:
            shown = self._numbers(self._name, layout.total[box], layout.self_weight[box])
            return shown + Text("\nno function: all that was seen here", "dim")
        name = printable(self._profile.frames[frame].name)
        shown = self._numbers(name, layout.total[box], layout.self_weight[box])
        row = self._totals.get(self._profile.frames[frame])
        if row is not None and counts[frame] > 1:
            places = "stretches" if layout.ordered else "stacks"
            shown.append(f" · in all {counts[frame]:,} {places} {self.share(row.total_weight)}", "dim")
        way = " › ".join(self.name(layout, above) for above in layout.path_to(box)[1:])
        where = printable(location(self._profile.frames[frame]))
        return shown + Text(f"\n{where}{'  ' if where else ''}{way}", "dim")

    def function(self, row: FunctionTotals) -> Text:
        """Return two lines about a function as a whole."""
        shown = self._numbers(printable(row.frame.name), row.total_weight, row.self_weight)
        if row.calls is not None:
            shown.append(f" · {row.calls:,} calls")
        return shown + Text(f"\n{printable(location(row.frame))}", "dim")

    def name(self, layout: Layout, box: int) -> str:
        return printable(self._profile.frames[layout.frame[box]].name)

    def stack(self, layout: Layout, box: int) -> str:
        """Return the stack of a box, root first, a line for each function."""
        frames: list[Frame] = [self._profile.frames[layout.frame[at]] for at in layout.path_to(box)[1:]]
        return "\n".join(f"{printable(frame.name)}  {printable(location(frame))}" for frame in frames)

    def _numbers(self, name: str, total: int, own: int) -> Text:
        return Text.assemble((name, "bold"), f"  total {self.share(total)} · self {self.share(own)}")
