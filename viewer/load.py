"""From a file or one capture to a profile, in time order; `viewer.merging` does it for many."""

from __future__ import annotations

from profiler.capture import Capture
from profiler.codec import MEMORY_PROFILE, capture_of
from viewer.building import ProfileBuilder
from viewer.callgraph import CallGraph, guess_stacks
from viewer.facts import facts_of, start_of
from viewer.lanes import LIVE_MEMORY, is_guessed, live, normalised, retained
from viewer.merging import merge, merge_profiles
from viewer.profile import CALL_GRAPH, Lane, Profile
from viewer.units import duration

__all__ = [
    "LIVE_MEMORY",
    "ProfileBuilder",
    "load",
    "merge",
    "merge_profiles",
    "normalised",
    "profile_of",
]


def load(data: bytes, name: str) -> Profile:
    """Return the profile in a file's bytes: a capture, or what another tool wrote (`viewer.importers`).

    Raises:
        CaptureFormatError: nothing that is known, or damaged.
    """
    # Importers build profiles as this module does.
    from viewer import importers

    document = importers.json_of(data)
    if document is not None and "capture" in document:
        return profile_of(capture_of(document))
    return importers.read(data, name)


def profile_of(capture: Capture) -> Profile:
    """Return one capture's profile: its threads in time order, the handler's first, then its memory."""
    builder = ProfileBuilder()
    stacks = builder.stacks(capture.frames)
    lanes = [
        Lane(
            thread.name,
            "nanoseconds",
            list(stacks.runs(zip(thread.stacks, thread.weights_ns, strict=True))),
            start_ns=thread.start_ns,
        )
        for thread in capture.threads
    ]
    graph = CallGraph() if is_guessed(capture) else None
    if graph is not None:
        graph.add(capture.call_graph or (), builder.indexes(capture.frames))
        runs = list(stacks.runs(guess_stacks(capture.call_graph or ())))
        lanes = [Lane(CALL_GRAPH, "nanoseconds", runs, ordered=False)]
    for name, sites in (MEMORY_PROFILE, retained(capture.memory)), (LIVE_MEMORY, live(capture.memory)):
        runs = list(stacks.runs(sites))
        if runs:
            lanes.append(Lane(name, "bytes", runs, ordered=False))
    invocation = capture.invocation
    title = f"{invocation.function_name} · {duration(invocation.duration_ns)} · {start_of(capture)}"
    if capture.outcome != "ok":
        title += f" · {capture.outcome}"
    return Profile(
        title,
        builder.frames,
        builder.table,
        lanes,
        facts_of(capture),
        approximate=graph is not None,
        graph=graph,
    )
