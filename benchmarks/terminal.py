"""What the flame graph in a terminal waits for: making each view, a search, and drawing one screen.

Random profiles of so many distinct stacks, as many runs in time order, 400 functions. A screen has 200
columns and 50 rows; it is drawn as a whole, and zoomed into a tenth of the time.

    python benchmarks/terminal.py [--rounds N] [--quick] [--markdown]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import conditions, options, print_table, spread
from tests.page.sample import random_profile
from viewer.layout import Layout, matched_weight
from viewer.profile import Profile
from viewer.tui.drawing import Row
from viewer.tui.inks import Inks
from viewer.tui.pieces import pieces
from viewer.tui.search import match_frames
from viewer.tui.views import in_time_order, inverted, merged
from viewer.tui.window import Window

COLUMNS, ROWS = 200, 50
SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = SIZES[:2]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    chosen = options(__doc__ or "", arguments)
    print_table(
        "Waiting times of the view in a terminal, ms",
        ("stacks", "time order", "merged", "inverted", "search", "screen", "zoomed screen"),
        [_row(size, chosen.rounds) for size in (QUICK_SIZES if chosen.quick else SIZES)],
        note=f"medians of {chosen.rounds} rounds · {conditions()}",
        markdown=chosen.markdown,
    )


def _row(size: int, rounds: int) -> list[str]:
    profile = random_profile(size)
    [lane] = profile.lanes
    ordered, whole = in_time_order(profile, lane), merged(profile, lane)
    inks = Inks(profile.frames, dark=True, sixteen=False)
    tenth = Window(ordered.total[0] * 0.4, ordered.total[0] * 0.5)
    steps: tuple[Callable[[], object], ...] = (
        lambda: in_time_order(profile, lane),
        lambda: merged(profile, lane),
        lambda: inverted(profile, lane),
        lambda: matched_weight(whole, match_frames(profile.frames, "/function_1.7/") or ()),
        lambda: draw(profile, ordered, inks, Window(0, ordered.total[0])),
        lambda: draw(profile, ordered, inks, tenth),
    )
    return [f"{size:,}", *(spread([_took_ms(step) for _ in range(rounds)], ",.1f") for step in steps)]


def draw(profile: Profile, layout: Layout, inks: Inks, window: Window) -> int:
    """Draw the first rows of a layout; return how many parts they have."""
    names = [frame.name for frame in profile.frames]
    parts = 0
    for depth in range(min(ROWS, len(layout.rows))):
        row = Row(layout, depth, names, "all", inks, None, 0, -1, -1)
        parts += len(list(row.segments(pieces(layout, depth, window, COLUMNS), COLUMNS)))
    return parts


def _took_ms(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    main()
