"""Write a profile as trace events, which chrome://tracing, Perfetto and the Firefox Profiler open.

Each lane is a thread; one without an order in time shows its call tree side by side.

Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
from typing import Any

from viewer.modules import classify
from viewer.profile import Lane, Profile
from viewer.renderers.text import location
from viewer.spans import spans

# A trace counts microseconds; what has another unit is shown as if one were a microsecond.
_PER_MICROSECOND = {"nanoseconds": 1000}


def render(profile: Profile) -> str:
    """Return the JSON text."""
    events: list[dict[str, Any]] = [
        {"ph": "M", "pid": 1, "tid": 0, "name": "process_name", "args": {"name": profile.title}}
    ]
    for number, lane in enumerate(profile.lanes, 1):
        events += _lane(profile, lane, number)
    document = {"traceEvents": events, "displayTimeUnit": "ms", "otherData": profile.facts}
    return json.dumps(document, separators=(",", ":"))


def _lane(profile: Profile, lane: Lane, number: int) -> list[dict[str, Any]]:
    divisor = _PER_MICROSECOND.get(lane.unit, 1)
    name = lane.name if lane.unit == "nanoseconds" else f"{lane.name} ({lane.unit})"
    place = {"pid": 1, "tid": number}
    return [
        {"ph": "M", **place, "name": "thread_name", "args": {"name": name}},
        *(
            {
                "ph": "X",
                **place,
                "name": span.frame.name,
                "cat": classify(span.frame.file)[1],
                "ts": span.start / divisor,
                "dur": span.duration / divisor,
                "args": {"location": location(span.frame)},
            }
            for span in spans(profile, lane)
        ),
    ]
