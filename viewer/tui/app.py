"""The flame graph of a profile in a terminal: what each key does, and which picture is shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher, DataTable, Footer, Input, Static

from viewer.processors import FunctionTotals
from viewer.profile import Profile
from viewer.tui.dialogs import Chooser, Pairs, help_dialog
from viewer.tui.graph import FlameGraph
from viewer.tui.history import History
from viewer.tui.inks import Inks
from viewer.tui.keys import bindings
from viewer.tui.layout import matched_weight, next_match
from viewer.tui.places import Place, Scene, Scenes
from viewer.tui.ruler import ruler
from viewer.tui.search import BadPattern, match_frames
from viewer.tui.table import FunctionTable
from viewer.tui.themes import theme_name, themes
from viewer.tui.views import FUNCTION, MERGED, ORDER, TABLE, VIEWS
from viewer.units import counted, printable

_FEW_COLOURS = ("standard", "windows")


class ViewTab(Static):
    """The name of a view; a click shows it."""

    def __init__(self, view: str) -> None:
        super().__init__(Text(VIEWS[view]), id=f"tab-{view}")
        self.view = view


class FlameApp(App[None]):
    """A profile on the screen. `sixteen`: whether the terminal has only so many colours; None asks it."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS = [*bindings(), Binding("ctrl+c", "quit", show=False, priority=True)]  # noqa: RUF012

    def __init__(self, profile: Profile, lane: int = 0, *, sixteen: bool | None = None) -> None:
        super().__init__()
        self.sixteen = self.console.color_system in _FEW_COLOURS if sixteen is None else sixteen
        self.ansi_color = self.sixteen
        self.profile = profile
        self.scenes = Scenes(profile)
        self.names = [printable(frame.name) for frame in profile.frames]
        self.matched: Sequence[bool] | None = None
        self.dark = True
        self.inks = self._inks()
        first = ORDER if profile.lanes[lane].ordered else MERGED
        self.history: History[Place] = History(Place(lane, first))
        self._shown: Place | None = None
        self._shown_scenes: dict[str, Scene] = {}

    def compose(self) -> ComposeResult:
        with Horizontal(id="heading"):
            yield Static(self._title(), id="title")
            yield Static(id="found")
        with Horizontal(id="bar"):
            for view in VIEWS:
                yield ViewTab(view)
            yield Static(id="lane")
        yield Static(id="ruler")
        with ContentSwitcher(initial="graph"):
            yield FlameGraph(id="graph")
            with Vertical(id="around"):
                yield FlameGraph(id="callers", flame=True)
                yield Static(id="turn")
                yield FlameGraph(id="callees")
            yield FunctionTable(id="table")
        yield Static(id="detail")
        yield Input(placeholder='text, "function", module:name or /regular expression/', id="query")
        yield Footer(show_command_palette=False)

    async def on_mount(self) -> None:
        for theme in themes():
            self.register_theme(theme)
        self.theme = theme_name(dark=self.dark, sixteen=self.sixteen)
        await self._show()

    # ---- showing where we are ----------------------------------------------------------------

    async def _show(self) -> None:
        """Draw the place that the history stands at."""
        place = self.history.current
        if self._shown != place.scene:
            switcher = self.query_one(ContentSwitcher)
            switcher.loading = True
            try:
                await self._show_scene(place)
            finally:
                switcher.loading = False
            self._shown = place.scene
        for graph in self._graphs():
            if graph.id == place.pane and place.window is not None:
                graph.look(place.box, place.window)
            elif not graph.is_whole:
                graph.look(0, graph.whole)
        self._show_ruler()

    async def _show_scene(self, place: Place) -> None:
        words = self.scenes.words(place.lane)
        lane = self.profile.lanes[place.lane]
        for tab in self.query(ViewTab):
            tab.set_class(tab.view == place.view, "chosen")
            tab.set_class(tab.view == ORDER and not lane.ordered, "absent")
        self.query_one("#lane", Static).update(Text(words.lane))
        self.query_one("#ruler").display = place.view == ORDER
        if place.view == TABLE:
            self._fill_table()
            self._switch_to("table", "table")
            return
        if place.view == FUNCTION:
            name = self.names[place.frame]
            self.query_one("#turn", Static).update(Text(f"↑ who calls {name} · what it calls ↓"))
            scenes = {
                pane: await self.scenes.scene(place.lane, f"{FUNCTION}:{pane}", place.frame)
                for pane in ("callers", "callees")
            }
            self._switch_to("around", place.pane or "callees")
        else:
            scenes = {"graph": await self.scenes.scene(place.lane, place.view)}
            self._switch_to("graph", "graph")
        self._shown_scenes = scenes
        for pane, scene in scenes.items():
            graph = self.query_one(f"#{pane}", FlameGraph)
            graph.matched = self.matched
            graph.display_layout(scene.layout, self.names, words.lane, self.inks)

    def _switch_to(self, content: str, focus: str) -> None:
        self.query_one(ContentSwitcher).current = content
        if not self.query_one("#query").has_focus:
            self.query_one(f"#{focus}").focus()

    def _show_ruler(self) -> None:
        graph = self.query_one("#graph", FlameGraph)
        if self.history.current.view == ORDER and graph.size.width:
            self.query_one("#ruler", Static).update(Text(ruler(graph.window, graph.size.width)))

    def _fill_table(self) -> None:
        matches = None
        if self.matched is not None:
            matching = {frame for frame, hit in zip(self.profile.frames, self.matched, strict=True) if hit}
            matches = lambda row: row.frame in matching  # noqa: E731
        table = self.query_one(FunctionTable)
        table.show_rows(self.scenes.words(self.history.current.lane), matches)
        self._show_detail(self._row_text(table.row))

    def _graphs(self) -> list[FlameGraph]:
        view = self.history.current.view
        names = {TABLE: (), FUNCTION: ("callers", "callees")}.get(view, ("graph",))
        return [self.query_one(f"#{name}", FlameGraph) for name in names]

    def _graph(self) -> FlameGraph | None:
        """Return the graph that the keys are for."""
        graphs = self._graphs()
        return next((graph for graph in graphs if graph.has_focus), graphs[-1] if graphs else None)

    def _show_detail(self, text: Text) -> None:
        self.query_one("#detail", Static).update(text)

    def _row_text(self, row: FunctionTotals | None) -> Text:
        lane = self.history.current.lane
        return Text("no function matches") if row is None else self.scenes.words(lane).function(row)

    def _title(self) -> Text:
        about = " · approximate: stacks guessed from a call graph" if self.profile.approximate else ""
        return Text(printable(self.profile.title) + about)

    def _inks(self) -> Inks:
        return Inks(self.profile.frames, dark=self.dark, sixteen=self.sixteen)

    def _tell(self, text: str) -> None:
        self.notify(text, markup=False, timeout=4)

    # ---- what happens to the graphs ----------------------------------------------------------

    @on(FlameGraph.Zoomed)
    async def zoomed(self, event: FlameGraph.Zoomed) -> None:
        place = self.history.current._replace(pane=event.graph.id or "", box=event.box, window=event.window)
        if event.magnified:
            self.history.replace(place)
        else:
            self.history.visit(place)
            event.graph.look(event.box, event.window)
        self._show_ruler()

    @on(FlameGraph.Pointed)
    def pointed(self, event: FlameGraph.Pointed) -> None:
        scene = self._shown_scenes.get(event.graph.id or "")
        if scene is None or event.graph not in self._graphs() or event.box >= len(scene.layout):
            return
        words = self.scenes.words(self.history.current.lane)
        self._show_detail(words.box(scene.layout, event.box, scene.counts))

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_ruler)

    async def on_click(self, event: events.Click) -> None:
        if event.button == 3:
            await self.action_back()
        elif isinstance(event.widget, ViewTab):
            view = event.widget.view
            await (self.action_around() if view == FUNCTION else self.action_view(view))
        elif event.widget is not None and event.widget.id == "lane":
            self.action_choose_lane()

    # ---- views, threads, history -------------------------------------------------------------

    async def action_view(self, view: str) -> None:
        if view == ORDER and not self.profile.lanes[self.history.current.lane].ordered:
            self._tell("There is no order in time here: it is merged, or memory.")
            return
        await self._visit(Place(self.history.current.lane, view))

    async def action_around(self) -> None:
        """Show the callers and callees of what the cursor is on."""
        frame = self._frame()
        if frame < 0:
            self._tell("Go to a function first: its callers and callees are shown then.")
            return
        await self._visit(Place(self.history.current.lane, FUNCTION, frame))

    @on(DataTable.RowSelected)
    async def row_selected(self) -> None:
        await self.action_around()

    @on(DataTable.RowHighlighted)
    def row_highlighted(self) -> None:
        if self.history.current.view == TABLE:
            self._show_detail(self._row_text(self.query_one(FunctionTable).row))

    @on(DataTable.HeaderSelected)
    def header_selected(self, event: DataTable.HeaderSelected) -> None:
        if self.query_one(FunctionTable).sort_by(str(event.column_key.value)):
            self._fill_table()

    def action_sort(self) -> None:
        if self.history.current.view == TABLE:
            self.query_one(FunctionTable).next_order()
            self._fill_table()

    async def action_lane(self, step: int) -> None:
        await self._go_to_lane((self.history.current.lane + step) % len(self.profile.lanes))

    def action_choose_lane(self) -> None:
        async def chosen(lane: int | None) -> None:
            if lane is not None:
                await self._go_to_lane(lane)

        lanes = range(len(self.profile.lanes))
        texts = [self.scenes.words(lane).lane for lane in lanes]
        self.push_screen(Chooser(texts, self.history.current.lane), chosen)

    async def _go_to_lane(self, lane: int) -> None:
        place = self.history.current
        view = place.view
        if view == FUNCTION or (view == ORDER and not self.profile.lanes[lane].ordered):
            view = MERGED
        if lane != place.lane:
            await self._visit(Place(lane, view))

    async def action_back(self) -> None:
        if self.history.back():
            await self._show()

    async def action_forward(self) -> None:
        if self.history.forward():
            await self._show()

    async def action_away(self) -> None:
        """Zoom out to all; where that is so, clear the search."""
        graph = self._graph()
        if self.query_one("#query").has_focus or graph is None or graph.is_whole:
            await self._end_search(clear=True)
        else:
            graph.zoom(0)

    async def _visit(self, place: Place) -> None:
        self.history.visit(place)
        await self._show()

    def _frame(self) -> int:
        """Return the frame under the cursor, or -1."""
        graph = self._graph()
        if graph is not None:
            return graph.boxes.frame[graph.focused]
        row = self.query_one(FunctionTable).row
        return -1 if row is None else self.profile.frames.index(row.frame)

    # ---- search ------------------------------------------------------------------------------

    def action_search(self) -> None:
        query = self.query_one("#query", Input)
        query.add_class("open")
        query.focus()

    @on(Input.Changed, "#query")
    async def searched(self, event: Input.Changed) -> None:
        found = ""
        try:
            self.matched = match_frames(self.profile.frames, event.value)
        except BadPattern as error:
            self.matched = [False] * len(self.profile.frames)
            found = f"no regular expression yet: {error}"
        if self.matched is not None and not found:
            lane = self.history.current.lane
            # The weight under what matches is the same in every view of a lane.
            scene = await self.scenes.scene(lane, MERGED)
            weight, _ = matched_weight(scene.layout, self.matched)
            hits = {frame for frame in scene.counts if frame >= 0 and self.matched[frame]}
            found = f"{counted(len(hits), 'function')}: {self.scenes.words(lane).share(weight)}"
        self.query_one("#found", Static).update(Text(found))
        self._show_matches()

    def _show_matches(self) -> None:
        for graph in self.query(FlameGraph):
            graph.matched = self.matched
            graph.refresh()
        if self.history.current.view == TABLE:
            self._fill_table()

    @on(Input.Submitted, "#query")
    async def submitted(self) -> None:
        await self._end_search(clear=False)
        self.action_next_match(1)

    async def _end_search(self, *, clear: bool) -> None:
        query = self.query_one("#query", Input)
        if clear:
            query.value = ""
        if not query.value:
            query.remove_class("open")
        graph = self._graph()
        (graph or self.query_one(FunctionTable)).focus()

    def action_next_match(self, step: int) -> None:
        graph = self._graph()
        if graph is None or self.matched is None:
            return
        box = next_match(graph.boxes, self.matched, graph.focused, step)
        graph.focus_box(box)

    # ---- the rest ----------------------------------------------------------------------------

    def action_flame(self) -> None:
        graph = self.query_one("#graph", FlameGraph)
        graph.set_flame(not graph.flame)

    def action_copy(self) -> None:
        graph = self._graph()
        if graph is None or not graph.focused:
            self._tell("Go to a function first: its stack is copied then.")
            return
        words = self.scenes.words(self.history.current.lane)
        self.copy_to_clipboard(words.stack(graph.boxes, graph.focused))
        self._tell("The stack was sent to the clipboard (if the terminal allows it).")

    def action_about(self) -> None:
        facts = [(printable(label), printable(text)) for label, text in self.profile.facts.items()]
        self.push_screen(Pairs(printable(self.profile.title), facts))

    def action_help(self) -> None:
        self.push_screen(help_dialog())

    def action_theme(self) -> None:
        self.dark = not self.dark
        self.theme = theme_name(dark=self.dark, sixteen=self.sixteen)
        self.inks = self._inks()
        for graph in self.query(FlameGraph):
            graph.inks = self.inks
            graph.refresh()
