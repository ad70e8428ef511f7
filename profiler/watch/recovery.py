"""What a dead process has left: its drafts become captures, each once, and say how it ended.

A draft is taken only from a process that is dead by two signs: the lock on its owner's file is free, which
the kernel frees with the process, and no process of its id and start runs here. Who recovers holds that lock
meanwhile. A draft is removed after its capture is in the outbox; killed in between, the next one makes the
same capture with the same key.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from profiler import host
from profiler.capture import Capture
from profiler.codec import decode
from profiler.errors import CaptureFormatError
from profiler.guard import logger
from profiler.watch.box import FOLDER
from profiler.watch.draft import HEAD_BYTES, BadDraft, Signs, parse
from profiler.watch.drafting import is_near
from profiler.watch.last_words import WORDS_AT_MOST_BYTES, with_last_words

_FILE_AT_MOST_BYTES = 64 * 2**20 + HEAD_BYTES
_OPEN = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def recover(above: Path, add: Callable[[Capture], object]) -> int:
    """Make captures of what dead processes have left below `above`; return how many processes.

    One that had nothing to leave counts, too: it may have ended while something waited in the outbox.

    Raises:
        OSError: the folder cannot be read.
    """
    folder = above / FOLDER
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return 0
    drafts: dict[str, list[str]] = {}
    for name in names:
        owner, dot, _ = name.partition(".")
        drafts.setdefault(owner, []).extend([name] if dot else [])
    return sum(_recover_from(folder / owner, mine, add) for owner, mine in drafts.items())


def _recover_from(owner: Path, drafts: list[str], add: Callable[[Capture], object]) -> bool:
    """Make captures of one process's drafts; False where it lives."""
    descriptor = _claimed(owner)
    if descriptor is None:
        return False
    try:
        words = os.pread(descriptor, WORDS_AT_MOST_BYTES, 0).decode("utf-8", "replace")
        for name in drafts:
            path = owner.with_name(name)
            found = None if name.endswith(".part") else _read(path)
            if found is not None:
                signs, capture = found
                if _is_alive(signs):
                    return False
                add(finished(capture, signs, words, host.oom_kills()))
            path.unlink(missing_ok=True)
        owner.unlink(missing_ok=True)
    finally:
        host.unlock_file(descriptor)
        os.close(descriptor)
    return True


def _claimed(owner: Path) -> int | None:
    """Lock the owner's file and return its descriptor; None where its process, or another finder, has it."""
    try:
        descriptor = os.open(owner, _OPEN | os.O_CREAT, 0o600)
    except OSError:
        return None
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and host.lock_file(descriptor) and os.fstat(descriptor).st_nlink:
        return descriptor
    os.close(descriptor)
    return None


def _read(path: Path) -> tuple[Signs, Capture] | None:
    """Return what a draft holds; None where there is none, or it is broken."""
    try:
        parsed = parse(_content(path))
        return None if parsed is None else (parsed[0], decode(parsed[1]))
    except FileNotFoundError:
        return None
    except (OSError, BadDraft, CaptureFormatError) as error:
        logger.warning("profiler: a draft cannot be read and is removed: %s", error)
        return None


def _content(path: Path) -> bytes:
    descriptor = os.open(path, _OPEN)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _FILE_AT_MOST_BYTES:
            raise BadDraft("it is no file, or too large")
        return file.read(_FILE_AT_MOST_BYTES)


def _is_alive(signs: Signs) -> bool:
    """Tell whether the writer runs, although its lock is free: user code has closed its files."""
    return signs.process_started is not None and (
        host.process_started(signs.process_id) == signs.process_started
    )


def finished(capture: Capture, signs: Signs, words: str, oom_kills: int | None) -> Capture:
    """Return a draft's capture as it is delivered: with how its process ended, and when it was last seen."""
    drafted_ns = capture.invocation.duration_ns
    seen_ns = max(drafted_ns, signs.seen_ns)
    notes = list(capture.notes)
    if words and signs.words_ns is not None:
        seen_ns = max(seen_ns, signs.words_ns)
        capture = with_last_words(capture, words, seen_ns)
        notes.append(
            "at the reserve before the deadline the interpreter's lock was held, perhaps by a C call"
        )
    notes.append(f"the process ended while the invocation ran; last seen {_seen(seen_ns, signs)}")
    if seen_ns > drafted_ns:
        notes.append(f"samples end {drafted_ns / 1e6:.0f} ms after the start, with the last draft")
    process = capture.memory.process
    if signs.rss_bytes is not None:
        process = replace(process, rss_bytes=signs.rss_bytes)
    return replace(
        capture,
        invocation=replace(capture.invocation, duration_ns=seen_ns),
        outcome=_outcome(signs, seen_ns, oom_kills),
        complete=False,
        memory=replace(capture.memory, process=process),
        notes=tuple(notes),
    )


def _outcome(signs: Signs, seen_ns: int, oom_kills: int | None) -> str:
    if signs.partial_ns is not None and max(seen_ns, signs.next_ns) >= signs.partial_ns:
        return "timeout"
    killed = signs.oom_kills is not None and oom_kills is not None and oom_kills > signs.oom_kills
    return "out-of-memory" if killed or is_near(signs) else "crashed"


def _seen(seen_ns: int, signs: Signs) -> str:
    memory = f" with {signs.rss_bytes / 2**20:.0f} MB" if signs.rss_bytes is not None else ""
    limit = f" of {signs.limit_bytes / 2**20:.0f} MB" if memory and signs.limit_bytes else ""
    return f"{seen_ns / 1e6:.0f} ms after the start{memory}{limit}"


def recover_quietly(folder: Callable[[bool], Path], add: Callable[[Capture], object]) -> int:
    """Recover what is below the outbox's folder; without one, or where it cannot be read, nothing."""
    with contextlib.suppress(OSError):
        return recover(folder(False), add)
    return 0
