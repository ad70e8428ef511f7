"""One row of a flame graph as it is sent to the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment

from viewer.layout import Layout
from viewer.tui.inks import Inks
from viewer.tui.pieces import Piece
from viewer.tui.search import Matches

_EDGE, _THIN = "▏", "░"
_LEAST_TEXT = 3


@dataclass(frozen=True, slots=True)
class Row:
    """What a row is drawn from. `names` are by frame; `lane` labels box 0; the boxes may be -1 for none."""

    layout: Layout
    depth: int
    names: Sequence[str]
    lane: str
    inks: Inks
    matches: Matches
    zoomed: int
    focused: int
    hovered: int

    def segments(self, shown: Iterable[Piece], width: int) -> Iterator[Segment]:
        """Yield text and style of so many columns."""
        column = 0
        for piece in shown:
            if piece.column > column:
                yield Segment(" " * (piece.column - column), self.inks.nothing)
            yield from self._piece(piece)
            column = piece.column + piece.width
        if column < width:
            yield Segment(" " * (width - column), self.inks.nothing)

    def _piece(self, piece: Piece) -> Iterator[Segment]:
        frame = self.layout.frame[piece.box]
        is_match = self.matches is not None and frame >= 0 and self.matches[frame]
        is_focused = piece.box == self.focused
        if piece.thin:
            yield Segment(_THIN, self.inks.thin(frame, is_focused, is_match))
            return
        is_above = self.depth < self.layout.depth[self.zoomed]
        is_faded = is_above or (self.matches is not None and not is_match)
        style = self.inks.box(frame, is_faded, is_focused, piece.box == self.hovered, is_match)
        yield Segment(_EDGE, self.inks.edge(style))
        if piece.width > 1:
            name = self.names[frame] if frame >= 0 else self.lane
            yield Segment(fitted(name if piece.width >= _LEAST_TEXT else "", piece.width - 1), style)


def fitted(text: str, width: int) -> str:
    """Return a text as exactly so many columns, cut with an ellipsis where it is longer."""
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…" if width > 1 else ""
    return set_cell_size(text, width)
