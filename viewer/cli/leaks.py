"""`viewer leaks`: which cache grows without bound, where it is filled, how fast, and how sure that is."""

from __future__ import annotations

import argparse
import json
import webbrowser
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from profiler.errors import SelectionError
from viewer.cli import selection, terminal
from viewer.cli.order import age, environment
from viewer.cli.profiles import refuse_to_overwrite, write_file
from viewer.cli.terminal import Column, Line
from viewer.leaks import Report, judge_groups
from viewer.leaks.reports import words
from viewer.leaks.reports.terminal import finding_lines, finding_rows, wrapped

HELP = "judge every container by how it grows; exit code 1 means that one leaks"

_FINDINGS = (
    Column("verdict", style="red"),
    Column("what grows, and where", elastic=True),
    Column("per invocation"),
    Column("sure"),
    Column("growth", style="red"),
    Column("left"),
)
_OTHERS = (
    Column("verdict"),
    Column("what", elastic=True),
    Column("kind", style="dim"),
    Column("why", style="dim", elastic=True),
)


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, all_functions=True)
    parser.add_argument(
        "--all", action="store_true", help="list what is stable and every allocation site, too"
    )
    parser.add_argument("--json", action="store_true", help="the whole report as JSON")
    parser.add_argument("--markdown", action="store_true", help="the report as Markdown, for a pull request")
    parser.add_argument(
        "--ignore", metavar="PATTERN", action="append", default=[], help="what may grow: app.KNOWN*"
    )
    parser.add_argument("--html", metavar="FILE", help="write a page with a chart for each leak, too")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    parser.add_argument("--open", action="store_true", help="open FILE in the browser")


def run(args: argparse.Namespace) -> int:
    page = Path(args.html) if args.html else None
    if args.open and page is None:
        raise SelectionError("--open shows the page that --html FILE writes: give that, too")
    if page is not None:
        refuse_to_overwrite(page, args.force)
    selected = selection.select(args, all_functions=True)
    report = _judged(selected).ignoring(args.ignore)
    if args.json:
        print(json.dumps(report.to_json(), indent=1))
    elif args.markdown:
        from viewer.leaks.reports import markdown

        print(markdown.render(report, args.all), end="")
    else:
        terminal.write(_lines(report, args.all))
    for one in report.environments:
        for note in one.notes:
            terminal.say(f"environment {one.environment}: {note}")
    if page is not None:
        from viewer.leaks.reports.page import render

        write_file(page, render(report, args.all).encode("utf-8", "backslashreplace"))
        terminal.say(f"the report with its charts is {page}")
        if args.open:
            webbrowser.open(page.resolve().as_uri())
    # A leak that was found outweighs a capture that could not be read.
    return 1 if report.findings else selected.exit_code()


def _judged(selected: selection.Selection) -> Report:
    """Judge one environment after the other, so that the numbers of one alone are held."""
    selected.captures.sort(key=lambda stored: (environment(stored), age(stored)))
    captures = groupby(selection.read_captures(selected), key=lambda pair: environment(pair[0]))
    return judge_groups((capture for _, capture in pairs) for _, pairs in captures)


def _lines(report: Report, everything: bool) -> Iterator[Line]:
    width = terminal.terminal_width()
    for finding in report.findings:
        yield from finding_lines(report, finding, width)
    if report.findings:
        rows = [row for finding in report.findings for row in finding_rows(report, finding, width)]
        yield from terminal.table(_FINDINGS, rows)
        yield []
    shown = words.told(report, everything)
    if shown:
        others = [
            (
                other.verdict,
                words.name_in(report, other.function, other.subject),
                other.kind,
                words.judgement(other),
            )
            for other in shown
        ]
        yield from terminal.table(_OTHERS, others)
        yield []
    summary = words.summary(report, len(report.others) - len(shown))
    yield from ([(line, "bold")] for line in wrapped(summary, width))
