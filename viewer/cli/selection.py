"""The selectors that every command takes, and the captures they select.

    selection.add_arguments(parser)                  # in configure()
    selected = selection.select(args)                # in run(); a listing, nothing opened yet
    for stored, capture in selection.read_captures(selected):
        ...                                          # stored: StoredCapture, capture: Capture
    return selected.exit_code(0)                     # 2 where a capture was broken, else what you give

`select` lists; only `--label` and files with foreign names make it read. `read_captures` opens one
capture after the other, a few in flight at a time, so that memory does not grow with their number.
A broken capture is named on stderr, kept in `selected.broken`, and skipped.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from profiler.capture import Capture
from profiler.codec import decode
from profiler.errors import CaptureFormatError, SelectionError
from profiler.keys import FUNCTION_PREFIX, CaptureKey
from viewer.cli import terminal
from viewer.cli.filters import DEFAULT_STORE, Filter, add_arguments
from viewer.cli.order import age, in_order, newest_of_dates, one_of_each
from viewer.store import CaptureStore, StoredCapture, UnreadableCapture, open_store, read_many
from viewer.store.files import FileStore, looks_like_path
from viewer.units import moment

# How far an error message counts what there is.
_COUNTED = 10_000


__all__ = [
    "DEFAULT_STORE",
    "Selection",
    "add_arguments",
    "choose_one",
    "read_captures",
    "select",
    "store_of",
]


@dataclass(slots=True)
class Selection:
    """What was selected: captures, newest first (`--slowest`: slowest first), and files of other tools."""

    store: CaptureStore
    captures: list[StoredCapture]
    plain_files: list[Path] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)

    def only(self, captures: Iterable[StoredCapture]) -> Selection:
        """Return a selection of some of these captures that shares the list of broken ones."""
        return Selection(self.store, list(captures), broken=self.broken)

    def exit_code(self, code: int = 0) -> int:
        """Return 2 where a capture was broken, else `code`."""
        return 2 if self.broken else code

    def name_broken(self, path: str, reason: str) -> None:
        """Name a broken capture on stderr and remember it."""
        self.broken.append((path, reason))
        terminal.say(f"skipped {path}: {reason}")


def select(
    args: argparse.Namespace, *, all_functions: bool = False, newest: bool = False, both_kinds: bool = False
) -> Selection:
    """Return what the arguments select.

    Without a FUNCTION that is the store's only one, with `all_functions` all of them. Without a
    selector it is every invocation, with `newest` the newest by itself. What is named by its path may be
    an init phase too, and with `both_kinds` also what is found.

    Raises:
        SelectionError: nothing matches (it says what there is), or the arguments contradict each other.
        StoreError: the store cannot be listed.
    """
    keys = [text for text in args.what if CaptureKey.parse(text) and not os.path.exists(text)]
    if keys and len(keys) == len(args.what):
        return _select_keys(args, keys)
    paths = [text for text in args.what if looks_like_path(text)]
    if paths and len(paths) < len(args.what):
        raise SelectionError("give a function's name or paths of files, not both")
    if len(args.what) > 1 and not paths:
        raise SelectionError(f"give one function's name, not {len(args.what)}: {', '.join(args.what)}")
    if paths:
        return _select_files(args, paths)
    return _select_stored(args, all_functions, newest, both_kinds)


def read_captures(selected: Selection) -> Iterator[tuple[StoredCapture, Capture]]:
    """Yield the selected captures in order; a broken one is named, counted and skipped.

    Raises:
        SelectionError: a file of another tool was selected, which holds no capture.
        CaptureFormatError: the only capture selected is broken.
        StoreError: the store cannot be read at all.
    """
    if selected.plain_files:
        raise SelectionError(
            f"{selected.plain_files[0]} is a profile of another tool, and no capture; "
            "viewer flamegraph, top, diff, open and export take it"
        )
    return _read(selected, selected.captures)


def choose_one(selected: Selection) -> Selection:
    """Return the first of the captures by itself, and say so on stderr where there were more."""
    found = len(selected.captures)
    if found > 1:
        started = moment(selected.captures[0].key.started_at_ns)
        terminal.say(f"the first of {found:,} captures, started {started}")
    return selected.only(selected.captures[:1]) if found else selected


def store_of(args: argparse.Namespace) -> CaptureStore:
    """Return the store that `--store`, PROFILER_STORE or the default names."""
    return open_store(args.store or os.environ.get("PROFILER_STORE") or DEFAULT_STORE)


# ---- how it is done --------------------------------------------------------------------------


def _read(selected: Selection, captures: Iterable[StoredCapture]) -> Iterator[tuple[StoredCapture, Capture]]:
    # Only a list knows how many there are; a listing that is still going on has no end to show.
    total = len(captures) if isinstance(captures, list) else None
    for stored, data in terminal.watched(read_many(selected.store, captures), "Reading", total):
        try:
            if isinstance(data, UnreadableCapture):
                raise data
            capture = decode(data)
        except (CaptureFormatError, UnreadableCapture) as error:
            if total == 1:
                raise CaptureFormatError(f"{stored.path}: {error}") from error
            selected.name_broken(stored.path, str(error))
            continue
        yield stored, capture


def _select_stored(
    args: argparse.Namespace, all_functions: bool, newest: bool, both_kinds: bool
) -> Selection:
    store = store_of(args)
    function: str | None = args.what[0] if args.what else None
    if function is None and not all_functions:
        function = _only_function(store)
    wanted = Filter.of(args, both_kinds=both_kinds)
    selected = Selection(store, [])
    newest = newest and not (wanted.given or args.last or args.slowest)
    last = 1 if newest else args.last
    listing = store.list(function, wanted.since_ns, newest_first=last is not None)
    matching = _filtered(selected, one_of_each(terminal.watched(listing, "Listing")), wanted)
    if last is not None and function is not None:
        selected.captures = newest_of_dates(matching, last)
    else:
        selected.captures = in_order(matching, slowest=args.slowest, last=last)
    if not selected.captures:
        raise SelectionError(_nothing(store, function, wanted, selected))
    if newest:
        started = moment(selected.captures[0].key.started_at_ns)
        terminal.say(f"the newest capture, started {started} (--last N takes more)")
    return selected


def _select_files(args: argparse.Namespace, paths: list[str]) -> Selection:
    if args.store:
        raise SelectionError("--store does not go with paths of files")
    wanted = Filter.of(args, both_kinds=True)
    files = FileStore(paths)
    selected = Selection(files, [])
    for path, reason in files.broken:
        if len(paths) == 1:
            raise CaptureFormatError(f"{path}: {reason}")
        selected.name_broken(path, reason)
    selected.captures = in_order(
        _filtered(selected, one_of_each(files.list()), wanted), slowest=args.slowest, last=args.last
    )
    selected.plain_files = files.plain_files
    if not selected.captures and not selected.plain_files:
        raise SelectionError("none of the files holds a capture that these selectors match")
    return selected


def _select_keys(args: argparse.Namespace, keys: list[str]) -> Selection:
    """Select what `viewer ls --json` gave: paths in the store, or whole s3:// addresses."""
    split = [text.rpartition(FUNCTION_PREFIX) for text in keys]
    stores = {before for before, _, _ in split}
    prefix = stores.pop()
    if stores or (prefix and args.store):
        raise SelectionError("give captures of one store at a time")
    store = open_store(prefix) if prefix else store_of(args)
    wanted = {before_key + rest for _, before_key, rest in split}
    functions = {key.function_name for key in map(CaptureKey.parse, wanted) if key}
    listing = itertools.chain.from_iterable(store.list(function) for function in sorted(functions))
    found = [stored for stored in listing if stored.path in wanted]
    for path in sorted(wanted - {stored.path for stored in found}):
        raise SelectionError(f"{store} holds no {path}")
    found = list(one_of_each(found))
    selected = Selection(store, [])
    selected.captures = in_order(
        _filtered(selected, found, Filter.of(args, both_kinds=True)), slowest=args.slowest, last=args.last
    )
    if not selected.captures:
        raise SelectionError("none of the captures matches these selectors")
    return selected


