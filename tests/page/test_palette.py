"""The colours of modules, as seen with the common kinds of colour blindness."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from viewer.page import source
from viewer.palette import module_colours
from viewer.picture.inks import INKS

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
SEEN_WITH = {
    "trichromacy": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.01182, 0.04294, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.3039),
    ),
}
# Ottosson's OKLab, in which 0.02 is about the least difference that is noticed.
TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
TO_LAB = (
    (0.2104542553, 0.793617785, -0.0040720468),
    (1.9779984951, -2.428592205, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.808675766),
)
MODULES = [
    {"category": kind, "name": f"{kind}{n}"} for kind in ("own", "package", "stdlib") for n in range(5)
]

Vector = tuple[float, ...]


def times(matrix: tuple[Vector, ...], vector: Vector) -> Vector:
    return tuple(sum(map(float.__mul__, map(float, row), vector)) for row in matrix)


def linear(colour: str) -> Vector:
    parts = (int(part) / 255 for part in re.findall(r"\d+", colour))
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def perceived(colour: str, seen_with: str) -> Vector:
    seen = tuple(max(0.0, part) for part in times(SEEN_WITH[seen_with], linear(colour)))
    return times(TO_LAB, tuple(part ** (1 / 3) for part in times(TO_LMS, seen)))


@pytest.mark.parametrize("seen_with", SEEN_WITH)
@pytest.mark.parametrize("dark", [False, True])
def test_groups_of_modules_can_be_told_apart(
    evaluate: Callable[..., Any], dark: bool, seen_with: str
) -> None:
    fills = evaluate("return m.moduleColours(given[0], given[1]).map(c => c.fill)", MODULES, dark)
    places = [perceived(fill, seen_with) for fill in fills]
    alike = [
        (one["name"], other["name"])
        for (one, here), (other, there) in itertools.combinations(zip(MODULES, places, strict=True), 2)
        if one["category"] != other["category"] and math.dist(here, there) < 0.02
    ]
    assert alike == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_picture_has_the_colours_of_the_page(evaluate: Callable[..., Any], dark: bool) -> None:
    modules = [
        {"category": category, "name": name}
        for category in ("own", "package", "stdlib", "frozen", "native")
        for name in ("app", "boto3", "naïve", "模块", "json", "x", "y", "z", "re", "😀")
    ]
    theirs = evaluate("return m.moduleColours(given[0], given[1])", modules, dark)
    ours = module_colours([(module["category"], module["name"]) for module in modules], dark=dark)
    for page, picture in zip(theirs, ours, strict=True):
        shades = tuple(
            "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", shade)) for shade in page["fills"]
        )
        faded = "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", page["faded"]))
        assert (shades, page["text"], faded) == (picture.fills, picture.text, picture.faded)


def test_a_picture_has_the_inks_of_the_page() -> None:
    style = source("style.css")
    for name, pair in INKS.items():
        assert f"--{name}: light-dark({', '.join(pair)});" in style
