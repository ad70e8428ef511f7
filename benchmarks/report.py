"""What both benchmarks share: their options, their conditions, their table, their statistics."""

from __future__ import annotations

import argparse
import datetime
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

QUICK_ROUNDS = 2


def options(description: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line. `--quick` gives two rounds without the slow engines."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=_positive, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--quick", action="store_true", help="two rounds, without the slowest engines")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.rounds = QUICK_ROUNDS
    return chosen


def conditions() -> str:
    """Return where and when this was measured, in one line."""
    return (
        f"CPython {platform.python_version()} · {_cpu_model()} · {platform.system()} {platform.machine()}"
        f" · {datetime.date.today().isoformat()}"
    )


def spread(values: Sequence[float], form: str) -> str:
    """Return the median, and the range where there is one."""
    if not values:
        return "–"
    median = format(statistics.median(values), form)
    if len(values) == 1:
        return median
    return f"{median} ({min(values):{form}}–{max(values):{form}})"


def print_table(
    title: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, note: str, markdown: bool
) -> None:
    """Print one table with its title above and its note below."""
    if markdown:
        print(f"**{title}**\n")
        print("| " + " | ".join(header) + " |")
        print("|---" * len(header) + "|")
        for row in rows:
            print("| " + " | ".join(row) + " |")
        print(f"\n{note}\n")
        return
    table = Table(title=title, title_justify="left", caption=note, caption_justify="left")
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left", no_wrap=not number)
    for row in rows:
        table.add_row(*row, style="bold" if row[0].startswith("ours") else None)
    # A file or a pipe has no width of its own; a table cut to 80 columns is no use there.
    Console(width=None if sys.stdout.isatty() else 170).print(table, "")


def progress(items: Sequence[int], label: str) -> Iterable[int]:
    """Go through rounds under a progress bar; none where nobody watches."""
    console = Console(stderr=True)
    return track(items, label, console=console, transient=True, disable=not console.is_terminal)


def _cpu_model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown CPU"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
