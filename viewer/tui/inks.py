"""The styles in which boxes are drawn: what a module's colours become in each state of a box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style

from profiler.capture import Frame
from viewer.modules import classify
from viewer.tui.palette import ModuleColours, module_colours, sixteen_colours


@dataclass(frozen=True, slots=True)
class Ground:
    """What is behind the boxes, and the ink of what is no function; rich's names of colours."""

    background: str
    ink: str
    soft: str
    lane: str
    thin: str


# The page's own (viewer/page/style.css), and a terminal's.
DARK = Ground("#12151b", "#e7eaf0", "#9aa3b2", "#2b303a", "#6b7484")
LIGHT = Ground("#fbfbfc", "#1c2027", "#5c6470", "#e2e5ea", "#9098a4")
SIXTEEN_DARK = Ground("black", "bright_white", "white", "bright_black", "white")
SIXTEEN_LIGHT = Ground("bright_white", "black", "bright_black", "white", "bright_black")


class Inks:
    """Styles by frame and state, each made once."""

    def __init__(self, frames: Sequence[Frame], *, dark: bool, sixteen: bool) -> None:
        modules: dict[tuple[str, str], int] = {}
        self._module = [modules.setdefault(classify(frame.file), len(modules)) for frame in frames]
        colours = (sixteen_colours if sixteen else module_colours)(list(modules), dark=dark)
        self._colours: Sequence[ModuleColours] = colours
        self.ground = _GROUNDS[sixteen, dark]
        self.box = lru_cache(maxsize=65536)(self._box)

    def _box(self, frame: int, faded: bool, focused: bool, hovered: bool, matched: bool) -> Style:
        """Return the style of a box; -1 is the lane itself."""
        if frame < 0:
            text, fill = self.ground.ink, self.ground.lane
        else:
            colours = self._colours[self._module[frame]]
            text, fill = colours.text, colours.fills[frame % len(colours.fills)]
            if faded:
                text, fill = colours.faded_text, colours.faded
        if focused:
            # Seen in any number of colours: the ground and its ink, turned round.
            return Style(color=self.ground.background, bgcolor=self.ground.ink, bold=True, underline=matched)
        return Style(color=text, bgcolor=fill, underline=hovered or matched, bold=matched)

    def edge(self, style: Style) -> Style:
        """Return the style of the line between two boxes."""
        return Style(color=self.ground.background, bgcolor=style.bgcolor)

    def thin(self, frame: int, focused: bool, matched: bool) -> Style:
        """Return the style of a column with boxes that are thinner than it."""
        if focused:
            return Style(color=self.ground.background, bgcolor=self.ground.ink, bold=True)
        colours = self._colours[self._module[frame]]
        return Style(color=colours.fills[0] if matched else self.ground.thin, bgcolor=self.ground.background)

    @property
    def nothing(self) -> Style:
        """The style where there is no box."""
        return Style(bgcolor=self.ground.background)


_GROUNDS = {
    (False, True): DARK,
    (False, False): LIGHT,
    (True, True): SIXTEEN_DARK,
    (True, False): SIXTEEN_LIGHT,
}
