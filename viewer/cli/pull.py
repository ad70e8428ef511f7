"""`viewer pull`: fetch captures into a folder that is a store itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from profiler.errors import SelectionError
from viewer.cli import selection, terminal
from viewer.cli.profiles import write_file
from viewer.store import StoredCapture, UnreadableCapture, read_many
from viewer.units import counted, size

HELP = "fetch captures into a folder, to look at them offline"


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        default=selection.DEFAULT_STORE,
        metavar="FOLDER",
        help=f"where they go, in the layout of a store (default: {selection.DEFAULT_STORE})",
    )
    parser.add_argument("--force", action="store_true", help="overwrite what is there and differs")


def run(args: argparse.Namespace) -> int:
    selected = selection.select(args, both_kinds=True)
    if selected.plain_files:
        raise SelectionError(f"{selected.plain_files[0]} is a profile of another tool: nothing to pull")
    folder = Path(args.output)
    missing, present = _sort_out(selected.captures, folder, args.force)
    fetched_bytes = 0
    reads = read_many(selected.store, missing)
    for stored, data in terminal.watched(reads, "Pulling", len(missing)):
        if isinstance(data, UnreadableCapture):
            selected.name_broken(stored.path, str(data))
            continue
        target = destination(folder, stored)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_file(target, data)
        fetched_bytes += len(data)
    fetched = len(missing) - len(selected.broken)
    already = f", {present:,} already there" if present else ""
    terminal.say(f"{counted(fetched, 'capture')} ({size(fetched_bytes)}) into {folder}{already}")
    return selected.exit_code()


def destination(folder: Path, stored: StoredCapture) -> Path:
    """Return where a capture goes.

    The way is written anew from the key, whose parts are percent-encoded: nothing in the name of an
    object can lead out of the folder.
    """
    return folder / str(stored.key)


def _sort_out(captures: list[StoredCapture], folder: Path, force: bool) -> tuple[list[StoredCapture], int]:
    """Return what is to be fetched, and how many are there already.

    Raises:
        SelectionError: another file stands in the way of one, and `force` is not set.
    """
    missing = []
    for stored in captures:
        target = destination(folder, stored)
        if not target.exists():
            missing.append(stored)
        elif target.stat().st_size != stored.size_bytes:
            # A capture never changes: another size is another file, or one that was cut short.
            if not force:
                raise SelectionError(f"{target} exists and differs: --force overwrites it")
            missing.append(stored)
    return missing, len(captures) - len(missing)
