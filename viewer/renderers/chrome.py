"""Write a profile as Chrome trace events, as Perfetto, chrome://tracing and others read them.

Format: "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU:
every call is a complete event ("X"), with its time and duration in microseconds, on its thread's track.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from viewer.layout import layout_of
from viewer.modules import classify
from viewer.profile import Lane, Profile

_PROCESS = 1


def render(profile: Profile) -> str:
    """Return the JSON text: only time has a place in it. Merged lanes stand with the largest call first."""
    lanes = [lane for lane in profile.lanes if lane.unit == "nanoseconds"]
    events = [_meta("process_name", 0, {"name": profile.title})]
    for number, lane in enumerate(lanes, 1):
        name = lane.name if lane.ordered else f"{lane.name} (merged: not in time order)"
        events.append(_meta("thread_name", number, {"name": name}))
        events.append(_meta("thread_sort_index", number, {"sort_index": number}))
        events += _calls(profile, lane, number)
    document = {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"exporter": "invocation-profiler", **profile.facts},
    }
    return json.dumps(document, separators=(",", ":"))


def _meta(kind: str, thread: int, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": _PROCESS, "tid": thread, "args": arguments}


def _calls(profile: Profile, lane: Lane, thread: int) -> Iterator[dict[str, Any]]:
    layout = layout_of(profile, lane, ordered=True)
    for box in range(1, len(layout)):
        frame = profile.frames[layout.frame[box]]
        event: dict[str, Any] = {
            "ph": "X",
            "name": frame.name,
            "cat": classify(frame.file)[0],
            "pid": _PROCESS,
            "tid": thread,
            "ts": (lane.start_ns + layout.start[box]) / 1000,
            "dur": layout.total[box] / 1000,
        }
        if frame.file:
            event["args"] = {"location": f"{frame.file}:{frame.line}" if frame.line else frame.file}
        yield event
