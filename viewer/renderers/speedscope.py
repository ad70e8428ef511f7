"""Write a profile as a plain speedscope file: sampled, one profile a lane."""

from __future__ import annotations

import json
from typing import Any

from profiler.capture import Frame
from profiler.codec import SCHEMA_URL
from viewer.profile import Lane, Profile


def render(profile: Profile) -> str:
    """Return the JSON text; reading it back gives the same stacks and weights."""
    document = {
        "$schema": SCHEMA_URL,
        "name": profile.title,
        "exporter": "invocation-profiler",
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(frame) for frame in profile.frames]},
        "profiles": [_sampled(profile, lane) for lane in profile.lanes],
    }
    return json.dumps(document, separators=(",", ":"))


def _frame(frame: Frame) -> dict[str, Any]:
    result: dict[str, Any] = {"name": frame.name}
    if frame.file:
        result["file"] = frame.file
    if frame.line:
        result["line"] = frame.line
    return result


def _sampled(profile: Profile, lane: Lane) -> dict[str, Any]:
    stacks: dict[int, tuple[int, ...]] = {}
    for node, _ in lane.runs:
        if node not in stacks:
            stacks[node] = profile.table.stack(node)
    return {
        "type": "sampled",
        "name": lane.name,
        "unit": lane.unit,
        "startValue": 0,
        "endValue": lane.total,
        "samples": [stacks[node] for node, _ in lane.runs],
        "weights": [weight for _, weight in lane.runs],
    }
