"""The two sides of a comparison, as arguments: two files, two selections, or the slowest and the rest."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from profiler.errors import SelectionError
from viewer.cli import selection, terminal
from viewer.cli.filters import parse_percent
from viewer.cli.selection import Selection
from viewer.store.files import looks_like_path

_SWITCHES = ("cold", "warm", "init")


@dataclass(slots=True)
class Sides:
    """What is compared: (name, selection) of before and after."""

    before: tuple[str, Selection]
    after: tuple[str, Selection]

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the positional arguments and what chooses each side."""
        parser.add_argument(
            "what", nargs="*", metavar="FUNCTION", help="a function's name, or two files: before and after"
        )
        parser.add_argument("--store", metavar="URI", help="s3://bucket/prefix or a folder")
        parser.add_argument(
            "--before", metavar="SELECTORS", help="label=build=90,warm,since=2d,environment=ab,last=50 …"
        )
        parser.add_argument("--after", metavar="SELECTORS", help="the same for the other side")
        parser.add_argument(
            "--slowest",
            type=parse_percent,
            metavar="N%",
            help="compare the slowest share with the rest",
        )
        parser.add_argument(
            "--against", choices=("rest",), default="rest", help="what --slowest is compared with"
        )
        parser.add_argument("--among", metavar="SELECTORS", default="", help="which captures --slowest is of")

    @classmethod
    def of(cls, args: argparse.Namespace) -> Sides:
        """Return the sides that parsed arguments mean.

        Raises:
            SelectionError: they contradict each other, or a side is empty.
        """
        files = [text for text in args.what if looks_like_path(text)]
        if args.slowest is not None:
            if args.before or args.after or files:
                raise SelectionError("--slowest makes both sides: no --before, --after or files with it")
            return cls._by_duration(args)
        if files:
            if len(args.what) != 2 or args.before or args.after:
                raise SelectionError("give two files, before and after, and nothing else")
            before, after = (_select([path], None, "") for path in args.what)
            return cls((args.what[0], before), (args.what[1], after))
        if not (args.before and args.after):
            raise SelectionError("give --before and --after, --slowest 1%, or two files")
        sides = ((text, _select(args.what, args.store, text)) for text in (args.before, args.after))
        return cls(*sides)

    @classmethod
    def _by_duration(cls, args: argparse.Namespace) -> Sides:
        whole = _select(args.what, args.store, args.among)
        ordered = sorted(whole.captures, key=lambda stored: -stored.key.duration_ns)
        count = max(1, round(len(ordered) * args.slowest))
        if count >= len(ordered):
            raise SelectionError(f"of {len(ordered):,} captures nothing would be left to compare with")
        slowest, rest = whole.only(ordered[:count]), whole.only(ordered[count:])
        terminal.say(f"the slowest {count:,} of {len(ordered):,} captures against the rest")
        return cls(("the rest", rest), (f"the slowest {args.slowest * 100:g} %", slowest))

    def selections(self) -> Iterator[tuple[str, Selection]]:
        """Yield (name, selection), before first."""
        yield self.before
        yield self.after

    def exit_code(self, code: int) -> int:
        """Return 2 where a capture was broken, else `code`."""
        return self.after[1].exit_code(self.before[1].exit_code(code))


def _select(what: list[str], store: str | None, selectors: str) -> Selection:
    """Return what selectors like `label=build=90,warm` choose, by the arguments of every other command."""
    arguments = [*what, *(["--store", store] if store else [])]
    for part in filter(None, (part.strip() for part in selectors.split(","))):
        name, separator, value = part.partition("=")
        if bool(separator) == (name in _SWITCHES):
            raise SelectionError(f"{part!r} is no selector: give label=build=90, warm, since=2d, last=50 …")
        arguments += [f"--{name}", value] if separator else [f"--{name}"]
    parser = _Parser(prog="", add_help=False)
    selection.add_arguments(parser)
    return selection.select(parser.parse_args(arguments))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise SelectionError(f"selectors: {message}")
