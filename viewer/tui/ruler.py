"""The time axis above what happened in order."""

from __future__ import annotations

import math

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from viewer.tui.pieces import Window

_TICK_EVERY = 14
# The width that a graph keeps free for its scroll bar.
_SCROLL_BAR = 1
_UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))


class Ruler(Widget):
    """The axis over a graph of the same width."""

    window: reactive[Window] = reactive(Window(0, 1))

    def render(self) -> Text:
        return Text(ruler(self.window, max(self.size.width - _SCROLL_BAR, 1)), no_wrap=True)


def ruler(window: Window, width: int) -> str:
    """Return one line of ticks for a window in nanoseconds, each a bar with its moment behind it."""
    step = tick_step(window.span, width / _TICK_EVERY)
    line = [" "] * width
    # Counted in whole steps: added up, they would drift.
    tick = math.ceil(window.start / step)
    while tick * step <= window.stop:
        column = int((tick * step - window.start) * width / window.span)
        text = f"▏{_moment(tick * step, step, window.stop)}"
        if column + len(text) <= width:
            line[column : column + len(text)] = text
        tick += 1
    return "".join(line)


def tick_step(span: float, count: float) -> float:
    """Return the step of 1, 2 or 5 × 10ⁿ that cuts a span into at most `count` parts."""
    rough = span / max(1.0, count)
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(digit for digit in (1, 2, 5, 10) if rough / power <= digit + 1e-9)


def _moment(value: float, step: float, farthest: float) -> str:
    """Return a moment in the unit of the window's far end, no finer than its steps."""
    if value == 0:
        return "0"
    size, unit = next((size, unit) for size, unit in _UNITS if farthest >= size or size == 1.0)
    decimals = max(0, -math.floor(math.log10(step / size) + 1e-9))
    return f"{value / size:.{decimals}f} {unit}"
