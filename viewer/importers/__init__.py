"""Profiles made elsewhere: each format one file with `matches` and `read`, known by content, not by name.

    read(data, name) -> Profile          # speedscope, collapsed, pprof, pyinstrument, pstats as JSON

Files are taken for hostile: sizes, depths and indexes are bounded before they are used.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from profiler.document import MAX_DOCUMENT_BYTES, gunzip
from profiler.errors import CaptureFormatError
from viewer.importers import collapsed, pprof, pstats_json, pyinstrument, speedscope
from viewer.profile import Profile

_GZIP_MAGIC = b"\x1f\x8b"
_KNOWN = "a capture nor speedscope, pprof, collapsed stacks, a pyinstrument session or pstats as JSON"


def json_of(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a file's bytes, gzipped or plain; None where there is none.

    Raises:
        CaptureFormatError: damaged gzip, or too large.
    """
    data = _plain(data)
    if data.lstrip()[:1] != b"{":
        return None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def read(data: bytes, name: str) -> Profile:
    """Return the profile in a file that is no capture; `name` is used where it has none of its own.

    Raises:
        CaptureFormatError: damaged, too large, or none of the formats.
    """
    return reader_of(data)(name)


def reader_of(data: bytes) -> Callable[[str], Profile]:
    """Return what reads a file, which is known by its content; nothing is read yet.

    Raises:
        CaptureFormatError: damaged, too large, or none of the formats.
    """
    document = json_of(data)
    if document is None:
        plain = _plain(data)
        if pprof.matches(plain):
            return partial(pprof.read, plain)
        if collapsed.matches(plain):
            return partial(collapsed.read, plain)
    elif "profiles" in document:
        return partial(speedscope.profile_of_document, document)
    elif pyinstrument.matches(document):
        return partial(pyinstrument.read, document)
    elif pstats_json.matches(document):
        return partial(pstats_json.read, document)
    raise CaptureFormatError(f"neither {_KNOWN}")


def _plain(data: bytes) -> bytes:
    if data[:2] == _GZIP_MAGIC:
        return gunzip(data)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise CaptureFormatError(f"larger than {MAX_DOCUMENT_BYTES} bytes")
    return data


__all__ = ["json_of", "read", "reader_of"]