def _filtered(
    selected: Selection, captures: Iterable[StoredCapture], wanted: Filter
) -> Iterator[StoredCapture]:
    matching = (stored for stored in captures if wanted.matches(stored.key))
    if not wanted.labels:
        return matching
    return (
        stored
        for stored, capture in _read(selected, matching)
        if wanted.labels.items() <= capture.invocation.labels.items()
    )


def _only_function(store: CaptureStore) -> str:
    functions = store.functions()
    if not functions:
        raise SelectionError(f"store {store} holds no captures")
    if len(functions) > 1:
        raise SelectionError(f"which function? {_there_is(store, functions)}")
    terminal.say(f"function {functions[0]}, the only one in {store}")
    return functions[0]


def _nothing(store: CaptureStore, function: str | None, wanted: Filter, selected: Selection) -> str:
    whose = f" of {function}" if function is not None else ""
    if selected.broken:
        return f"store {store}: none of the captures{whose} that could be read match"
    # There may be init phases although no invocation was asked for that way.
    held = list(itertools.islice(store.list(function), _COUNTED))
    if held:
        count = f"{len(held):,}{' or more' if len(held) == _COUNTED else ''}"
        newest = max(held, key=age)
        when = moment(newest.key.started_at_ns)
        found = f"no capture{whose} matches; {store} holds {count}, the newest of {when}"
        return found + ("; --init chooses init phases" if newest.key.is_init and not wanted.init else "")
    functions = store.functions()
    if not functions:
        return f"store {store} holds no captures"
    return f"no captures{whose}: {_there_is(store, functions)}"


def _there_is(store: CaptureStore, functions: Iterable[str]) -> str:
    names = list(functions)
    shown = ", ".join(names[:10])
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{store} holds {shown}{more}"
