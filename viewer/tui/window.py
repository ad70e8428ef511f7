"""Which part of a lane is in view, and how it changes."""

from __future__ import annotations

from typing import NamedTuple


class Window(NamedTuple):
    """The part of a lane that is in view, in the lane's unit."""

    start: float
    stop: float

    @property
    def span(self) -> float:
        return self.stop - self.start

    def magnified(self, factor: float, share: float, whole: Window) -> Window:
        """Return a window with more detail (a factor above 1) around a place, a share of it, that stays."""
        span = min(whole.span, max(min(1.0, whole.span), self.span / factor))
        return _placed(self.start + share * (self.span - span), span, whole)

    def moved(self, share: float, whole: Window) -> Window:
        """Return the window moved sideways by a share of itself, as far as there is something."""
        return _placed(self.start + share * self.span, self.span, whole)

    def around(self, start: float, stop: float, whole: Window) -> Window:
        """Return a window of the same span with a stretch in its middle."""
        return _placed((start + stop - self.span) / 2, self.span, whole)


def _placed(start: float, span: float, whole: Window) -> Window:
    if span >= whole.span:
        return whole
    start = max(whole.start, min(whole.stop - span, start))
    return Window(start, start + span)
