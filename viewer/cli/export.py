"""`viewer export`: the same profile for other tools, or as a picture."""

from __future__ import annotations

import argparse
import gzip
import sys
from dataclasses import replace
from pathlib import Path

from profiler.errors import SelectionError
from viewer.cli import selection, terminal
from viewer.cli.filters import NEWEST_OR_MERGED
from viewer.cli.profiles import profile_from, refuse_to_overwrite, write_file
from viewer.profile import Profile
from viewer.renderers import rendered

HELP = "write a profile for other tools, or draw it as a picture"

# Format → who reads it. Each has a page in docs/exports.md.
FORMATS = {
    "speedscope": "speedscope",
    "collapsed": "flamegraph.pl and whatever reads its stacks",
    "pprof": "go tool pprof",
    "firefox": "Firefox Profiler",
    "chrome": "Perfetto",
    "callgrind": "KCachegrind",
    "svg": "a picture",
    "png": "a picture, drawn by Chromium",
}
_BINARY = ("pprof", "png")
_PICTURES = ("svg", "png")


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, default=NEWEST_OR_MERGED)
    readers = ", ".join(f"{name} ({reader})" for name, reader in FORMATS.items())
    parser.add_argument("--to", choices=FORMATS, metavar="FORMAT", required=True, help=readers)
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="a file (.gz compresses), or - for stdout, the default",
    )
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.add_argument(
        "--thread", metavar="NAME", help="only the threads (or memory) whose name begins so; default: all"
    )
    pictures = parser.add_argument_group("pictures (svg, png)")
    pictures.add_argument(
        "--view",
        choices=("merged", "order"),
        default="merged",
        help="all calls merged, the default, or one capture in time order",
    )
    pictures.add_argument(
        "--theme",
        choices=("auto", "light", "dark"),
        default="auto",
        help="auto, the default: svg as the system of who looks at it, png light",
    )


def run(args: argparse.Namespace) -> int:
    _refuse_binary_on_a_screen(args)
    selected = selection.select(args, newest=True)
    if args.output != "-":
        refuse_to_overwrite(Path(args.output), args.force)
    profile = _only(profile_from(selected), args.thread)
    _say_what_is_left_out(profile, args.to)
    data = _rendered(profile, args)
    if args.output == "-":
        sys.stdout.flush()
        _write_to_stdout(data)
    else:
        # What is compressed already gains nothing.
        if args.output.endswith(".gz") and args.to not in _BINARY:
            data = gzip.compress(data, 6, mtime=0)
        write_file(Path(args.output), data)
    return selected.exit_code()


def _rendered(profile: Profile, args: argparse.Namespace) -> bytes:
    if args.to in _PICTURES:
        return _picture(profile, args)
    data = rendered(args.to, profile)
    return data if args.to in _BINARY or data.endswith(b"\n") else data + b"\n"


def _picture(profile: Profile, args: argparse.Namespace) -> bytes:
    from viewer.renderers import png, svg

    ordered = args.view == "order"
    if ordered and not any(lane.ordered for lane in profile.lanes):
        raise SelectionError("--view order needs one capture: what is merged has no order in time")
    if args.to == "png":
        return png.render(profile, ordered=ordered, theme=args.theme)
    return svg.render(profile, ordered=ordered, theme=args.theme).encode("utf-8", "backslashreplace")


def _refuse_binary_on_a_screen(args: argparse.Namespace) -> None:
    if args.to in _BINARY and args.output == "-" and sys.stdout.isatty():
        raise SelectionError(f"{args.to} is binary and not for a screen: give -o FILE")


def _write_to_stdout(data: bytes) -> None:
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a stream of text that somebody put there
        sys.stdout.write(data.decode("utf-8"))
    else:
        buffer.write(data)


def _only(profile: Profile, thread: str | None) -> Profile:
    if thread is None:
        return profile
    lanes = [lane for lane in profile.lanes if lane.name.startswith(thread)]
    if not lanes:
        names = ", ".join(dict.fromkeys(lane.name for lane in profile.lanes))
        raise SelectionError(f"no thread {thread!r}; there is {names}")
    return replace(profile, lanes=lanes)


def _say_what_is_left_out(profile: Profile, to: str) -> None:
    if not profile.lanes:
        return
    unit = {"chrome": "nanoseconds", "collapsed": profile.lanes[0].unit}.get(to)
    if unit is None:
        return
    names = dict.fromkeys(lane.name for lane in profile.lanes if lane.unit != unit)
    if names:
        terminal.say(f"left out, because {to} has no place for it: {', '.join(names)}")
