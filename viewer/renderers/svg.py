"""A profile as a static picture, SVG: the flame graphs of its lanes one below the other, in the page's style.

It holds no script and nothing from elsewhere. It is light or dark as the system is, where nothing else is
asked for; a pointer that rests on a box is told more about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from viewer.calltree import self_weights
from viewer.modules import FROZEN, NATIVE, OWN, PACKAGE, STDLIB, classify
from viewer.palette import module_colours
from viewer.picture.inks import INKS
from viewer.picture.letters import fitted, safe, width_of
from viewer.picture.panel import TEXT, Frames, Panel
from viewer.processors import hide_bootstrap
from viewer.profile import Lane, Profile
from viewer.units import counted

THEMES = ("auto", "light", "dark")
WIDTH = 1280
_MARGIN = 22
_GAP = 14
_LINE = 20
_FACT = 12.5
_MOST_LANES = 8
_MOST_MODULES = 12
_GROUPS = {
    OWN: "Own code",
    PACKAGE: "Packages",
    STDLIB: "Standard library",
    FROZEN: "<frozen>",
    NATIVE: "Native",
}
_FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; '
    "font-variant-numeric: tabular-nums"
)


def render(profile: Profile, *, ordered: bool = False, theme: str = "auto", width: int = WIDTH) -> str:
    """Return the SVG. `ordered` draws lanes in time order where they have one; `theme` is one of THEMES."""
    profile = hide_bootstrap(profile)
    lanes = [lane for lane in profile.lanes if lane.total]
    panels = [Panel.of(profile, lane, ordered=ordered) for lane in lanes[:_MOST_LANES]]
    modules = _Modules(profile)
    inner = width - 2 * _MARGIN
    parts = [_title(profile, inner)]
    y = 46.0
    for line in _flowed(_facts(profile), inner):
        parts.append(_flow(line, y))
        y += _LINE
    y += _GAP / 2
    if not panels:
        parts.append(f'<text class="soft" x="{_MARGIN}" y="{y + 14:g}">No samples</text>')
        y += _LINE
    for panel in panels:
        parts += panel.draw(modules.frames, _MARGIN, y, inner)
        y += panel.height + _GAP
    if len(lanes) > len(panels):
        more = f"and {counted(len(lanes) - len(panels), 'lane')} more"
        parts.append(f'<text class="soft" x="{_MARGIN}" y="{y + 4:g}">{more}</text>')
        y += _LINE
    for line in _flowed(modules.legend(lanes), inner):
        parts.append(_flow(line, y + 8))
        y += _LINE
    height = round(y + _GAP)
    return "\n".join([_head(profile, width, height, _style(modules, theme)), *parts, "</svg>", ""])


# ---- colours ---------------------------------------------------------------------------------


class _Modules:
    """The modules of a profile's frames, and the CSS classes of their colours."""

    def __init__(self, profile: Profile) -> None:
        places: dict[tuple[str, str], int] = {}
        self._of_frame = [places.setdefault(classify(frame.file), len(places)) for frame in profile.frames]
        self.modules = list(places)
        self._profile = profile
        numbered = list(enumerate(self._of_frame))
        self.frames = Frames(
            profile,
            {frame: f"m{module}{'abc'[frame % 3]}" for frame, module in numbered},
            {frame: f"t{module}" for frame, module in numbered},
        )

    def rules(self, dark: bool) -> Iterator[str]:
        for number, colours in enumerate(module_colours(self.modules, dark=dark)):
            for letter, fill in zip("abc", colours.fills, strict=True):
                yield f".m{number}{letter}{{fill:{fill}}}"
            yield f".t{number}{{fill:{colours.text}}}"

    def legend(self, lanes: Sequence[Lane]) -> list[tuple[str, str, str]]:
        """Return (class of a swatch or nothing, name, share) of groups and modules in the first lane."""
        weights: dict[int, int] = {}
        whole = lanes[0].total if lanes else 0
        table = self._profile.table
        for node, weight in enumerate(self_weights(table, lanes[:1])):
            if weight:
                module = self._of_frame[table.frames[node]]
                weights[module] = weights.get(module, 0) + weight
        largest = sorted(weights, key=lambda module: -weights[module])
        shown = set(largest[:_MOST_MODULES])
        items = []
        for category, title in _GROUPS.items():
            members = [module for module in largest if self.modules[module][0] == category]
            if members:
                items.append(("", title, _share(sum(weights[module] for module in members), whole)))
                items += [
                    (f"m{module}a", self.modules[module][1], _share(weights[module], whole))
                    for module in members
                    if module in shown
                ]
        return items


