"""Profiles made elsewhere. A file is known by what is in it, not by its name, and taken for hostile.

Each importer is one function: (content, file name) → Profile, where the content is a JSON object or, of
other formats, the plain bytes.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from profiler.document import decompressed, parsed_json
from profiler.errors import CaptureFormatError
from viewer.profile import Profile

CAPTURE = "capture"
IMPORTERS = {
    "speedscope": "viewer.importers.speedscope:read",
    "pprof": "viewer.importers.pprof:read",
    "collapsed": "viewer.importers.collapsed:read",
    "pyinstrument": "viewer.importers.pyinstrument:read",
    "pstats": "viewer.importers.pstats:read",
}
# The key that tells one JSON object from another; a capture is a speedscope file with one key more.
_KEYS = {
    "capture": CAPTURE,
    "frame_records": "pyinstrument",
    "root_frame": "pyinstrument",
    "pstats": "pstats",
    "profiles": "speedscope",
}
# What is written for others and not read back.
_FOREIGN = {"traceEvents": "Chrome trace events", "threads": "a file of Firefox Profiler"}
_KNOWN = "captures, speedscope, pprof, collapsed stacks, pyinstrument sessions, pstats as JSON"
# A dict, and its first key, a tuple, as marshal writes them; a JSON object never goes on like this.
_MARSHAL = re.compile(rb"[{\xfb][()\xa8\xa9]")
_BEFORE_JSON = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: `kind` is `capture` or a key of IMPORTERS, `value` a JSON object or bytes."""

    kind: str
    value: Any


def recognise(data: bytes) -> Content:
    """Return what is in a file's bytes, gzipped or plain.

    Raises:
        CaptureFormatError: nothing that is known, or damaged.
    """
    plain = decompressed(data)
    if _MARSHAL.match(plain):
        raise CaptureFormatError(
            "a pstats dump is marshal data, which cannot be loaded safely: "
            "convert it to JSON where it was made (docs/exports.md)"
        )
    from viewer.importers.collapsed import looks_collapsed
    from viewer.importers.pprof import looks_like_pprof

    start = _BEFORE_JSON.match(plain)
    if start is not None and plain[start.end() : start.end() + 1] == b"{":
        return _json(plain, looks_collapsed)
    if looks_collapsed(plain):
        return Content("collapsed", plain)
    if looks_like_pprof(plain):
        return Content("pprof", plain)
    raise CaptureFormatError(f"not a capture: neither JSON nor any other profile that is known ({_KNOWN})")


def read(content: Content, name: str) -> Profile:
    """Return the profile in a file that is no capture; `name` is used where it has none.

    Raises:
        CaptureFormatError: damaged, out of bounds, or more than can be held.
    """
    module, _, function = IMPORTERS[content.kind].partition(":")
    importer: Callable[[Any, str], Profile] = getattr(importlib.import_module(module), function)
    return importer(content.value, name)


def _json(plain: bytes, looks_collapsed: Callable[[bytes], bool]) -> Content:
    try:
        document = parsed_json(plain)
    except (ValueError, RecursionError) as error:
        # A function may be called {closure}.
        if looks_collapsed(plain):
            return Content("collapsed", plain)
        reason = "nested too deeply" if isinstance(error, RecursionError) else "it is not JSON"
        raise CaptureFormatError(f"not a capture: {reason}") from error
    for key, kind in _KEYS.items():
        if key in document:
            return Content(kind, document)
    for key, what in _FOREIGN.items():
        if key in document:
            raise CaptureFormatError(f"{what}: that format is written, but cannot be read ({_KNOWN})")
    raise CaptureFormatError(f"neither a capture nor any other profile that is known ({_KNOWN})")
