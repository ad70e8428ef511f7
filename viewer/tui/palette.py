"""A colour for every module: those of the page (`viewer/page/palette.js`), or a terminal's own sixteen.

Warm for the function's own code, cool for packages, pale for the standard library. A test draws both with the
same modules and compares them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from viewer.modules import NATIVE, OWN, PACKAGE, STDLIB

RGB = tuple[int, int, int]

# Hues, each with what it adds to its group's lightness.
_HUES: dict[str, tuple[tuple[float, float], ...]] = {
    OWN: ((58, 0), (84, 0.05), (40, -0.03), (96, 0.09), (28, 0.02)),
    PACKAGE: ((252, 0), (300, 0.055), (212, 0.07), (335, -0.02), (272, -0.055), (190, 0.015)),
    STDLIB: ((155, 0), (200, 0.02), (125, 0.01), (240, -0.01), (175, -0.035), (222, 0.04)),
    NATIVE: ((0, 0),),
}
_LIGHT = {OWN: (0.79, 0.115), PACKAGE: (0.75, 0.09), STDLIB: (0.88, 0.036), NATIVE: (0.87, 0.004)}
_DARK = {OWN: (0.74, 0.115), PACKAGE: (0.67, 0.09), STDLIB: (0.43, 0.04), NATIVE: (0.4, 0.006)}
_SHADES = (0, 0.02, -0.02)
_FADED_SHARE = 0.26
# Where the terminal sets the colours, a group takes some of them.
_SIXTEEN = {
    OWN: ("yellow", "bright_yellow", "bright_red"),
    PACKAGE: ("bright_blue", "bright_cyan", "bright_magenta", "cyan"),
    STDLIB: ("green", "bright_green"),
    NATIVE: ("white",),
}


@dataclass(frozen=True, slots=True)
class ModuleColours:
    """Colours as rich names them; `fills` are shades by which neighbours of one module are told apart."""

    fills: tuple[str, ...]
    text: str
    faded: str
    faded_text: str


def module_colours(modules: Sequence[tuple[str, str]], *, dark: bool) -> list[ModuleColours]:
    """Return the colours of each (category, name), the same as the page's."""
    result = []
    for (category, _), place in zip(modules, hue_places(modules), strict=True):
        lightness, chroma = (_DARK if dark else _LIGHT)[category]
        hues = _HUES[category]
        hue, more = hues[place % len(hues)]
        # Beyond the hues of a group, the same come again a little lighter.
        lightness += more + 0.03 * (place // len(hues) % 3)
        result.append(_colours(lightness, chroma, hue, dark))
    return result


def sixteen_colours(modules: Sequence[tuple[str, str]], *, dark: bool) -> list[ModuleColours]:
    """Return the colours of each (category, name) for a terminal that has sixteen."""
    faded, faded_text = ("black", "white") if dark else ("white", "bright_black")
    result = []
    for (category, _), place in zip(modules, hue_places(modules), strict=True):
        names = _SIXTEEN[category]
        result.append(ModuleColours((names[place % len(names)],), "black", faded, faded_text))
    return result


def hue_places(modules: Sequence[tuple[str, str]]) -> list[int]:
    """Return each module's place among its category's hues: its name's own, or the next that is free."""
    places = [0] * len(modules)
    taken: dict[str, set[int]] = {category: set() for category in _HUES}
    for index in sorted(range(len(modules)), key=lambda index: _utf16(modules[index][1], "be")):
        category, name = modules[index]
        count = len(_HUES[category])
        turn = len(taken[category]) // count * count
        place = turn + _hash_of(name) % count
        while place in taken[category]:
            place = turn + (place + 1) % count
        taken[category].add(place)
        places[index] = place
    return places


def _hash_of(text: str) -> int:
    """FNV-1a over UTF-16 code units, 32 bits."""
    units = _utf16(text, "le")
    value = 0x811C9DC5
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (value ^ (low | high << 8)) * 0x01000193 & 0xFFFFFFFF
    return value


def _utf16(text: str, order: str) -> bytes:
    return text.encode(f"utf-16-{order}", "surrogatepass")


def _colours(lightness: float, chroma: float, hue: float, dark: bool) -> ModuleColours:
    fill = _oklch_to_rgb(lightness, chroma, hue)
    background = (23, 26, 33) if dark else (255, 255, 255)
    faded = [
        _round(part * _FADED_SHARE + behind * (1 - _FADED_SHARE))
        for part, behind in zip(fill, background, strict=True)
    ]
    return ModuleColours(
        tuple(_hex(_oklch_to_rgb(lightness + step, chroma, hue)) for step in _SHADES),
        "#0d0f13" if _luminance(fill) > 0.18 else "#ffffff",
        _hex(faded),
        "#b3bbc9" if dark else "#565e69",
    )


def _hex(rgb: Sequence[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)


def _oklch_to_rgb(lightness: float, chroma: float, hue: float) -> RGB:
    """OKLCH to sRGB, clipped (B. Ottosson, "A perceptual color space for image processing")."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3  # noqa: E741 - as in the source
    m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    red, green, blue = (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
    )
    return _encoded(red), _encoded(green), _encoded(blue)


def _encoded(value: float) -> int:
    gamma = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return _round(255 * min(1.0, max(0.0, gamma)))


def _luminance(rgb: RGB) -> float:
    """Relative luminance, WCAG 2."""
    parts = [part / 255 for part in rgb]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _round(value: float) -> int:
    return math.floor(value + 0.5)  # as JavaScript rounds
