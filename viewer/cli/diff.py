"""`viewer diff`: what changed from one set of invocations to another, and how sure that is."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from profiler.errors import SelectionError
from viewer.cli import selection, terminal
from viewer.cli.filters import parse_count
from viewer.cli.profiles import profiles_of, refuse_to_overwrite, time_lanes, write_file
from viewer.cli.sides import Sides
from viewer.cli.terminal import Column, Line
from viewer.diff import Comparison, Side, compare, words
from viewer.diff.limits import Limit
from viewer.processors import hide_bootstrap
from viewer.profile import Lane, Profile

HELP = "compare two captures, or two sets of them, function by function"

_COLUMNS = tuple(
    Column(name, right=name not in ("function", "location"), elastic=name in ("function", "location"))
    for name in words.HEADER
)


def configure(parser: argparse.ArgumentParser) -> None:
    Sides.add_arguments(parser)
    parser.add_argument(
        "--thread", metavar="NAME", help="the threads whose name begins so (default: the handler's)"
    )
    parser.add_argument("--all-threads", action="store_true", help="all threads added up")
    parser.add_argument("--all", action="store_true", help="every function, not only the sure changes")
    parser.add_argument(
        "--limit", type=parse_count, default=30, metavar="N", help="functions shown (default 30)"
    )
    parser.add_argument("--json", action="store_true", help="the whole comparison as JSON")
    parser.add_argument("--markdown", action="store_true", help="as Markdown, for a pull request")
    parser.add_argument("--html", metavar="FILE", help="write a red and blue flame graph, too")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    parser.add_argument(
        "--fail-if",
        metavar="LIMIT",
        action="append",
        default=[],
        help="exit code 1 where it is passed: whole>+5%%, self>+10%%, total[app.*]>+20%%, self>+3ms",
    )


def run(args: argparse.Namespace) -> int:
    limits = [Limit.parse(text) for text in args.fail_if]
    page = Path(args.html) if args.html else None
    if page is not None:
        refuse_to_overwrite(page, args.force)
    sides = Sides.of(args)

    def lanes_of(profile: Profile) -> list[Lane]:
        return time_lanes(profile, args.thread, args.all_threads)

    before, after = (_side(name, selected, lanes_of) for name, selected in sides.selections())
    comparison = compare(before, after)
    if args.json:
        print(json.dumps(comparison.to_json(), indent=1))
    elif args.markdown:
        print(words.markdown(comparison, args.all, args.limit), end="")
    else:
        terminal.write(_lines(comparison, args.all, args.limit))
    if page is not None:
        from viewer.diff.page import render

        write_file(page, render(before, after, comparison).encode("utf-8", "backslashreplace"))
        terminal.say(f"wrote {page}")
    broken = [text for limit in limits for text in limit.broken_by(comparison)]
    for text in broken:
        terminal.say(text)
    return sides.exit_code(1 if broken else 0)


def _side(name: str, selected: selection.Selection, lanes_of: object) -> Side:
    side = Side(name, lanes_of)  # type: ignore[arg-type]
    empty = 0
    for profile in profiles_of(selected):
        try:
            side.add(hide_bootstrap(profile))
        except SelectionError:  # nothing was sampled, or not in that thread
            empty += 1
    if empty and side.count:
        terminal.say(f"{name}: {empty:,} captures without such samples are left out")
    return side


def _lines(comparison: Comparison, everything: bool, limit: int) -> Iterator[Line]:
    yield terminal.heading(f"{comparison.before} → {comparison.after}")
    yield [(words.headline(comparison), "")]
    yield []
    rows = words.told(comparison, everything)
    if not rows:
        yield [("No function changed for sure (--all lists all).", "dim")]
        return
    yield from terminal.table(_COLUMNS, [words.row(change, comparison.unit) for change in rows[:limit]])
    if len(rows) > limit:
        yield [(f"and {len(rows) - limit:,} more (--limit)", "dim")]
    hidden = len(comparison.changes) - len(rows)
    if hidden:
        yield [(f"{hidden:,} more may have changed by chance, or by too little (--all)", "dim")]
