"""A profile as one HTML page that needs no network."""

from __future__ import annotations

import base64
import zlib
from array import array
from collections.abc import Iterable
from typing import Any

from profiler.capture import Frame
from viewer.modules import classify, short_file
from viewer.page import assemble
from viewer.parked import parked_nodes
from viewer.profile import Lane, Profile
from viewer.sources import SourceLinks, SourceTexts

# Below this an array is not worth the time that it takes to inflate.
LARGE_BYTES = 1 << 16


def render(profile: Profile, links: SourceLinks | None = None, sources: SourceTexts | None = None) -> str:
    """Return the flame graph page of a profile, with links to sources, or their text, where given."""
    return assemble(document_of(profile, links, sources))


def document_of(
    profile: Profile, links: SourceLinks | None = None, sources: SourceTexts | None = None
) -> dict[str, Any]:
    """Return what the page reads: frames and modules as text, numbers as base64 of typed arrays."""
    texts = sources or SourceTexts()
    modules: dict[tuple[str, str], int] = {}
    frames = [_frame(frame, modules) for frame in profile.frames]
    return {
        "title": profile.title,
        "facts": profile.facts,
        "approximate": profile.approximate,
        "frames": frames,
        "modules": [{"category": category, "name": name} for category, name in modules],
        "nodes": {"parent": _packed("i", profile.table.parents), "frame": _packed("i", profile.table.frames)},
        "lanes": [_lane(lane) for lane in profile.lanes],
        "parked": parked_nodes(profile),
        "links": _links(profile, links) if links else {},
        "sources": {"texts": texts.texts, "places": texts.places},
        "tracks": [],
        "marks": [],
    }


def _frame(frame: Frame, modules: dict[tuple[str, str], int]) -> list[Any]:
    module = modules.setdefault(classify(frame.file), len(modules))
    location = short_file(frame.file)
    return [frame.name, f"{location}:{frame.line}" if frame.line else location, module]


def _links(profile: Profile, links: SourceLinks) -> dict[int, str]:
    found = ((index, links.of(frame)) for index, frame in enumerate(profile.frames))
    return {index: link for index, link in found if link is not None}


def _lane(lane: Lane) -> dict[str, Any]:
    return {
        "name": lane.name,
        "unit": lane.unit,
        "ordered": lane.ordered,
        "start": lane.start_ns,
        "nodes": _packed("i", (node for node, _ in lane.runs)),
        "weights": _packed("d", (weight for _, weight in lane.runs)),
    }


def _packed(kind: str, numbers: Iterable[float]) -> str:
    """Return numbers as base64 of little-endian Int32 ("i") or Float64 ("d").

    What is said in front of it, `deflate:` and `int32:`, makes a large page a third as large.
    """
    values: array[Any] = array(kind, numbers)
    if values.itemsize != {"i": 4, "d": 8}[kind]:
        raise AssertionError("this platform's C int is not 32 bits wide")
    prefix = ""
    data = values.tobytes()
    if len(data) > LARGE_BYTES:
        if kind == "d" and all(-(2**31) <= value < 2**31 and value.is_integer() for value in values):
            prefix, data = "int32:", array("i", map(int, values)).tobytes()
        prefix, data = f"deflate:{prefix}", zlib.compress(data, 6)
    return prefix + base64.b64encode(data).decode("ascii")
