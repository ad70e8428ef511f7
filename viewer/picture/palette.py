"""The colours of modules and the inks of the page (palette.js, style.css), for pictures without it.

The page's own are the model; a test in Chromium holds these against them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from viewer.modules import NATIVE, OWN, PACKAGE, STDLIB

# (hue, more lightness) in OKLCH: yellow wants more light than red.
_HUES: dict[str, list[tuple[float, float]]] = {
    OWN: [(58, 0), (84, 0.05), (40, -0.03), (96, 0.09), (28, 0.02)],
    PACKAGE: [(252, 0), (300, 0.055), (212, 0.07), (335, -0.02), (272, -0.055), (190, 0.015)],
    STDLIB: [(155, 0), (200, 0.02), (125, 0.01), (240, -0.01), (175, -0.035), (222, 0.04)],
    NATIVE: [(0, 0)],
}
# (lightness, chroma) of each group.
_LIGHT = {OWN: (0.79, 0.115), PACKAGE: (0.75, 0.09), STDLIB: (0.88, 0.036), NATIVE: (0.87, 0.004)}
_DARK = {OWN: (0.74, 0.115), PACKAGE: (0.67, 0.09), STDLIB: (0.43, 0.04), NATIVE: (0.4, 0.006)}
_SHADES = (0, 0.02, -0.02)

# name → (light, dark)
INKS = {
    "page": ("#fbfbfc", "#12151b"),
    "panel": ("#ffffff", "#171a21"),
    "ink": ("#1c2027", "#e7eaf0"),
    "soft": ("#5c6470", "#9aa3b2"),
    "line": ("#e2e5ea", "#2b303a"),
    "tiny": ("#c3c8d0", "#434a57"),
    "badge": ("#f8dfb8", "#5b431f"),
}

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Colours:
    """One module's colours: three shades, so that neighbours can be told apart, and the text on them."""

    fills: tuple[str, str, str]
    text: str


def module_colours(modules: Sequence[tuple[str, str]], dark: bool) -> list[Colours]:
    """Return the colours of (category, name) pairs. A name keeps its hue from picture to picture."""
    places = _hue_places(modules)
    colours = []
    for (category, _), place in zip(modules, places, strict=True):
        lightness, chroma = (_DARK if dark else _LIGHT)[category]
        hues = _HUES[category]
        hue, more = hues[place % len(hues)]
        # Beyond the hues of a group, the same come again a little lighter.
        lightness += more + 0.03 * (place // len(hues) % 3)
        first, second, third = (_css(_rgb(lightness + step, chroma, hue)) for step in _SHADES)
        text = "#0d0f13" if _luminance(_rgb(lightness, chroma, hue)) > 0.18 else "#ffffff"
        colours.append(Colours((first, second, third), text))
    return colours


def _hue_places(modules: Sequence[tuple[str, str]]) -> list[int]:
    """Return each module's place among the hues of its category: its name's, or the next that is free."""
    places = [0] * len(modules)
    taken: dict[str, set[int]] = {category: set() for category in _HUES}
    for index in sorted(range(len(modules)), key=lambda index: _utf16(modules[index][1])):
        category, name = modules[index]
        count = len(_HUES[category])
        turns = len(taken[category]) // count * count
        place = _fnv1a(name) % count + turns
        while place in taken[category]:
            place = turns + (place + 1) % count
        taken[category].add(place)
        places[index] = place
    return places


def _utf16(text: str) -> bytes:
    """Return what JavaScript compares text by."""
    return text.encode("utf-16-be", "surrogatepass")


def _fnv1a(text: str) -> int:
    """Return FNV-1a, 32 bits, over the UTF-16 units that JavaScript's strings are made of."""
    result = 0x811C9DC5
    data = _utf16(text)
    for high, low in zip(data[::2], data[1::2], strict=True):
        result = ((result ^ (high << 8 | low)) * 0x01000193) & 0xFFFFFFFF
    return result


def _css(rgb: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _rgb(lightness: float, chroma: float, hue: float) -> Rgb:
    """Return OKLCH as sRGB, clipped (B. Ottosson, "A perceptual color space for image processing")."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3  # noqa: E741 - the source's names
    m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    return (
        _gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
        _gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
        _gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
    )


def _gamma(value: float) -> int:
    encoded = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return math.floor(255 * min(1, max(0, encoded)) + 0.5)


def _luminance(rgb: Rgb) -> float:
    """Return the relative luminance, WCAG 2."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in rgb)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
