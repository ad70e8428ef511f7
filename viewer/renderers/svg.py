"""Draw a merged flame graph as one still picture: for a ticket, a README, a slide.

Every box has its name and numbers as a tool tip; there is no script. What is thinner than a third of a pixel
is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from html import escape

from viewer.calltree import CallTreeNode, call_tree
from viewer.modules import FROZEN, NATIVE, OWN, PACKAGE, STDLIB, classify
from viewer.profile import Lane, Profile
from viewer.renderers.text import location
from viewer.units import printable, weight

WIDTH, ROW, MARGIN, HEAD = 1200, 20, 16, 64
_LEAST_PX = 0.35
_LETTER_PX = 6.7
_ROWS_AT_MOST = 200
# Hues of the page's groups: warm for own code, cool for packages, pale for the library.
_HUES = {OWN: (18, 62), PACKAGE: (195, 280), STDLIB: (130, 230), FROZEN: (240, 260), NATIVE: (0, 0)}
_SATURATION = {OWN: 78, PACKAGE: 48, STDLIB: 26, FROZEN: 8, NATIVE: 3}
_LIGHTNESS = {OWN: 72, PACKAGE: 76, STDLIB: 86, FROZEN: 80, NATIVE: 84}


def render(profile: Profile) -> str:
    """Return the picture of the first lane, roots at the top."""
    if not profile.lanes:
        return _picture(profile.title, "nothing was sampled", HEAD, "")
    lane = profile.lanes[0]
    boxes = list(_boxes(profile, lane))
    depth = max((row for _, _, _, row in boxes), default=0)
    drawn = "".join(_box(node, x, width, row, lane) for node, x, width, row in boxes)
    about = f"{lane.name} · {weight(lane.total, lane.unit)}"
    return _picture(profile.title, about, HEAD + (depth + 1) * ROW + MARGIN, drawn)


def _boxes(profile: Profile, lane: Lane) -> Iterator[tuple[CallTreeNode, float, float, int]]:
    """Yield (node, x, width, row), in pixels."""
    root = call_tree(profile, [lane])
    scale = (WIDTH - 2 * MARGIN) / root.total_weight if root.total_weight else 0.0
    waiting: list[tuple[CallTreeNode, float, int]] = [(root, MARGIN, -1)]
    while waiting:
        node, x, row = waiting.pop()
        width = node.total_weight * scale
        if width < _LEAST_PX or row >= _ROWS_AT_MOST:
            continue
        if node.frame is not None:
            yield node, x, width, row
        for child in node.children:
            waiting.append((child, x, row + 1))
            x += child.total_weight * scale


def _box(node: CallTreeNode, x: float, width: float, row: int, lane: Lane) -> str:
    assert node.frame is not None
    y = HEAD + row * ROW
    name = printable(node.frame.name)
    share = node.total_weight / max(lane.total, 1)
    tip = (
        f"{name} · total {weight(node.total_weight, lane.unit)} ({share:.1%})"
        f" · self {weight(node.self_weight, lane.unit)} · {printable(location(node.frame))}"
    )
    room = int((width - 8) / _LETTER_PX)
    label = name if len(name) <= room else f"{name[: room - 1]}…" if room > 2 else ""
    text = f'<text x="{x + 4:.1f}" y="{y + 14}">{_safe(label)}</text>' if label else ""
    return (
        f'<g><title>{_safe(tip)}</title><rect x="{x:.2f}" y="{y}" width="{max(width - 0.7, 0.3):.2f}" '
        f'height="{ROW - 1}" rx="1.5" fill="{_colour(node.frame.file)}"/>{text}</g>'
    )


def _colour(file: str) -> str:
    category, module = classify(file)
    first, last = _HUES[category]
    share = hashlib.blake2b(module.encode("utf-8", "replace"), digest_size=2).digest()[0] / 255
    hue = first + (last - first) * share
    return f"hsl({hue:.0f} {_SATURATION[category]}% {_LIGHTNESS[category]}%)"


def _picture(title: str, about: str, height: int, drawn: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>{_safe(printable(title))}</title>"
        "<style>text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#16191f}"
        ".title{font-size:16px;font-weight:600}.about{fill:#5c6470}</style>"
        f'<rect width="{WIDTH}" height="{height}" fill="#fbfbfc"/>'
        f'<text class="title" x="{MARGIN}" y="28">{_safe(printable(title))}</text>'
        f'<text class="about" x="{MARGIN}" y="48">{_safe(printable(about))}</text>'
        f"{drawn}</svg>\n"
    )


def _safe(text: str) -> str:
    """Return text for XML, which has no control characters and no lone surrogates."""
    return escape("".join(c if c.isprintable() or c == " " else "�" for c in text))
