"""One flame graph as a widget: rows of boxes, moved in by keys and mouse. It knows no views, no threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from viewer.layout import Layout
from viewer.tui.drawing import Row
from viewer.tui.inks import Inks
from viewer.tui.pieces import Piece, column_of, neighbour, piece_at, pieces
from viewer.tui.search import Matches
from viewer.tui.window import Window

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
        self.matched: Matches = None
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
            self._look_around(self.window.around(start, stop, self.whole))
        self.refresh()
        self._point(box)

    # ---- drawing -----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width, depth = self.size.width, self._depth_at(y)
        if self.inks is None or width <= 0 or not 0 <= depth < len(self.boxes.rows):
            return Strip.blank(width, self.inks.nothing if self.inks else None)
        # The lane itself is where the keys start: to mark it says something only where they are heard.
        focused = self.focused if self.focused or self.has_focus else -1
        row = Row(
            self.boxes, depth, self.names, self._label(), self.inks, self.matched, self.zoomed, focused,
            self.hovered,
        )  # fmt: skip
        return Strip(list(row.segments(self._shown(depth, width), width)), width)

    def _shown(self, depth: int, width: int) -> Iterator[Piece]:
        """Yield the pieces of a row; in a thin column the focused box is the one to be shown."""
        focused = self.focused if self.boxes.depth[self.focused] == depth else -1
        column = column_of(self.boxes, focused, self.window, width) if focused >= 0 else -1
        for piece in pieces(self.boxes, depth, self.window, width):
            yield piece._replace(box=focused) if piece.thin and piece.column == column else piece

    def _label(self) -> str:
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
        self._magnify(step, 0.5)

    def action_pan(self, step: int) -> None:
        self._look_around(self.window.moved(step * _PAN_SHARE, self.whole))

    def _magnify(self, steps: int, share: float) -> None:
        self._look_around(self.window.magnified(_MAGNIFY**steps, share, self.whole))

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
            self._magnify(step, event.x / max(self.size.width, 1))
        elif event.shift:
            self.action_pan(-step)
        else:
            return
        event.prevent_default()
        event.stop()
