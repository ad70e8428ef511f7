"""The view in a terminal and the page give a module the same colour."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from viewer.tui.palette import module_colours

NAMES = ("app", "prices", "orders", "tree", "main", "handler", "boto3", "価格", "a𝒳", "Z", "_x", "requests")
MODULES = [
    (category, f"{name}{n}") for category in ("own", "package", "stdlib") for n in (0, 1) for name in NAMES
]


@pytest.mark.parametrize("dark", [False, True])
def test_the_terminal_has_the_pages_colours(evaluate: Callable[..., Any], dark: bool) -> None:
    modules = [*MODULES, ("native", "native")]
    page = evaluate(
        "return m.moduleColours(given[0], given[1])",
        [{"category": category, "name": name} for category, name in modules],
        dark,
    )
    ours = module_colours(modules, dark=dark)
    assert [
        (*map(rgb, (*colours.fills, colours.text, colours.faded, colours.faded_text)),) for colours in ours
    ] == [
        (*map(rgb, (*colours["fills"], colours["text"], colours["faded"], colours["fadedText"])),)
        for colours in page
    ]


def rgb(colour: str) -> tuple[int, ...]:
    if colour.startswith("#"):
        return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return tuple(map(int, re.findall(r"\d+", colour)))
