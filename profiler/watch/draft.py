"""What a running invocation leaves on disk: a head of fixed size, and a capture of what there is so far.

The head holds the facts that tell, once the process is gone, how it went: where and when it was last seen,
and how much memory it had then. It is written over in place, within one page, so it costs microseconds and
a process that is killed leaves either the old one or the new one. A head of zeros is no draft at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

HEAD_BYTES = 512
_MAGIC = b"draft 1 "
_BODY_AT_MOST_BYTES = 64 * 2**20
EMPTY = bytes(HEAD_BYTES)


class BadDraft(Exception):
    """A file that is no draft, or only a part of one."""


@dataclass(slots=True)
class Signs:
    """Signs of life. Times count from the start of the invocation, in nanoseconds.

    `next_ns` is when it would have been seen next, `expected_bytes` what memory it would have then if it went
    on growing as it did;
    `oom_kills` is how many processes the kernel had killed for want of memory when this one began.
    `thread` is the handler's; `words_ns` is when its last words are written. None is what is not known.
    """

    process_id: int = 0
    process_started: int | None = None
    thread: int = 0
    seen_ns: int = 0
    next_ns: int = 0
    partial_ns: int | None = None
    words_ns: int | None = None
    limit_bytes: int | None = None
    rss_bytes: int | None = None
    expected_bytes: int | None = None
    oom_kills: int | None = None
    size: int = 0


_NAMES = tuple(field.name for field in fields(Signs))


def head_of(signs: Signs) -> bytes:
    """Return the head, `HEAD_BYTES` long."""
    text = json.dumps([getattr(signs, name) for name in _NAMES], separators=(",", ":"))
    return (_MAGIC + text.encode()).ljust(HEAD_BYTES)


def parse(content: bytes) -> tuple[Signs, bytes] | None:
    """Return head and body of a draft; None where there is none. Raises BadDraft."""
    head = content[:HEAD_BYTES]
    if head == EMPTY or not content:
        return None
    try:
        values = json.loads(head.removeprefix(_MAGIC)) if head.startswith(_MAGIC) else None
    except (ValueError, RecursionError) as error:
        raise BadDraft("its head cannot be read") from error
    if not isinstance(values, list) or len(values) != len(_NAMES):
        raise BadDraft("it has no head")
    if not all(_is_number(value) for value in values):
        raise BadDraft("its head holds something that is no number")
    signs = Signs(*values)
    needed = (signs.process_id, signs.thread, signs.seen_ns, signs.next_ns, signs.size)
    if None in needed or signs.size > _BODY_AT_MOST_BYTES:
        raise BadDraft("its head is not whole")
    body = content[HEAD_BYTES : HEAD_BYTES + signs.size]
    if len(body) != signs.size:
        raise BadDraft(f"{len(body)} bytes instead of {signs.size}")
    return signs, body


def _is_number(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value < 2**63)
