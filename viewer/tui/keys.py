"""Every key and what it does: the bindings, the help and the documentation are made of this one list."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """Keys as textual names them, as people read them, their action, and what they do.

    `hint` is shorter and stands in the bottom line; keys without one are in the help only. Where the action
    is empty, the flame graph itself listens to them.
    """

    names: str
    shown: str
    action: str
    text: str
    hint: str = ""


KEYS = (
    Key("", "← → ↑ ↓", "", "move between functions"),
    Key("", "Enter", "", "zoom into a function; in the table, see its callers and callees", "zoom"),
    Key("backspace", "Backspace", "back", "go back where you were: zoom, view and thread", "back"),
    Key("backslash", "\\", "forward", "and forward again"),
    Key("escape", "Esc", "away", "zoom out to all, then clear the search"),
    Key("slash", "/", "search", 'search: text, "function", module:name or /regular expression/', "search"),
    Key("n", "n", "next_match(1)", "next match"),
    Key("p", "p", "next_match(-1)", "previous match"),
    Key("t", "t", "view('order')", "time order"),
    Key("m", "m", "view('merged')", "merged: equal stacks added up"),
    Key("i", "i", "view('inverted')", "inverted: from the leaves up"),
    Key("s", "s", "around", "callers and callees of the function; Tab goes from one to the other"),
    Key("b", "b", "view('table')", "table of all functions; o sorts by the next column"),
    Key("o", "o", "sort", ""),
    Key("l", "l", "choose_lane", "choose a thread, or memory", "threads"),
    Key("right_square_bracket", "]", "lane(1)", "next thread"),
    Key("left_square_bracket", "[", "lane(-1)", "previous thread"),
    Key("", "+ -", "", "magnify, as the wheel does with Ctrl"),
    Key("", ", .", "", "move left and right, as the wheel does with Shift"),
    Key("f", "f", "flame", "icicle or flame"),
    Key("c", "c", "copy", "copy the stack of the function"),
    Key("a", "a", "about", "about the capture"),
    Key("d", "d", "theme", "light or dark"),
    Key("question_mark", "?", "help", "this help", "help"),
    Key("q", "q", "quit", "quit", "quit"),
)


def bindings() -> list[Binding]:
    """Return the application's bindings."""
    return [
        Binding(key.names, key.action, key.hint, show=bool(key.hint), key_display=key.shown)
        for key in KEYS
        if key.action
    ]
