"""From a selection to the one profile that is drawn, tabled or exported, and files that are not lost."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from profiler.capture import Capture
from profiler.errors import CaptureFormatError, SelectionError
from viewer.cli.selection import Selection, read_captures
from viewer.load import load, merge, merge_profiles, profile_of
from viewer.profile import Lane, Profile
from viewer.store import UnreadableCapture
from viewer.store.local import read_file


def profile_from(selected: Selection) -> Profile:
    """Return the profile of a selection: one capture in time order, several merged.

    Raises:
        CaptureFormatError: nothing of it could be read.
    """
    if selected.plain_files:
        return _profile_with_files(selected)
    if len(selected.captures) == 1:
        return profile_of(next(_at_least_one(selected)))
    return merge(_at_least_one(selected))


def profiles_of(selected: Selection) -> Iterator[Profile]:
    """Yield the profile of each capture and each plain file of a selection, one after the other."""
    for path in selected.plain_files:
        yield from _load_file(selected, path)
    captures = Selection(selected.store, selected.captures, broken=selected.broken)
    yield from (profile_of(capture) for _, capture in read_captures(captures))


def time_lanes(profile: Profile, thread: str | None, all_threads: bool) -> list[Lane]:
    """Return the lanes to sum up: the first, those whose name begins with `thread`, or all of its unit.

    Raises:
        SelectionError: no lane has that name, or there is nothing in any.
    """
    if not profile.lanes:
        raise SelectionError("the capture holds no samples: was it taken with PROFILER_CPU=off?")
    if thread is not None:
        lanes = [lane for lane in profile.lanes if lane.name.startswith(thread)]
        if not lanes:
            names = ", ".join(dict.fromkeys(lane.name for lane in profile.lanes))
            raise SelectionError(f"no thread {thread!r}; there is {names}")
        return [lane for lane in lanes if lane.unit == lanes[0].unit]
    first = profile.lanes[0]
    return [lane for lane in profile.lanes if lane.unit == first.unit] if all_threads else [first]


def add_output_arguments(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add `-o FILE` and `--force`."""
    parser.add_argument("-o", "--output", metavar="FILE", help=help_text)
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def refuse_to_overwrite(path: Path, force: bool) -> None:
    """Raise SelectionError where a file cannot or should not be written: before the work, not after it."""
    if not path.parent.is_dir():
        raise SelectionError(f"{path.parent}: no such folder")
    if path.is_dir():
        raise SelectionError(f"{path} is a folder: give the name of a file")
    # A device or a pipe is not overwritten by writing to it.
    if path.is_file() and not force:
        raise SelectionError(f"{path} exists: --force overwrites it, -o FILE writes elsewhere")


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; a device or a pipe is written to as it is."""
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    path = path.resolve()
    descriptor, temporary = tempfile.mkstemp(prefix=".viewer-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        # mkstemp gives 0600; an answer is as readable as any other file of this user.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _at_least_one(selected: Selection) -> Iterator[Capture]:
    count = 0
    for _, capture in read_captures(selected):
        count += 1
        yield capture
    if not count:
        raise CaptureFormatError(f"none of the {len(selected.captures):,} captures could be read")


def _profile_with_files(selected: Selection) -> Profile:
    """Return the profile of files of which at least one is a plain profile."""
    profiles = [profile for path in selected.plain_files for profile in _load_file(selected, path)]
    captures = Selection(selected.store, selected.captures, broken=selected.broken)
    profiles += [profile_of(capture) for _, capture in read_captures(captures)]
    if not profiles:
        raise CaptureFormatError("none of the files could be read")
    if len(profiles) == 1:
        return profiles[0]
    return merge_profiles(profiles, f"{len(profiles):,} files merged")


def _load_file(selected: Selection, path: Path) -> Sequence[Profile]:
    try:
        return [load(read_file(path), path.name)]
    except (CaptureFormatError, UnreadableCapture) as error:
        if len(selected.plain_files) + len(selected.captures) == 1:
            raise CaptureFormatError(f"{path}: {error}") from error
        selected.name_broken(str(path), str(error))
        return []
