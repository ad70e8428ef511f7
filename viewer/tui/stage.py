"""The picture: one graph, two around a function, or the table, and two lines about what is pointed at."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, DataTable, Static

from viewer.processors import FunctionTotals
from viewer.profile import Profile
from viewer.tui.graph import FlameGraph
from viewer.tui.inks import Inks
from viewer.tui.places import Place, Scene, Scenes
from viewer.tui.ruler import Ruler
from viewer.tui.table import FunctionTable
from viewer.tui.views import FUNCTION, ORDER, TABLE
from viewer.units import printable


class Stage(Vertical):
    """Shows one place after the other. `matched` is by frame, None where nothing is sought."""

    def __init__(self, profile: Profile, scenes: Scenes, inks: Inks) -> None:
        super().__init__()
        self._profile = profile
        self._scenes = scenes
        self._inks = inks
        self._names = [printable(frame.name) for frame in profile.frames]
        self._matched: Sequence[bool] | None = None
        self._place: Place | None = None
        self._shown: dict[str, Scene] = {}

    def compose(self) -> ComposeResult:
        yield Ruler()
        with ContentSwitcher(initial="graph"):
            yield FlameGraph(id="graph")
            with Vertical(id="around"):
                yield FlameGraph(id="callers", flame=True)
                yield Static(id="turn")
                yield FlameGraph(id="callees")
            yield FunctionTable(id="table")
        yield Static(id="detail")

    # ---- what there is -----------------------------------------------------------------------

    @property
    def graphs(self) -> list[FlameGraph]:
        """The graphs that are seen."""
        return [self._graph(pane) for pane in self._shown]

    @property
    def graph(self) -> FlameGraph | None:
        """The graph that the keys are for, or None where the table is shown."""
        graphs = self.graphs
        return next((graph for graph in graphs if graph.has_focus), graphs[-1] if graphs else None)

    @property
    def table(self) -> FunctionTable:
        return self.query_one(FunctionTable)

    @property
    def frame(self) -> int:
        """The frame under the cursor, or -1."""
        graph = self.graph
        if graph is not None:
            return graph.boxes.frame[graph.focused]
        row = self.table.row
        return -1 if row is None else self._profile.frames.index(row.frame)

    def take_focus(self) -> None:
        """Let the keys drive what is shown."""
        (self.graph or self.table).focus()

    # ---- showing a place ---------------------------------------------------------------------

    async def show(self, place: Place) -> None:
        """Show a place: another picture where it is one, and what it is zoomed to."""
        if self._place is None or self._place.scene != place.scene:
            self.loading = True
            try:
                await self._show_scene(place)
            finally:
                self.loading = False
        self._place = place
        for graph in self.graphs:
            if graph.id == place.pane and place.window is not None:
                graph.look(place.box, place.window)
            elif not graph.is_whole:
                graph.look(0, graph.whole)
        self.show_ruler()

    async def _show_scene(self, place: Place) -> None:
        views = {TABLE: (), FUNCTION: ("callers", "callees")}.get(place.view, ("graph",))
        self._shown = {
            pane: await self._scenes.scene(place.lane, place.view if pane == "graph" else pane, place.frame)
            for pane in views
        }
        self._place = place
        self.query_one(Ruler).display = place.view == ORDER
        words = self._scenes.words(place.lane)
        label = words.lane
        if place.view == FUNCTION:
            name = self._names[place.frame]
            self.query_one("#turn", Static).update(Text(f"↑ who calls {name} · what it calls ↓"))
            label = f"{words.share(self._shown['callees'].layout.total[0])} of {words.lane}"
        for pane, scene in self._shown.items():
            graph = self._graph(pane)
            graph.matched = self._matched
            graph.display_layout(scene.layout, self._names, label, self._inks)
        if place.view == TABLE:
            self.fill_table()
        content = {TABLE: "table", FUNCTION: "around"}.get(place.view, "graph")
        self.query_one(ContentSwitcher).current = content
        self.take_focus()

    def show_ruler(self) -> None:
        """Draw the time axis for what is in view."""
        self.query_one(Ruler).window = self._graph("graph").window

    def show_matches(self, matched: Sequence[bool] | None) -> None:
        """Let what is sought stand out."""
        self._matched = matched
        for graph in self.query(FlameGraph):
            graph.matched = matched
            graph.refresh()
        if self._place is not None and self._place.view == TABLE:
            self.fill_table()

    def repaint(self, inks: Inks) -> None:
        """Draw with other colours."""
        self._inks = inks
        for graph in self.query(FlameGraph):
            graph.inks = inks
            graph.refresh()

    def fill_table(self) -> None:
        """Show the functions, those that match where something is sought."""
        assert self._place is not None
        rows = self._scenes.words(self._place.lane).rows
        if self._matched is not None:
            hits = {frame for frame, hit in zip(self._profile.frames, self._matched, strict=True) if hit}
            rows = [row for row in rows if row.frame in hits]
        self.table.show_rows(rows, self._scenes.words(self._place.lane).share)
        self._tell_row(self.table.row)

    # ---- what is pointed at ------------------------------------------------------------------

    @on(FlameGraph.Pointed)
    def pointed(self, event: FlameGraph.Pointed) -> None:
        scene = self._shown.get(event.graph.id or "")
        # A message may come after another layout has taken the place of the one it speaks of.
        if scene is None or self._place is None or event.graph.boxes is not scene.layout:
            return
        if event.box < len(scene.layout):
            words = self._scenes.words(self._place.lane)
            self._detail.update(words.box(scene.layout, event.box, scene.counts))

    @on(DataTable.RowHighlighted)
    def row_highlighted(self) -> None:
        if self._place is not None and self._place.view == TABLE:
            self._tell_row(self.table.row)

    @on(DataTable.HeaderSelected)
    def header_selected(self, event: DataTable.HeaderSelected) -> None:
        if self.table.sort_by(str(event.column_key.value)):
            self.fill_table()

    def _tell_row(self, row: FunctionTotals | None) -> None:
        assert self._place is not None
        words = self._scenes.words(self._place.lane)
        self._detail.update(Text("no function matches") if row is None else words.function(row))

    @property
    def _detail(self) -> Static:
        return self.query_one("#detail", Static)

    def _graph(self, pane: str) -> FlameGraph:
        return self.query_one(f"#{pane}", FlameGraph)
