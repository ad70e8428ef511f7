"""From captures to profiles: one as it is, in time order, or many merged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from profiler.capture import AllocationSite, Capture, Frame, Memory
from profiler.codec import MEMORY_PROFILE, capture_of
from profiler.document import read_document
from profiler.errors import CaptureFormatError
from viewer.callgraph import CallGraph, guess_stacks
from viewer.facts import facts_of, merged_facts, start_of
from viewer.profile import CALL_GRAPH, Lane, Profile, StackTable
from viewer.units import counted, duration

LIVE_MEMORY = "memory live"
# The numbers that tell one worker from the next: "Thread-12 (work)", "ThreadPoolExecutor-0_3".
_NUMBER = re.compile(r"(?<=[-_ ])\d+(?=[-_ ])|\d+$")

WeightedStacks = Iterable[tuple[tuple[int, ...], int]]


def load(data: bytes, name: str) -> Profile:
    """Return the profile in a file's bytes: a capture, or any speedscope file.

    Raises:
        CaptureFormatError: neither, or damaged.
    """
    document = read_document(data)
    if "capture" in document:
        return profile_of(capture_of(document))
    if "profiles" not in document:
        raise CaptureFormatError("neither a capture nor a speedscope file: it has no 'profiles'")
    from viewer.speedscope import profile_of_document

    return profile_of_document(document, name)


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
    graph = CallGraph() if _is_guessed(capture) else None
    if graph is not None:
        graph.add(capture.call_graph or (), builder.indexes(capture.frames))
        runs = list(stacks.runs(guess_stacks(capture.call_graph or ())))
        lanes = [Lane(CALL_GRAPH, "nanoseconds", runs, ordered=False)]
    for name, sites in (MEMORY_PROFILE, _retained(capture.memory)), (LIVE_MEMORY, _live(capture.memory)):
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


def merge(captures: Iterable[Capture]) -> Profile:
    """Return the sum of several captures, read one after the other and not kept.

    Lanes are joined by what their threads are: the handler's threads together, the others, and all of
    init phases, by name without its numbers. Live memory does not add up over time: it is the newest
    capture's.

    Raises:
        ValueError: there is no capture.
    """
    builder = ProfileBuilder()
    seen: list[Capture] = []
    graph = CallGraph()
    newest: Capture | None = None
    for capture in captures:
        _add_capture(builder, capture)
        if _is_guessed(capture):
            graph.add(capture.call_graph or (), builder.indexes(capture.frames))
        seen.append(replace(capture, frames=(), threads=(), memory=Memory(), call_graph=None))
        if newest is None or capture.invocation.started_at_ns >= newest.invocation.started_at_ns:
            newest = capture
    if newest is None:
        raise ValueError("nothing to merge")
    builder.add(
        (LIVE_MEMORY,), LIVE_MEMORY, "bytes", builder.stacks(newest.frames).runs(_live(newest.memory))
    )
    facts = merged_facts(seen)
    title = f"{facts['Function']} · {counted(len(seen), 'capture')} merged"
    approximate = bool(graph.edges)
    return Profile(
        title,
        builder.frames,
        builder.table,
        builder.lanes(),
        facts,
        approximate,
        graph if approximate else None,
    )


def merge_profiles(profiles: Iterable[Profile], title: str) -> Profile:
    """Return the sum of several profiles; lanes are joined by name and unit."""
    builder = ProfileBuilder()
    approximate = False
    facts: dict[str, str] = {}
    for number, profile in enumerate(profiles, 1):
        stacks = builder.stacks(profile.frames)
        approximate = approximate or profile.approximate
        for lane in profile.lanes:
            weighted = ((profile.table.stack(node), weight) for node, weight in lane.runs)
            name = normalised(lane.name)
            builder.add((name, lane.unit), name, lane.unit, stacks.runs(weighted))
        facts = {"Files": f"{number:,}"}
    return Profile(title, builder.frames, builder.table, builder.lanes(), facts, approximate)


def normalised(thread_name: str) -> str:
    """Return a thread's name without the numbers that differ from worker to worker."""
    return _NUMBER.sub("*", thread_name)


# ---- building --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sum:
    name: str
    unit: str
    weights: dict[int, int] = field(default_factory=dict)


class ProfileBuilder:
    """Frames and stacks, each stored once, and the lanes that are summed up over them."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.table = StackTable()
        self._indexes: dict[Frame, int] = {}
        self._sums: dict[tuple[str, ...], _Sum] = {}

    def frame(self, frame: Frame) -> int:
        """Return the index of a frame, adding it where it is new."""
        index = self._indexes.setdefault(frame, len(self.frames))
        if index == len(self.frames):
            self.frames.append(frame)
        return index

    def stacks(self, frames: Sequence[Frame]) -> _Stacks:
        """Return the way from one file's frame indexes to this builder's nodes."""
        return _Stacks(self.table, self.indexes(frames))

    def indexes(self, frames: Sequence[Frame]) -> list[int]:
        """Return where one file's frames are among this builder's."""
        return [self.frame(frame) for frame in frames]

    def add(self, role: tuple[str, ...], name: str, unit: str, runs: Iterable[tuple[int, int]]) -> None:
        """Add runs to the lane of a role; the first to come names it."""
        weights = self._sums.setdefault(role, _Sum(name, unit)).weights
        for node, weight in runs:
            weights[node] = weights.get(node, 0) + weight

    def lanes(self) -> list[Lane]:
        """Return the lanes with any weight: time before memory, in the order in which they came."""
        sums = [entry for entry in self._sums.values() if entry.weights]
        sums.sort(key=lambda entry: entry.unit == "bytes")
        return [Lane(entry.name, entry.unit, list(entry.weights.items()), ordered=False) for entry in sums]


class _Stacks:
    """Stacks of one file → nodes; a stack that comes back is looked up whole."""

    def __init__(self, table: StackTable, indexes: Sequence[int]) -> None:
        self._table = table
        self._indexes = indexes
        self._nodes: dict[tuple[int, ...], int] = {}

    def runs(self, stacks: WeightedStacks) -> Iterator[tuple[int, int]]:
        nodes = self._nodes
        for stack, weight in stacks:
            node = nodes.get(stack)
            if node is None:
                node = nodes[stack] = self._table.add([self._indexes[frame] for frame in stack])
            yield node, weight


def _add_capture(builder: ProfileBuilder, capture: Capture) -> None:
    stacks = builder.stacks(capture.frames)
    for number, thread in enumerate(capture.threads):
        is_handler = number == 0 and not capture.invocation.is_init
        name = thread.name if is_handler else normalised(thread.name)
        role = ("handler",) if is_handler else ("thread", name)
        builder.add(
            role, name, "nanoseconds", stacks.runs(zip(thread.stacks, thread.weights_ns, strict=True))
        )
    if _is_guessed(capture):
        guessed = guess_stacks(capture.call_graph or ())
        builder.add((CALL_GRAPH,), CALL_GRAPH, "nanoseconds", stacks.runs(guessed))
    builder.add((MEMORY_PROFILE,), MEMORY_PROFILE, "bytes", stacks.runs(_retained(capture.memory)))


def _is_guessed(capture: Capture) -> bool:
    return bool(capture.call_graph) and not any(thread.weights_ns for thread in capture.threads)


def _retained(memory: Memory) -> WeightedStacks:
    return _weights(memory.sites, "growth_bytes")


def _live(memory: Memory) -> WeightedStacks:
    return _weights(memory.sites, "live_bytes")


def _weights(sites: Sequence[AllocationSite], what: str) -> WeightedStacks:
    return [(site.stack, getattr(site, what)) for site in sites if getattr(site, what) > 0]
