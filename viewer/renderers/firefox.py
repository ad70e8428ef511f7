"""Write a profile for Firefox Profiler (profiler.firefox.com), in its processed format.

Format: https://github.com/firefox-devtools/profiler, docs-developer/processed-profile-format.md and
CHANGELOG-formats.md. It is that of version 48; Firefox Profiler brings older versions up to date by itself.
Tables are columns of equal length. Each lane is a thread, its weights milliseconds or bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from viewer.modules import FROZEN, NATIVE, OWN, PACKAGE, STDLIB, classify
from viewer.profile import Lane, Profile

_VERSION = 48
_GECKO_VERSION = 27
_PROCESS = "1"
# The first is what has no category of its own.
_CATEGORIES = (
    ("other", "Other", "grey"),
    (OWN, "Own code", "orange"),
    (PACKAGE, "Packages", "blue"),
    (STDLIB, "Standard library", "green"),
    (FROZEN, "<frozen>", "grey"),
    (NATIVE, "Native", "darkgrey"),
)
_PLACES = {category: place for place, (category, _, _) in enumerate(_CATEGORIES)}
# Our unit → their kind of weight, and how many of ours make one of theirs.
_WEIGHTS = {"nanoseconds": ("tracing-ms", 1_000_000), "bytes": ("bytes", 1), "none": ("samples", 1)}


def render(profile: Profile) -> str:
    """Return the JSON text: samples in time order, each at the moment when its run begins."""
    document = {
        "meta": _meta(profile),
        "libs": [],
        "pages": [],
        "threads": [_thread(profile, lane, number) for number, lane in enumerate(profile.lanes)],
    }
    return json.dumps(document, separators=(",", ":"))


def _meta(profile: Profile) -> dict[str, Any]:
    facts = [{"label": label, "format": "string", "value": text} for label, text in profile.facts.items()]
    return {
        "version": _GECKO_VERSION,
        "preprocessedProfileVersion": _VERSION,
        "product": profile.title,
        "importedFrom": "invocation-profiler",
        "interval": 1,
        "startTime": 0,
        "processType": 0,
        "stackwalk": 1,
        "debug": False,
        "symbolicated": True,
        "extensions": {"id": [], "name": [], "baseURL": [], "length": 0},
        "categories": [
            {"name": name, "color": colour, "subcategories": ["Other"]} for _, name, colour in _CATEGORIES
        ],
        "markerSchema": [],
        "extra": [{"label": "Invocation", "entries": facts}] if facts else [],
    }


def _thread(profile: Profile, lane: Lane, number: int) -> dict[str, Any]:
    strings: dict[str, int] = {}
    nodes, frames = _used(profile, lane)
    categories = [_PLACES[classify(profile.frames[frame].file)[0]] for frame in frames]
    return {
        "name": lane.name,
        "isMainThread": number == 0,
        "processType": "default",
        "processName": profile.title,
        "processStartupTime": 0,
        "processShutdownTime": None,
        "registerTime": 0,
        "unregisterTime": None,
        "pausedRanges": [],
        "pid": _PROCESS,
        "tid": number + 1,
        "samples": _samples(lane, nodes),
        "markers": _columns(data=[], name=[], startTime=[], endTime=[], phase=[], category=[]),
        "stackTable": _stacks(profile, nodes, frames, categories),
        "frameTable": _frames(profile, frames, categories),
        "funcTable": _functions(profile, frames, strings),
        "resourceTable": _columns(lib=[], name=[], host=[], type=[]),
        "nativeSymbols": _columns(libIndex=[], address=[], name=[], functionSize=[]),
        "stringArray": list(strings),
    }


def _used(profile: Profile, lane: Lane) -> tuple[dict[int, int], dict[int, int]]:
    """Return the nodes and the frames that a lane needs → their places in its own tables."""
    table = profile.table
    needed: set[int] = set()
    for node, _ in lane.runs:
        while node >= 0 and node not in needed:
            needed.add(node)
            node = table.parents[node]
    nodes = {node: place for place, node in enumerate(sorted(needed))}
    frames: dict[int, int] = {}
    for node in nodes:
        frames.setdefault(table.frames[node], len(frames))
    return nodes, frames


def _samples(lane: Lane, nodes: dict[int, int]) -> dict[str, Any]:
    kind, ours = _WEIGHTS[lane.unit]
    times, now = [], 0
    for _, weight in lane.runs:
        times.append(now / ours)
        # Only time goes on from sample to sample.
        now += weight if lane.unit == "nanoseconds" else 0
    weights = [weight / ours if ours > 1 else weight for _, weight in lane.runs]
    stacks = [nodes.get(node) for node, _ in lane.runs]
    return {"weightType": kind} | _columns(stack=stacks, time=times, weight=weights)


def _stacks(
    profile: Profile, nodes: dict[int, int], frames: dict[int, int], categories: Sequence[int]
) -> dict[str, Any]:
    table = profile.table
    own = [frames[table.frames[node]] for node in nodes]
    return _columns(
        frame=own,
        prefix=[nodes.get(table.parents[node]) for node in nodes],
        category=[categories[frame] for frame in own],
        subcategory=[0] * len(own),
    )


def _frames(profile: Profile, frames: dict[int, int], categories: Sequence[int]) -> dict[str, Any]:
    """Return one frame for each function: nothing is known of where within it the time was spent."""
    count = len(frames)
    return _columns(
        address=[-1] * count,
        inlineDepth=[0] * count,
        category=list(categories),
        subcategory=[0] * count,
        func=list(range(count)),
        nativeSymbol=[None] * count,
        innerWindowID=[0] * count,
        implementation=[None] * count,
        line=[profile.frames[frame].line or None for frame in frames],
        column=[None] * count,
    )


def _functions(profile: Profile, frames: dict[int, int], strings: dict[str, int]) -> dict[str, Any]:
    def index(text: str) -> int:
        return strings.setdefault(text, len(strings))

    known = [profile.frames[frame] for frame in frames]
    return _columns(
        name=[index(frame.name) for frame in known],
        isJS=[False] * len(known),
        relevantForJS=[False] * len(known),
        resource=[-1] * len(known),
        fileName=[index(frame.file) if frame.file else None for frame in known],
        lineNumber=[frame.line or None for frame in known],
        columnNumber=[None] * len(known),
    )


def _columns(**columns: list[Any]) -> dict[str, Any]:
    return {**columns, "length": len(next(iter(columns.values())))}
