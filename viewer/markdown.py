"""Names and words as Markdown, whatever is in them: what a report writes for a pull request."""

from __future__ import annotations

from viewer.units import printable


def code(name: str) -> str:
    """Return a name as inline code in a table's cell, whatever is in it."""
    shown = printable(name)
    # A pipe ends a cell even in code; a run of backticks needs a longer one around it.
    shown = shown.replace("|", "\\|")
    fence = "`"
    while fence in shown:
        fence += "`"
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}" if shown else ""


def text(words_of_ours: str) -> str:
    """Return text with everything escaped that Markdown or HTML would read as an order."""
    shown = printable(words_of_ours)
    for special in "\\`*_[]<>|#~&!":
        shown = shown.replace(special, f"\\{special}")
    return shown
