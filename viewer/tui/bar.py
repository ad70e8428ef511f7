"""The line that says which view of which thread is shown; a click on either changes it."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from viewer.profile import Lane
from viewer.tui.views import ORDER, VIEWS


class _Tab(Static):
    def __init__(self, view: str) -> None:
        super().__init__(Text(VIEWS[view]), id=f"tab-{view}")
        self.view = view

    def on_click(self) -> None:
        self.post_message(Bar.ViewChosen(self.view))


class _LaneName(Static):
    def on_click(self) -> None:
        self.post_message(Bar.LaneWanted())


class Bar(Horizontal):
    """The names of the views, and that of the lane."""

    class ViewChosen(Message):
        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    class LaneWanted(Message):
        """Somebody wants to choose another lane."""

    def compose(self) -> ComposeResult:
        for view in VIEWS:
            yield _Tab(view)
        yield _LaneName(id="lane")

    def show(self, view: str, lane: Lane, label: str) -> None:
        """Mark the view, and dim what this lane does not have."""
        for tab in self.query(_Tab):
            tab.set_class(tab.view == view, "chosen")
            tab.set_class(tab.view == ORDER and not lane.ordered, "absent")
        self.query_one("#lane", Static).update(Text(label))
