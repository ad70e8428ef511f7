"""`viewer top`: where the time went, function by function."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from profiler.capture import IMPORTS_LANE
from viewer.cli import selection, terminal
from viewer.cli.filters import NEWEST_OR_MERGED, parse_count
from viewer.cli.profiles import profile_from, time_lanes
from viewer.cli.terminal import Column, Line
from viewer.processors import FunctionTotals, function_totals, hide_bootstrap
from viewer.profile import Lane, Profile
from viewer.renderers.text import location, tree_lines
from viewer.units import weight

HELP = "table each function's self and total time"

_WEIGHTS = (
    Column("self", right=True),
    Column("self %", right=True),
    Column("total", right=True),
    Column("total %", right=True),
    Column("location", style="dim", elastic=True),
)


# Of a tracing engine, which counts them.
_CALLS = Column("calls", right=True)


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, default=NEWEST_OR_MERGED)
    lanes = parser.add_mutually_exclusive_group()
    lanes.add_argument(
        "--thread",
        metavar="NAME",
        help="the threads (or memory) whose name begins so; default: the handler's",
    )
    lanes.add_argument("--all-threads", action="store_true", help="all threads added up")
    parser.add_argument("--tree", action="store_true", help="print the call tree instead of the table")
    parser.add_argument(
        "--limit", type=parse_count, default=30, metavar="N", help="functions in the table (default 30)"
    )
    parser.add_argument("--json", action="store_true", help="the table, or the whole of it, as JSON")


def run(args: argparse.Namespace) -> int:
    selected = selection.select(args, newest=True)
    profile = hide_bootstrap(profile_from(selected))
    lanes = time_lanes(profile, args.thread, args.all_threads)
    if args.tree:
        terminal.write(tree_lines(profile, lanes))
    elif args.json:
        print(json.dumps(_record(profile, lanes), indent=1))
    else:
        terminal.write(_lines(profile, lanes, args.limit))
    return selected.exit_code()


def _lines(profile: Profile, lanes: list[Lane], limit: int) -> Iterator[Line]:
    unit, whole = lanes[0].unit, sum(lane.total for lane in lanes)
    rows = function_totals(profile, lanes)
    are_counted = any(row.calls is not None for row in rows)
    if are_counted:
        whole = max((row.total_weight for row in rows), default=whole)
    yield terminal.heading(profile.title)
    yield [(_subject(profile, lanes), "dim")]
    yield []
    subject = "module" if all(lane.name.startswith(IMPORTS_LANE) for lane in lanes) else "function"
    columns = (Column(subject, elastic=True), *([_CALLS] if are_counted else []), *_WEIGHTS)
    yield from terminal.table(columns, [_row(row, whole, unit) for row in rows[:limit]])
    if len(rows) > limit:
        yield [(f"and {len(rows) - limit:,} more (--limit)", "dim")]


def _subject(profile: Profile, lanes: list[Lane]) -> str:
    total = weight(sum(lane.total for lane in lanes), lanes[0].unit)
    names = ", ".join(dict.fromkeys(lane.name for lane in lanes))
    others = len(profile.lanes) - len(lanes)
    text = f"{names}: {total}"
    if others:
        text += f" ({others} more: --all-threads, --thread NAME)"
    return text + (", times and calls of an exact call graph" if profile.graph is not None else "")


def _row(row: FunctionTotals, whole: int, unit: str) -> list[str]:
    return [
        row.frame.name,
        *([f"{row.calls:,}"] if row.calls is not None else []),
        weight(row.self_weight, unit) if row.self_weight else "",
        f"{row.self_weight / whole:.1%}" if row.self_weight and whole else "",
        weight(row.total_weight, unit),
        f"{row.total_weight / whole:.1%}" if whole else "",
        location(row.frame),
    ]


def _record(profile: Profile, lanes: list[Lane]) -> dict[str, object]:
    return {
        "title": profile.title,
        "lanes": [lane.name for lane in lanes],
        "unit": lanes[0].unit,
        "total": sum(lane.total for lane in lanes),
        "approximate": profile.approximate,
        "functions": [
            {
                "name": row.frame.name,
                "file": row.frame.file,
                "line": row.frame.line,
                "self": row.self_weight,
                "total": row.total_weight,
                "calls": row.calls,
            }
            for row in function_totals(profile, lanes)
        ],
    }