def _style(modules: _Modules, theme: str) -> str:
    light, dark = ("".join([*_inks(number), *modules.rules(bool(number))]) for number in (0, 1))
    coloured = {
        "light": light,
        "dark": dark,
        "auto": f"{light}@media (prefers-color-scheme: dark){{{dark}}}",
    }[theme]
    return (
        f"text{{font:{TEXT}px {_FONT}}}"
        ".title{font-size:18px;font-weight:650}.lane{font-size:13px;font-weight:600}"
        f".lane .soft{{font-weight:400;font-size:{_FACT}px}}.fact{{font-size:{_FACT}px}}{coloured}"
    )


def _inks(number: int) -> Iterator[str]:
    ink = {name: pair[number] for name, pair in INKS.items()}
    yield f".page{{fill:{ink['page']}}}.panel{{fill:{ink['panel']};stroke:{ink['line']}}}"
    yield f".all{{fill:{ink['line']}}}.tiny{{fill:{ink['tiny']}}}.tick{{stroke:{ink['line']}}}"
    yield f".badge{{fill:{ink['badge']}}}.title,.lane,.on,.fact{{fill:{ink['ink']}}}"
    yield f".soft,.lane .soft{{fill:{ink['soft']}}}"


# ---- text ------------------------------------------------------------------------------------


def _head(profile: Profile, width: int, height: int, style: str) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">\n'
        f'<title id="title">{safe(profile.title)}</title>\n<style>{style}</style>\n'
        f'<rect class="page" width="{width}" height="{height}"/>'
    )


def _title(profile: Profile, width: float) -> str:
    badge = "approximate" if profile.approximate else ""
    room = width - (110 if badge else 0)
    title = fitted(profile.title, room, 18)
    text = f'<text class="title" x="{_MARGIN}" y="36">{safe(title)}</text>'
    if not badge:
        return text
    x = _MARGIN + min(room, width_of(title, 18)) + 10
    return (
        f'{text}<rect class="badge" x="{x:.1f}" y="21" width="92" height="19" rx="9"/>'
        f'<text class="on" x="{x + 46:.1f}" y="35" text-anchor="middle">{badge}</text>'
    )


def _facts(profile: Profile) -> list[tuple[str, str, str]]:
    return [("", label, text) for label, text in profile.facts.items()]


def _flowed(
    items: Sequence[tuple[str, str, str]], width: float
) -> Iterator[list[tuple[float, str, str, str]]]:
    """Yield lines of (x, swatch, first, second), as many of them on a line as there is room for."""
    line: list[tuple[float, str, str, str]] = []
    x = 0.0
    for swatch, first, second in items:
        second = fitted(second, width - width_of(first, _FACT) - 40, _FACT)
        taken = (17 if swatch else 0) + width_of(f"{first} {second}", _FACT)
        if line and x + taken > width:
            yield line
            line, x = [], 0.0
        line.append((_MARGIN + x, swatch, first, second))
        x += taken + 18
    if line:
        yield line


def _flow(line: Sequence[tuple[float, str, str, str]], y: float) -> str:
    """Return one line: facts are soft label and text, modules text and soft share."""
    if not any(swatch for _, swatch, _, _ in line):
        # One text, so that gaps are even whatever the font.
        facts = (
            f'<tspan class="soft" dx="{18 if place else 0}">{safe(first)}</tspan>'
            f' <tspan class="on">{safe(second)}</tspan>'
            for place, (_, _, first, second) in enumerate(line)
        )
        return f'<text class="fact" x="{_MARGIN}" y="{y + 14:g}">{"".join(facts)}</text>'
    parts = []
    for x, swatch, first, second in line:
        left = x
        if swatch:
            parts.append(f'<rect class="{swatch}" x="{x:.1f}" y="{y + 4:g}" width="11" height="11" rx="3"/>')
            left += 17
        soft, ink = (first, second) if not swatch else (second, first)
        texts = [("soft", soft), ("on", ink)] if not swatch else [("on", ink), ("soft", soft)]
        spans = " ".join(f'<tspan class="{kind}">{safe(text)}</tspan>' for kind, text in texts)
        parts.append(f'<text class="fact" x="{left:.1f}" y="{y + 14:g}">{spans}</text>')
    return "".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
