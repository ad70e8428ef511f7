"""What is laid over the picture: the keys, the facts of the capture, the choice of a thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from viewer.tui.keys import KEYS


class Pairs(ModalScreen[None]):
    """A table of labels and texts; any of the usual keys closes it."""

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS = [("escape,enter,q,question_mark,a", "dismiss(None)", "close")]  # noqa: RUF012

    def __init__(self, title: str, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._pairs = list(pairs)

    def compose(self) -> ComposeResult:
        width = max((len(label) for label, _ in self._pairs), default=0)
        with VerticalScroll(classes="dialog"):
            yield Static(Text(self._title, "bold"))
            for label, text in self._pairs:
                line = Text.assemble((f"{label:<{width}}", "bold"), "  ", text)
                yield Static(line, classes="pair")

    def on_click(self) -> None:
        self.dismiss(None)


def help_dialog() -> Pairs:
    """Return the overlay with all keys."""
    keys = [(key.shown, key.text) for key in KEYS if key.text]
    mouse = [
        ("click", "zoom; with the right button, back"),
        ("wheel", "scroll; with Ctrl magnify, with Shift move"),
    ]
    return Pairs("Keys", keys + mouse)


class Chooser(ModalScreen[int | None]):
    """One of several texts, by its index; None where it was left."""

    AUTO_FOCUS = "OptionList"
    BINDINGS = [("escape,q,l", "dismiss(None)", "close")]  # noqa: RUF012

    def __init__(self, texts: Sequence[str], chosen: int) -> None:
        super().__init__()
        self._texts = texts
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        # Text, not a string: names are data, and textual would read "[red]" in one as an order.
        options = OptionList(*(Option(Text(text)) for text in self._texts), classes="dialog")
        options.highlighted = self._chosen
        yield options

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)
