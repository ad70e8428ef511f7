"""What of one row of boxes can be seen in so many columns of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from viewer.tui.layout import Layout

# What a float may be off by at a column's edge.
_EDGE = 1e-9


class Window(NamedTuple):
    """The part of a lane that is in view, in the lane's unit."""

    start: float
    stop: float

    @property
    def span(self) -> float:
        return self.stop - self.start


class Piece(NamedTuple):
    """Some columns of a row: one box, or one column in which boxes are thinner than that (`thin`)."""

    column: int
    width: int
    box: int
    thin: bool = False


def pieces(layout: Layout, depth: int, window: Window, width: int) -> Iterator[Piece]:
    """Yield what a row shows, from left to right; of a thin column the first of its boxes.

    Thin boxes are passed over by bisection: a row costs as much as it has columns, not boxes.
    """
    row, scale = layout.rows[depth], width / window.span
    place = layout.first_ending_after(depth, window.start)
    thin: Piece | None = None
    while place < len(row):
        box = row[place]
        left = int((layout.start[box] - window.start) * scale + _EDGE)
        if left >= width or layout.start[box] >= window.stop:
            break
        right = int((layout.start[box] + layout.total[box] - window.start) * scale + _EDGE)
        left, right = max(0, left), min(width, right)
        # A wide box that begins in a thin column takes that column over.
        if thin is not None and thin.column < left:
            yield thin
        thin = None
        if right > left:
            yield Piece(left, right - left, box)
            place += 1
        else:
            thin = Piece(left, 1, box, thin=True)
            edge = window.start + (left + 1) / scale
            place = max(place + 1, layout.first_ending_after(depth, edge))
    if thin is not None:
        yield thin


def column_of(layout: Layout, box: int, window: Window, width: int) -> int:
    """Return the column in which a box begins, wherever it is; it may be out of view."""
    return int((layout.start[box] - window.start) * width / window.span + _EDGE)


def piece_at(layout: Layout, depth: int, window: Window, width: int, column: int) -> Piece | None:
    """Return what a column of a row shows, if anything."""
    if not 0 <= depth < len(layout.rows):
        return None
    for piece in pieces(layout, depth, window, width):
        if piece.column <= column < piece.column + piece.width:
            return piece
    return None


def neighbour(layout: Layout, box: int, step: int, window: Window, width: int) -> int:
    """Return the box that is seen left (-1) or right (1) of another; the box itself at the edge."""
    shown = list(pieces(layout, layout.depth[box], window, width))
    column = max(0, column_of(layout, box, window, width))
    if step > 0:
        after = (piece.box for piece in shown if piece.column > column and piece.box > box)
        return next(after, box)
    before = (piece.box for piece in reversed(shown) if piece.column < column and piece.box < box)
    return next(before, box)
