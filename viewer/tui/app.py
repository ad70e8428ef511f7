"""The flame graph of a profile in a terminal: what each key does."""

from __future__ import annotations

from rich.text import Text
from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import DataTable, Footer, Input, Static

from viewer.profile import Profile
from viewer.tui.bar import Bar
from viewer.tui.dialogs import Chooser, Pairs, help_dialog
from viewer.tui.graph import FlameGraph
from viewer.tui.history import History
from viewer.tui.inks import Inks
from viewer.tui.keys import bindings
from viewer.tui.layout import next_match
from viewer.tui.places import Place, Scenes
from viewer.tui.search import BadPattern, Matches, match_frames
from viewer.tui.stage import Stage
from viewer.tui.themes import theme_name, themes
from viewer.tui.views import FUNCTION, MERGED, ORDER, TABLE
from viewer.units import printable

_FEW_COLOURS = ("standard", "windows")


class FlameApp(App[None]):
    """A profile on the screen. `sixteen`: whether the terminal has only so many colours; None asks it."""

    TITLE = "Flame graph"
    CSS_PATH = "app.tcss"
    AUTO_FOCUS = None  # else the search, which is not even seen, would take the first keys
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS = [*bindings(), Binding("ctrl+c", "quit", show=False, priority=True)]  # noqa: RUF012

    def __init__(self, profile: Profile, lane: int = 0, *, sixteen: bool | None = None) -> None:
        super().__init__()
        self.sixteen = self.console.color_system in _FEW_COLOURS if sixteen is None else sixteen
        self.ansi_color = self.sixteen
        self.profile = profile
        self.matches: Matches = None
        self.dark = True
        self.scenes = Scenes(profile)
        self.stage = Stage(profile, self.scenes, self._inks())
        self.history = History(Place(lane, ORDER if profile.lanes[lane].ordered else MERGED))

    def compose(self) -> ComposeResult:
        with Horizontal(id="heading"):
            yield Static(self._title(), id="title")
            yield Static(id="found")
        yield Bar()
        yield self.stage
        yield Input(placeholder='text, "function", module:name or /regular expression/', id="query")
        yield Footer(show_command_palette=False)

    async def on_mount(self) -> None:
        for theme in themes():
            self.register_theme(theme)
        self.theme = theme_name(dark=self.dark, sixteen=self.sixteen)
        await self._show()

    # ---- where we are ------------------------------------------------------------------------

    async def _visit(self, place: Place) -> None:
        self.history.visit(place)
        await self._show()

    async def _show(self) -> None:
        place = self.history.current
        self.query_one(Bar).show(
            place.view, self.profile.lanes[place.lane], self.scenes.words(place.lane).lane
        )
        await self.stage.show(place)
        await self._tell_matches()

    @on(FlameGraph.Zoomed)
    async def zoomed(self, event: FlameGraph.Zoomed) -> None:
        place = self.history.current._replace(pane=event.graph.id or "", box=event.box, window=event.window)
        if event.magnified:
            self.history.replace(place)
        else:
            self.history.visit(place)
            event.graph.look(event.box, event.window)
        self.stage.show_ruler()

    async def action_back(self) -> None:
        if self.history.back():
            await self._show()

    async def action_forward(self) -> None:
        if self.history.forward():
            await self._show()

    async def action_away(self) -> None:
        """Zoom out to all; where that is so, clear the search."""
        graph = self.stage.graph
        if self.query_one("#query").has_focus or graph is None or graph.is_whole:
            self._end_search(clear=True)
        else:
            graph.zoom(0)

    async def on_click(self, event: events.Click) -> None:
        if event.button == 3:
            await self.action_back()

    # ---- views and threads -------------------------------------------------------------------

    @on(Bar.ViewChosen)
    async def view_chosen(self, event: Bar.ViewChosen) -> None:
        await (self.action_around() if event.view == FUNCTION else self.action_view(event.view))

    async def action_view(self, view: str) -> None:
        lane = self.history.current.lane
        if view == ORDER and not self.profile.lanes[lane].ordered:
            self._tell("There is no order in time here: it is merged, or memory.")
        else:
            await self._visit(Place(lane, view))

    @on(DataTable.RowSelected)
    async def action_around(self) -> None:
        """Show the callers and callees of what the cursor is on."""
        if self.stage.frame < 0:
            self._tell("Go to a function first: its callers and callees are shown then.")
        else:
            await self._visit(Place(self.history.current.lane, FUNCTION, self.stage.frame))

    def action_sort(self) -> None:
        if self.history.current.view == TABLE:
            self.stage.table.next_order()
            self.stage.fill_table()

    async def action_lane(self, step: int) -> None:
        await self._go_to_lane((self.history.current.lane + step) % len(self.profile.lanes))

    @on(Bar.LaneWanted)
    def action_choose_lane(self) -> None:
        async def chosen(lane: int | None) -> None:
            if lane is not None:
                await self._go_to_lane(lane)

        texts = [self.scenes.words(lane).lane for lane in range(len(self.profile.lanes))]
        self.push_screen(Chooser(texts, self.history.current.lane), chosen)

    async def _go_to_lane(self, lane: int) -> None:
        place = self.history.current
        absent = place.view == FUNCTION or (place.view == ORDER and not self.profile.lanes[lane].ordered)
        if lane != place.lane:
            await self._visit(Place(lane, MERGED if absent else place.view))

    # ---- search ------------------------------------------------------------------------------

    def action_search(self) -> None:
        query = self.query_one("#query", Input)
        query.add_class("open")
        query.focus()

    @on(Input.Changed, "#query")
    async def searched(self, event: Input.Changed) -> None:
        try:
            self.matches = match_frames(self.profile.frames, event.value)
        except BadPattern as error:
            self.matches = [False] * len(self.profile.frames)
            self._found(f"no regular expression yet: {error}")
        else:
            await self._tell_matches()
        self.stage.show_matches(self.matches)

    async def _tell_matches(self) -> None:
        lane = self.history.current.lane
        self._found(await self.scenes.found(lane, self.matches) if self.matches is not None else "")

    @on(Input.Submitted, "#query")
    def submitted(self) -> None:
        self._end_search(clear=False)
        self.action_next_match(1)

    def _end_search(self, *, clear: bool) -> None:
        query = self.query_one("#query", Input)
        if clear:
            query.value = ""
        query.set_class(bool(query.value), "open")
        self.stage.take_focus()

    def action_next_match(self, step: int) -> None:
        graph = self.stage.graph
        if graph is not None and self.matches is not None:
            graph.focus_box(next_match(graph.boxes, self.matches, graph.focused, step))

    def _found(self, text: str) -> None:
        self.query_one("#found", Static).update(Text(text))

    # ---- the rest ----------------------------------------------------------------------------

    def action_flame(self) -> None:
        graph = self.query_one("#graph", FlameGraph)
        graph.set_flame(not graph.flame)

    def action_copy(self) -> None:
        graph = self.stage.graph
        if graph is None or not graph.focused:
            self._tell("Go to a function first: its stack is copied then.")
            return
        words = self.scenes.words(self.history.current.lane)
        self.copy_to_clipboard(words.stack(graph.boxes, graph.focused))
        self._tell("The stack was sent to the clipboard, if the terminal allows it.")

    def action_about(self) -> None:
        facts = [(printable(label), printable(text)) for label, text in self.profile.facts.items()]
        self.push_screen(Pairs(printable(self.profile.title), facts))

    def action_help(self) -> None:
        self.push_screen(help_dialog())

    def action_theme(self) -> None:
        self.dark = not self.dark
        self.theme = theme_name(dark=self.dark, sixteen=self.sixteen)
        self.stage.repaint(self._inks())

    def _inks(self) -> Inks:
        return Inks(self.profile.frames, dark=self.dark, sixteen=self.sixteen)

    def _title(self) -> Text:
        about = " · approximate: stacks guessed from a call graph" if self.profile.approximate else ""
        return Text(printable(self.profile.title) + about)

    def _tell(self, text: str) -> None:
        self.notify(text, markup=False, timeout=4)
