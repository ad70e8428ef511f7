"""The interface's own colours: the page's, or those of the terminal where it has only sixteen."""

from __future__ import annotations

from textual.theme import Theme

from viewer.tui.inks import DARK, LIGHT, Ground


def theme_name(*, dark: bool, sixteen: bool) -> str:
    """Return the name of a theme; those for sixteen colours are textual's own."""
    return f"{'ansi' if sixteen else 'page'}-{'dark' if dark else 'light'}"


def themes() -> list[Theme]:
    """Return the themes that textual does not have."""
    return [
        _theme(DARK, "#7fb0ff", "#171a21", dark=True),
        _theme(LIGHT, "#1f5fbf", "#ffffff", dark=False),
    ]


def _theme(ground: Ground, accent: str, panel: str, *, dark: bool) -> Theme:
    return Theme(
        name=theme_name(dark=dark, sixteen=False),
        primary=accent,
        accent=accent,
        foreground=ground.ink,
        background=ground.background,
        surface=panel,
        panel=ground.lane,
        dark=dark,
        variables={"footer-key-foreground": accent},
    )
