"""`viewer export`: the same profile for other tools."""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

from profiler.errors import SelectionError
from viewer.cli import selection
from viewer.cli.filters import NEWEST_OR_MERGED
from viewer.cli.profiles import profile_from, refuse_to_overwrite, write_file
from viewer.renderers import renderer

HELP = "write a profile for other tools: speedscope, pprof, Perfetto, KCachegrind, as a picture"

FORMATS = ("speedscope", "collapsed", "pprof", "chrome", "firefox", "callgrind", "svg", "png")


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, default=NEWEST_OR_MERGED)
    parser.add_argument("--to", choices=FORMATS, required=True, help="the format")
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="a file (.gz compresses), or - for stdout, the default",
    )
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def run(args: argparse.Namespace) -> int:
    selected = selection.select(args, newest=True)
    if args.output != "-":
        refuse_to_overwrite(Path(args.output), args.force)
    rendered = renderer(args.to)(profile_from(selected))
    if args.output == "-":
        _print(rendered)
    else:
        data = rendered if isinstance(rendered, bytes) else rendered.encode("utf-8", "backslashreplace")
        if args.output.endswith(".gz") and not isinstance(rendered, bytes):
            data = gzip.compress(data, 6, mtime=0)
        write_file(Path(args.output), data)
    return selected.exit_code()


def _print(rendered: str | bytes) -> None:
    if isinstance(rendered, str):
        sys.stdout.write(rendered if rendered.endswith("\n") else f"{rendered}\n")
        return
    if sys.stdout.isatty():
        raise SelectionError("that format is bytes and no text: give -o FILE")
    sys.stdout.buffer.write(rendered)
