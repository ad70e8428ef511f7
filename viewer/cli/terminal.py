"""What a person sees: aligned tables, quiet colours, notes on stderr and progress that waits a second.

A line is a list of spans, (text, style), so that the same lines serve a terminal, a pipe and a test.
Without a terminal there are no colours, nothing is cut, and rich is not even imported.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic as monotonic_s
from typing import TYPE_CHECKING, TextIO, TypeVar

from viewer.units import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

Span = tuple[str, str]
Line = list[Span]
T = TypeVar("T")

_GAP = "  "
_NARROWEST = 12
_SHOW_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. An `elastic` one is cut with an ellipsis where a terminal is too narrow.

    `marks` gives certain cells a style of their own.
    """

    title: str
    right: bool = False
    style: str = ""
    elastic: bool = False
    marks: Mapping[str, str] = field(default_factory=dict)


def write(lines: Iterable[Line]) -> None:
    """Write lines to stdout: in colour on a terminal, plain and whole anywhere else."""
    if not sys.stdout.isatty():
        for line in lines:
            sys.stdout.write("".join(text for text, _ in line).rstrip() + "\n")
        return
    from rich.text import Text

    console = _console(sys.stdout)
    for line in lines:
        # Text, not a string: names are data, and rich would read "[red]" in one as an order.
        text = Text.assemble(*[(part, style) for part, style in line if part])
        console.print(text, soft_wrap=True, highlight=False)


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str | Span]], *, width: int | None = None
) -> Iterator[Line]:
    """Yield the lines of a table; `width` defaults to the terminal's, or to none without one.

    A cell is a text, or a span where its style is not that of its column.
    """
    cells = [[_cell(*pair) for pair in zip(row, columns, strict=True)] for row in rows]
    widths = [
        max([cell_width(column.title), *(cell_width(row[index][0]) for row in cells)])
        for index, column in enumerate(columns)
    ]
    _shrink(widths, columns, terminal_width() if width is None else width)
    yield _row([(column.title, "bold") for column in columns], columns, widths)
    for row in cells:
        yield _row(row, columns, widths)


def pairs(facts: Iterable[tuple[str, str]]) -> Iterator[Line]:
    """Yield one line for each label and text, the texts aligned."""
    shown = [(printable(label), printable(text)) for label, text in facts]
    width = max((cell_width(label) for label, _ in shown), default=0)
    for label, text in shown:
        yield [(label + " " * (width - cell_width(label)), "dim"), (_GAP + text, "")]


def heading(text: str) -> Line:
    return [(printable(text), "bold")]


def safe(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts of which none can move a cursor."""
    return (printable(text) for text in texts)


def say(text: str) -> None:
    """Write one note to stderr."""
    print(f"viewer: {printable(text)}", file=sys.stderr)


def terminal_width() -> int | None:
    """Return the columns of the terminal on stdout, or None where there is none."""
    return _console(sys.stdout).width if sys.stdout.isatty() else None


def watched(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield the items, with a progress bar on stderr once they have taken more than a second."""
    if not sys.stderr.isatty():
        yield from items
        return
    started_s = monotonic_s()
    progress: Progress | None = None
    try:
        for number, item in enumerate(items):
            if progress is None and monotonic_s() - started_s > _SHOW_AFTER_S:
                progress = _progress()
                task = progress.add_task(label, total=total, completed=number)
                progress.start()
            yield item
            if progress is not None:
                progress.advance(task)
    finally:
        if progress is not None:
            progress.stop()


def cell_width(text: str) -> int:
    """Return how many terminal columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cell(cell: str | Span, column: Column) -> Span:
    if isinstance(cell, str):
        return printable(cell), column.marks.get(printable(cell), column.style)
    return printable(cell[0]), cell[1]


def _shrink(widths: list[int], columns: Sequence[Column], width: int | None) -> None:
    """Take from the widest elastic column until the row fits, or nothing more can be taken."""
    if width is None:
        return
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    elastic = [index for index, column in enumerate(columns) if column.elastic]
    while excess > 0:
        widest = max(elastic, key=lambda index: widths[index], default=None)
        if widest is None or widths[widest] <= _NARROWEST:
            return
        widths[widest] -= 1
        excess -= 1


def _row(cells: Sequence[Span], columns: Sequence[Column], widths: Sequence[int]) -> Line:
    line: Line = []
    for index, (text, style) in enumerate(cells):
        shown = _cut(text, widths[index])
        padding = " " * (widths[index] - cell_width(shown))
        gap = _GAP if index else ""
        if columns[index].right:
            line += [(gap + padding, ""), (shown, style)]
        elif index == len(cells) - 1:
            line += [(gap, ""), (shown, style)]
        else:
            line += [(gap, ""), (shown, style), (padding, "")]
    return line


def _cut(text: str, width: int) -> str:
    if cell_width(text) <= width:
        return text
    kept = 0
    for index, char in enumerate(text):
        kept += _char_width(char)
        if kept >= width:
            return text[:index] + "…"
    return text


def _console(file: TextIO) -> Console:
    from rich.console import Console

    return Console(file=file)


def _progress() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_console(sys.stderr),
        transient=True,
    )
