"""Where somebody has been, as a browser keeps it: back, forward, and a new step forgets what was ahead."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class History(Generic[T]):
    """A list of places and which of them is shown."""

    def __init__(self, first: T) -> None:
        self._places = [first]
        self._at = 0

    @property
    def current(self) -> T:
        return self._places[self._at]

    def visit(self, place: T) -> None:
        """Go to a place; the same place again is no step."""
        if place != self.current:
            del self._places[self._at + 1 :]
            self._places.append(place)
            self._at += 1

    def replace(self, place: T) -> None:
        """Change where somebody is without making it a step."""
        self._places[self._at] = place

    def back(self) -> bool:
        """Go one step back; False at the first place."""
        return self._move(-1)

    def forward(self) -> bool:
        """Go one step forward again; False at the last place."""
        return self._move(1)

    def _move(self, step: int) -> bool:
        if not 0 <= self._at + step < len(self._places):
            return False
        self._at += step
        return True
