"""Text in a picture: escaped, and cut to a width that can only be estimated, since fonts differ."""

from __future__ import annotations

from xml.sax.saxutils import escape

from viewer.units import printable

# Widths in ems of a wide face (DejaVu Sans, Verdana): in a narrower one text ends a little early.
_NARROW, _MIDDLE, _WIDE, _IDEOGRAPH = 0.4, 0.64, 0.98, 1.05
_NARROW_LETTERS = frozenset("ijltfrI.,:;|!()[]{}'`/\\ -·\"")
_WIDE_LETTERS = frozenset("mwMW@%…—")


def width_of(text: str, size: float) -> float:
    """Return about how wide a text of a font size is, in the size's unit."""
    return size * sum(map(_ems, text))


def fitted(text: str, width: float, size: float) -> str:
    """Return a text cut to a width from its end; empty where not even one letter fits."""
    if width_of(text[: int(width / size / _NARROW) + 1], size) <= width:
        return text if width_of(text, size) <= width else ""
    left = width - width_of("…", size)
    for place, letter in enumerate(text):
        left -= size * _ems(letter)
        if left < 0:
            return f"{text[:place]}…" if place else ""
    return text


def safe(text: str) -> str:
    """Return text that means nothing to XML and moves nothing on a screen."""
    return escape(printable(text), {'"': "&quot;"})


def _ems(letter: str) -> float:
    if letter in _NARROW_LETTERS:
        return _NARROW
    if letter in _WIDE_LETTERS:
        return _WIDE
    return _MIDDLE if letter < "\u1100" else _IDEOGRAPH
