"""One flame graph as a widget: rows of boxes, moved in by keys and mouse. It knows no views, no threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from viewer.tui.inks import Inks
from viewer.tui.layout import Layout
from viewer.tui.pieces import Piece, Window, column_of, neighbour, piece_at, pieces

_EDGE, _THIN = "▏", "░"
_LEAST_TEXT = 3
_MAGNIFY = 1.5
_PAN_SHARE = 0.2


class FlameGraph(ScrollView, can_focus=True):
    """The boxes of one layout. An icicle hangs from its first row; a flame stands on its last."""

    BINDINGS = [  # noqa: RUF012 - textual's own way
        Binding("down", "go_down", show=False),
        Binding("up", "go_up", show=False),
        Binding("left", "go_aside(-1)", show=False),
        Binding("right", "go_aside(1)", show=False),
        Binding("enter,space", "zoom", "zoom"),
        Binding("home", "zoom_to_all", show=False),
        Binding("plus,equals_sign", "magnify(1)", show=False),
        Binding("minus", "magnify(-1)", show=False),
        Binding("comma", "pan(-1)", show=False),
        Binding("full_stop", "pan(1)", show=False),
    ]

    class Zoomed(Message):
        """Somebody zooms to a box. `magnified`: only the window has changed, which is no step of its own."""

        def __init__(self, graph: FlameGraph, box: int, window: Window, magnified: bool = False) -> None:
            super().__init__()
            self.graph, self.box, self.window, self.magnified = graph, box, window, magnified

    class Pointed(Message):
        """A box is looked at: by the keys, or under the mouse."""

        def __init__(self, graph: FlameGraph, box: int) -> None:
            super().__init__()
            self.graph, self.box = graph, box

    def __init__(self, *, id: str, flame: bool = False) -> None:
        super().__init__(id=id)
        self.flame = flame
        self.boxes = Layout(ordered=False)
        self.boxes.add(-1, 0, -1, 0)
        self.names: Sequence[str] = ()
        self.lane = ""
        self.inks: Inks | None = None
        self.matched: Sequence[bool] | None = None
        self.window = Window(0, 1)
        self.zoomed = self.focused = 0
        self.hovered = -1

    def display_layout(self, layout: Layout, names: Sequence[str], lane: str, inks: Inks) -> None:
        """Show a layout as a whole. `names` are by frame and can harm no terminal; `lane` labels box 0."""
        self.boxes, self.names, self.lane, self.inks = layout, names, lane, inks
        self.hovered = -1
        self.look(0, self.whole)
        self._measure()
        self.scroll_to(y=self.max_scroll_y if self.flame else 0, animate=False)

    def look(self, box: int, window: Window) -> None:
        """Show a part of the layout and stand on the box that fills it."""
        self.zoomed = self.focused = box
        self.window = window
        self.hovered = -1
        self.refresh()
        self._point(box)

    @property
    def whole(self) -> Window:
        """The window that shows everything; one unit wide where there is nothing to show."""
        return Window(0, self.boxes.total[0] or 1)

    @property
    def is_whole(self) -> bool:
        return self.window == self.whole

    def set_flame(self, flame: bool) -> None:
        self.flame = flame
        self._measure()
        self.scroll_to(y=self.max_scroll_y if flame else 0, animate=False)
        self.refresh()

    def focus_box(self, box: int) -> None:
        """Stand on a box and bring it into view."""
        self.focused = box
        layout, window = self.boxes, self.window
        start, stop = layout.start[box], layout.start[box] + layout.total[box]
        if stop <= window.start or start >= window.stop:
            # As much as is seen now, with the box in its middle.
            middle = min(max((start + stop) / 2, window.span / 2), self.whole.stop - window.span / 2)
            self._look_around(Window(middle - window.span / 2, middle + window.span / 2))
        self.refresh()
        self._point(box)

    # ---- drawing -----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        depth = self._depth_at(y)
        if self.inks is None or width <= 0 or not 0 <= depth < len(self.boxes.rows):
            return Strip.blank(width, self.inks.nothing if self.inks else None)
        return Strip(list(self._segments(depth, width, self.inks)), width)

    def _segments(self, depth: int, width: int, inks: Inks) -> Iterator[Segment]:
        column = 0
        for piece in self._shown(depth, width):
            if piece.column > column:
                yield Segment(" " * (piece.column - column), inks.nothing)
            yield from self._piece(piece, depth, inks)
            column = piece.column + piece.width
        if column < width:
            yield Segment(" " * (width - column), inks.nothing)

    def _shown(self, depth: int, width: int) -> Iterator[Piece]:
        """Yield the pieces of a row; in a thin column the focused box is the one to be shown."""
        focused = self.focused if self.boxes.depth[self.focused] == depth else -1
        column = column_of(self.boxes, focused, self.window, width) if focused >= 0 else -1
        for piece in pieces(self.boxes, depth, self.window, width):
            yield piece._replace(box=focused) if piece.thin and piece.column == column else piece

    def _piece(self, piece: Piece, depth: int, inks: Inks) -> Iterator[Segment]:
        frame = self.boxes.frame[piece.box]
        is_match = self.matched is not None and frame >= 0 and self.matched[frame]
        focused = piece.box == self.focused and (self.has_focus or piece.box > 0)
        if piece.thin:
            yield Segment(_THIN, inks.thin(frame, focused, is_match))
            return
        is_faded = (self.matched is not None and not is_match) or depth < self.boxes.depth[self.zoomed]
        style = inks.box(frame, is_faded, focused, piece.box == self.hovered, is_match)
        yield Segment(_EDGE, inks.edge(style))
        if piece.width > 1:
            text = self._label(frame) if piece.width >= _LEAST_TEXT else ""
            yield Segment(fitted(text, piece.width - 1), style)

    def _label(self, frame: int) -> str:
        if frame >= 0:
            return self.names[frame]
        if self.is_whole:
            return self.lane
        return f"{self.lane} · {self.window.span / self.whole.span:.1%} of it in view"

    def _measure(self) -> None:
        # A flame stands on the ground even where it does not fill the window.
        rows = len(self.boxes.rows)
        self.virtual_size = Size(self.size.width, max(rows, self.size.height) if self.flame else rows)

    def on_resize(self) -> None:
        self._measure()

    def _depth_at(self, y: int) -> int:
        row = y + round(self.scroll_y)
        return self.virtual_size.height - 1 - row if self.flame else row

    def _point(self, box: int) -> None:
        depth = self.boxes.depth[box]
        row = self.virtual_size.height - 1 - depth if self.flame else depth
        self.scroll_to_region(Region(0, row, 1, 1), animate=False, force=True)
        self.post_message(self.Pointed(self, box))

    # ---- keys --------------------------------------------------------------------------------

    def action_go_down(self) -> None:
        self._go(deeper=not self.flame)

    def action_go_up(self) -> None:
        self._go(deeper=self.flame)

    def _go(self, deeper: bool) -> None:
        layout, box = self.boxes, self.focused
        if deeper:
            box = layout.child_within(box, max(self.window.start, layout.start[box]), self.window.stop)
        self.focus_box(box if deeper else max(layout.parent[box], 0))

    def action_go_aside(self, step: int) -> None:
        self.focus_box(neighbour(self.boxes, self.focused, step, self.window, self.size.width))

    def action_zoom(self) -> None:
        self.zoom(self.focused)

    def action_zoom_to_all(self) -> None:
        self.zoom(0)

    def zoom(self, box: int) -> None:
        """Ask for a box to fill the width."""
        start = self.boxes.start[box]
        window = Window(start, start + self.boxes.total[box]) if box else self.whole
        self.post_message(self.Zoomed(self, box, window))

    def action_magnify(self, step: int) -> None:
        self._magnify(_MAGNIFY**step, self.size.width / 2)

    def action_pan(self, step: int) -> None:
        self._pan(step * _PAN_SHARE)

    def _magnify(self, factor: float, column: float) -> None:
        """Show more detail (a factor above 1) around a column that stays where it is."""
        whole = self.whole.span
        span = min(whole, max(min(1.0, whole), self.window.span / factor))
        share = column / max(self.size.width, 1)
        start = self.window.start + share * (self.window.span - span)
        start = max(0.0, min(whole - span, start))
        self._look_around(self.whole if span >= whole else Window(start, start + span))

    def _pan(self, share: float) -> None:
        start = self.window.start + share * self.window.span
        start = max(0.0, min(self.whole.stop - self.window.span, start))
        self._look_around(Window(start, start + self.window.span))

    def _look_around(self, window: Window) -> None:
        """Change the window; what stays zoomed is the deepest box that still fills it."""
        layout, box = self.boxes, self.zoomed
        while box and (
            layout.start[box] > window.start or layout.start[box] + layout.total[box] < window.stop
        ):
            box = layout.parent[box]
        self.zoomed, self.window = box, window
        self.refresh()
        self.post_message(self.Zoomed(self, box, window, magnified=True))

    # ---- mouse -------------------------------------------------------------------------------

    def _box_at(self, event: events.MouseEvent) -> int:
        piece = piece_at(self.boxes, self._depth_at(event.y), self.window, self.size.width, event.x)
        return -1 if piece is None else piece.box

    def on_click(self, event: events.Click) -> None:
        box = self._box_at(event)
        if event.button == 1 and box >= 0:
            self.focused = box
            self.zoom(box)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        box = self._box_at(event)
        if box != self.hovered:
            self.hovered = box
            self.refresh()
            self.post_message(self.Pointed(self, box if box >= 0 else self.focused))

    def on_leave(self) -> None:
        self.hovered = -1
        self.refresh()
        self.post_message(self.Pointed(self, self.focused))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, step: int) -> None:
        if event.ctrl:
            self._magnify(_MAGNIFY**step, event.x)
        elif event.shift:
            self._pan(-step * _PAN_SHARE)
        else:
            return
        event.prevent_default()
        event.stop()


def fitted(text: str, width: int) -> str:
    """Return a text as exactly so many columns, cut with an ellipsis where it is longer."""
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…" if width > 1 else ""
    return set_cell_size(text, width)
