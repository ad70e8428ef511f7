"""`viewer flamegraph`: one self-contained HTML page, or the same in the terminal."""

from __future__ import annotations

import argparse
import re
import sys
import webbrowser
from pathlib import Path

from profiler.errors import SelectionError
from viewer.cli import selection, terminal
from viewer.cli.filters import NEWEST_OR_MERGED
from viewer.cli.profiles import (
    add_output_arguments,
    profile_from,
    refuse_to_overwrite,
    time_lanes,
    write_file,
)
from viewer.processors import hide_bootstrap
from viewer.profile import Profile
from viewer.renderers.html import render
from viewer.sources import SourceLinks, SourceTexts, read_sources
from viewer.units import moment, size

HELP = "draw the newest capture, or several merged, as an HTML page or in the terminal"


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, default=NEWEST_OR_MERGED)
    add_output_arguments(parser, "where the page goes (default: flamegraph-FUNCTION-WHICH.html)")
    parser.add_argument(
        "--source-url",
        metavar="TEMPLATE",
        help="link each function to its source, like https://github.com/me/shop/blob/main/{path}#L{line}",
    )
    parser.add_argument(
        "--embed-source",
        metavar="FOLDER",
        nargs="?",
        const=".",
        help="put the text of the function's own files below FOLDER (default: here) into the page",
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument(
        "--terminal", action="store_true", help="show it here, to walk in by keys and mouse; writes no page"
    )


def run(args: argparse.Namespace) -> int:
    links = SourceLinks(args.source_url) if args.source_url else None
    if args.terminal:
        return _in_terminal(args)
    selected = selection.select(args, newest=True)
    path = Path(args.output or default_name(selected))
    refuse_to_overwrite(path, args.force)
    profile = hide_bootstrap(profile_from(selected))
    page = render(profile, links, _sources(profile, args.embed_source))
    data = page.encode("utf-8", "backslashreplace")
    write_file(path, data)
    terminal.say(f"{_what(selected)}, {size(len(data))}")
    print(path)
    if args.open:
        webbrowser.open(path.resolve().as_uri())
    return selected.exit_code()


def _in_terminal(args: argparse.Namespace) -> int:
    if args.output or args.open:
        raise SelectionError("--terminal writes no page: give it without -o and --open")
    refuse_without_terminal()
    from viewer.tui.app import FlameApp

    selected = selection.select(args, newest=True)
    profile = hide_bootstrap(profile_from(selected))
    time_lanes(profile, thread=None, all_threads=False)
    FlameApp(profile).run()
    return selected.exit_code()


def refuse_without_terminal() -> None:
    """Raise SelectionError where there is nobody to press a key."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SelectionError(
            "this is no terminal to show a flame graph in: viewer top --tree prints one anywhere"
        )


def _sources(profile: Profile, folder: str | None) -> SourceTexts | None:
    if folder is None:
        return None
    sources = read_sources(profile, Path(folder))
    if not sources.texts:
        terminal.say(f"no source of the function's own code was found below {folder}")
    return sources


def default_name(selected: selection.Selection) -> str:
    """Return the page's name for a selection; it holds nothing that a shell or a file system minds."""
    if selected.plain_files:
        subject = selected.plain_files[0].name.partition(".")[0]
    else:
        subject = selected.captures[0].key.function_name
    count = len(selected.captures) + len(selected.plain_files)
    if count > 1:
        which = f"-{count}-captures"
    elif selected.captures:
        key = selected.captures[0].key
        which = (
            "-"
            + re.sub(r"[^0-9T]", "", moment(key.started_at_ns)[:19].replace(" ", "T"))
            + f"-{key.sequence}"
        )
    else:
        which = ""
    return f"flamegraph-{re.sub(r'[^A-Za-z0-9._-]+', '_', subject)[:80]}{which}.html"


def _what(selected: selection.Selection) -> str:
    count = len(selected.captures) + len(selected.plain_files) - len(selected.broken)
    return "1 capture in time order" if count == 1 else f"{count:,} captures merged"
