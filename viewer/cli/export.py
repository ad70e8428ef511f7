"""`viewer export`: the same profile for other tools."""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

from viewer.cli import selection
from viewer.cli.filters import NEWEST_OR_MERGED
from viewer.cli.profiles import profile_from, refuse_to_overwrite, write_file
from viewer.renderers import renderer

HELP = "write a profile for speedscope or flamegraph.pl"

FORMATS = ("speedscope", "collapsed")


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
    text = renderer(args.to)(profile_from(selected))
    if args.output == "-":
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    else:
        data = text.encode("utf-8", "backslashreplace")
        if args.output.endswith(".gz"):
            data = gzip.compress(data, 6, mtime=0)
        write_file(Path(args.output), data)
    return selected.exit_code()
