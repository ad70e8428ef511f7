"""One lane of a static flame graph: a heading, a time axis where it has one, and rows of boxes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from viewer.layout import Layout, layout_of
from viewer.modules import short_file
from viewer.picture.letters import fitted, safe, width_of
from viewer.profile import Lane, Profile
from viewer.units import weight

ROW = 21
TEXT = 12
_AXIS = 22
_HEADING = 30
_INSET = 5
_LEAST_TEXT = 30
# Thinner than this, neighbours are drawn together.
_LEAST_BOX = 0.7
# Nobody looks at what is deeper than this, and no viewer of pictures takes one that is taller.
MAX_ROWS = 200
_TICK_EVERY = 110


@dataclass(frozen=True, slots=True)
class Frames:
    """What a box needs to know of each frame: `classes` of its fill, and of its text."""

    profile: Profile
    fills: Mapping[int, str]
    texts: Mapping[int, str]


@dataclass(slots=True)
class Panel:
    """A lane's boxes, laid out; `height` in pixels."""

    lane: Lane
    layout: Layout

    @classmethod
    def of(cls, profile: Profile, lane: Lane, *, ordered: bool) -> Panel:
        return cls(lane, layout_of(profile, lane, ordered=ordered))

    @property
    def ordered(self) -> bool:
        return self.layout.ordered

    @property
    def rows(self) -> int:
        """The rows that are drawn, that of the lane itself among them."""
        return min(len(self.layout.rows), MAX_ROWS + 1)

    @property
    def deeper(self) -> int:
        """How many calls are too deep to be drawn."""
        return sum(map(len, self.layout.rows[self.rows :]))

    @property
    def height(self) -> int:
        return _HEADING + (_AXIS if self.ordered else 0) + self.rows * ROW + 2

    def draw(self, frames: Frames, left: float, top: float, width: float) -> Iterator[str]:
        """Yield the elements, from the heading down."""
        lane, unit = self.lane, self.lane.unit
        total = lane.total
        how = "in time order" if self.ordered else "merged"
        note = f" · {self.deeper:,} deeper calls are not shown" if self.deeper else ""
        yield f'<text class="lane" x="{left:g}" y="{top + 17:g}">{safe(lane.name)}'
        yield f'<tspan class="soft" dx="8">{weight(total, unit)} · {how}{note}</tspan></text>'
        top += _HEADING
        height = self.height - _HEADING
        yield f'<rect class="panel" x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="8"/>'
        scale = width / total if total else 0.0
        inner = top + 1
        if self.ordered:
            yield from _axis(total, left, inner, width)
            inner += _AXIS
        yield f'<g transform="translate({left:g} {inner:g})">'
        yield f'<rect class="all" width="{width:g}" height="{ROW - 1}"/>'
        yield f'<text class="on" x="{_INSET}" y="14.5">All · {weight(total, unit)}</text>'
        yield from self._rows(frames, scale)
        yield "</g>"

    def _rows(self, frames: Frames, scale: float) -> Iterator[str]:
        layout = self.layout
        thin = [-1.0] * self.rows  # row → where what was drawn together ends
        for box in range(1, len(layout)):
            depth = layout.depth[box]
            if depth >= self.rows:
                continue
            x, width, y = layout.start[box] * scale, layout.total[box] * scale, depth * ROW
            if width >= _LEAST_BOX:
                yield from self._box(frames, box, x, y, width)
            elif x >= thin[depth]:
                thin[depth] = math.floor(x) + 1
                yield f'<rect class="tiny" x="{math.floor(x)}" y="{y}" width="1" height="{ROW - 1}"/>'

    def _box(self, frames: Frames, box: int, x: float, y: float, width: float) -> Iterator[str]:
        index = self.layout.frame[box]
        frame = frames.profile.frames[index]
        drawn = max(width - 1, _LEAST_BOX)
        shape = f'x="{x:.2f}" y="{y:g}" width="{drawn:.2f}" height="{ROW - 1}"'
        yield f'<g><rect class="{frames.fills[index]}" {shape}/>'
        text = fitted(frame.name, width - 2 * _INSET, TEXT) if width >= _LEAST_TEXT else ""
        if text:
            place = f'x="{x + _INSET:.2f}" y="{y + 14.5:g}"'
            yield f'<text class="{frames.texts[index]}" {place}>{safe(text)}</text>'
        yield f"<title>{safe(self._about(frames, box))}</title></g>"

    def _about(self, frames: Frames, box: int) -> str:
        layout, unit = self.layout, self.lane.unit
        frame, total = frames.profile.frames[layout.frame[box]], layout.total[box]
        where = short_file(frame.file) + (f":{frame.line}" if frame.line else "")
        share = f"{total / layout.total[0]:.1%}"
        own = f"self {weight(layout.self_weight[box], unit)}"
        return " · ".join(part for part in (frame.name, where, weight(total, unit), share, own) if part)


def _axis(total: int, left: float, top: float, width: float) -> Iterator[str]:
    """Yield ticks of 1, 2 or 5 × 10ⁿ nanoseconds, in the unit of the far end."""
    if not total:
        return
    rough = total / max(1.0, width / _TICK_EVERY)
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    size, unit = next(pair for pair in ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (0, "ns")) if total >= pair[0])
    size = size or 1
    decimals = max(0, -math.floor(math.log10(step / size) + 1e-9))
    for tick in range(int(total / step) + 1):
        x = left + tick * step / total * width
        text = f"{tick * step / size:.{decimals}f} {unit}" if tick else "0"
        yield f'<path class="tick" d="M{x:.2f} {top + 4:g}V{top + _AXIS:g}"/>'
        if x + _INSET + width_of(text, TEXT) < left + width:
            yield f'<text class="soft" x="{x + _INSET:.2f}" y="{top + 15:g}">{text}</text>'
