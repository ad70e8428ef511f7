"""Captures of one environment → its facts, and one series of numbers per subject.

Captures may come in any order; only numbers are kept of them. Cold invocations are left out: what the
first call builds is not growth. What a capture does not know (an incomplete census, a list of sites that
was cut) is left out as well, and never taken for zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from profiler.capture import Capture, Container, Frame, Memory, TypeCount
from viewer.leaks.observations import Chosen, Observation, choose, longest_stretch, per_hour
from viewer.leaks.series import (
    ContainerSeries,
    EnvironmentFacts,
    Series,
    Stack,
    Subject,
    SubjectSeries,
    TypeSeries,
    place,
)
from viewer.leaks.statistics import thin
from viewer.leaks.track import Track
from viewer.units import counted

# `profiler.memory.tracing` keeps the 300 largest sites: with fewer, an absent one holds nothing.
_SITES_MAY_BE_CUT = 300
_NONE = -1
# Of a subject that is always the same: more than a verdict needs.
_KEPT_OF_CONSTANT = 40
_MEGABYTE = 1 << 20
_MODES_NAMED = 4


@dataclass(slots=True)
class _ContainerTrack:
    entries: Track = field(default_factory=Track)
    bytes: Track = field(default_factory=Track)
    # Of the capture with the highest sequence so far.
    sequence: int = _NONE
    type: str = ""
    bound: int | None = None
    expires: bool = False
    suspected: bool = False
    filled_at: Counter[Frame] | None = None


@dataclass(slots=True)
class _TypeTrack:
    objects: Track = field(default_factory=Track)
    # Of the capture with the highest sequence that knows it: (sequence, held by, bytes).
    latest: tuple[int, str, int | None] = (_NONE, "", None)


class Collector:
    """Takes the captures of one environment; they are not kept.

    What is kept grows with the invocations of this one environment, by what changed in them, and with its
    subjects.
    """

    def __init__(self, function: str, environment: str) -> None:
        self._function = function
        self._environment = environment
        self._skipped = 0
        self._modes: Counter[str] = Counter()
        self._observations: list[Observation] = []
        self._containers: dict[str, _ContainerTrack] = {}
        self._sites: dict[Stack, Track] = {}
        self._types: dict[str, _TypeTrack] = {}
        self._objects_counted = 0
        self._limit_mb: int | None = None

    def add(self, capture: Capture) -> None:
        """Take one capture; one that was cut short, or that did not look at memory, says nothing."""
        memory, invocation = capture.memory, capture.invocation
        self._modes[memory.mode] += capture.complete
        if not capture.complete or memory.mode == "off":
            self._skipped += 1
            return
        number = len(self._observations)
        self._observations.append(
            Observation(
                sequence=invocation.sequence,
                request=hash(invocation.request_id),
                started_at_ns=invocation.started_at_ns,
                cold=invocation.cold,
                census_complete=memory.census_complete,
                tracing_since=memory.tracing_since,
                sites_complete=len(memory.sites) < _SITES_MAY_BE_CUT,
                rss_bytes=memory.process.rss_bytes,
                blocks=memory.process.blocks,
            )
        )
        self._limit_mb = invocation.memory_limit_mb or self._limit_mb
        for container in memory.census:
            self._add_container(number, invocation.sequence, container, capture.frames)
        self._objects_counted += memory.objects is not None
        for count in memory.types:
            self._add_type(number, invocation.sequence, count)
        self._add_sites(number, memory, capture.frames)

    def finish(self) -> tuple[EnvironmentFacts, Iterator[SubjectSeries]]:
        """Return what is known of the environment, and its subjects, each made as it is asked for."""
        chosen, notes = choose(self._observations)
        stretch = longest_stretch(chosen, {item.tracing_since for _, item in chosen})
        readings = [item.rss_bytes for _, item in chosen if item.rss_bytes is not None]
        process = (
            _process([(item.sequence, item.rss_bytes) for _, item in stretch], "resident memory", "bytes"),
            _process([(item.sequence, item.blocks) for _, item in stretch], "Python heap", "blocks"),
        )
        facts = EnvironmentFacts(
            function=self._function,
            environment=self._environment,
            started_at_ns=chosen[0][1].started_at_ns if chosen else 0,
            per_hour=per_hour(chosen),
            warm=len(chosen),
            skipped=self._skipped,
            ran=chosen[-1][1].sequence - chosen[0][1].sequence + 1 if chosen else 0,
            objects_counted=self._objects_counted,
            process=process,
            process_traced=any(item.tracing_since is not None for _, item in stretch),
            limit_bytes=self._limit_mb * _MEGABYTE if self._limit_mb else None,
            last_rss_bytes=readings[-1] if readings else None,
            notes=(*notes, *self._mixed_modes()),
        )
        return facts, self._subjects(chosen, process)

    # ---- taking ----

    def _add_container(
        self, number: int, sequence: int, container: Container, frames: Sequence[Frame]
    ) -> None:
        track = self._containers.get(container.path)
        if track is None:
            track = self._containers[container.path] = _ContainerTrack()
        track.entries.add(number, container.entries)
        if container.bytes is not None:
            track.bytes.add(number, container.bytes)
        if sequence >= track.sequence:
            track.sequence, track.type, track.bound = sequence, container.type, container.bound
        track.expires = track.expires or container.expires
        track.suspected = track.suspected or container.suspected
        if container.filled_at:
            if track.filled_at is None:
                track.filled_at = Counter()
            track.filled_at.update(frames[index] for index in container.filled_at)

    def _add_type(self, number: int, sequence: int, count: TypeCount) -> None:
        track = self._types.setdefault(count.type, _TypeTrack())
        track.objects.add(number, count.count)
        if sequence >= track.latest[0] and (count.held_by or not track.latest[1]):
            track.latest = (sequence, count.held_by, count.object_bytes)

    def _add_sites(self, number: int, memory: Memory, frames: Sequence[Frame]) -> None:
        if memory.tracing_since is None:
            return
        for site in memory.sites:
            if site.stack:
                stack = tuple(frames[index] for index in site.stack)
                self._sites.setdefault(stack, Track()).add(number, site.live_bytes)

    # ---- giving ----

    def _mixed_modes(self) -> Iterator[str]:
        modes = [(mode, count) for mode, count in self._modes.most_common(_MODES_NAMED) if count]
        if len(modes) > 1:
            counts = ", ".join(f"{mode} in {counted(count, 'capture')}" for mode, count in modes)
            yield (
                f"memory was not always looked at in the same way ({counts}): each subject is judged by the "
                "captures that tell of it"
            )

    def _subjects(self, chosen: Chosen, process: Iterable[Series]) -> Iterator[SubjectSeries]:
        once = _Once()
        holder_path, holder = "", dict[int, int]()
        for path, track in self._containers.items():
            # What is reached through a large container is not followed: absent does not mean empty then.
            above = path.rpartition("[]")[0]
            if above != holder_path:
                holder_path = above
                holder = self._containers[above].entries.by_number() if above in self._containers else {}
            container = _container(path, track, holder, chosen, once)
            yield SubjectSeries(container.entries, container=container)
        for name, counts in self._types.items():
            objects = _type(name, counts, chosen, once)
            yield SubjectSeries(objects.objects, objects=objects)
        traced = longest_stretch(chosen, {item.tracing_since for _, item in chosen} - {None})
        for stack, sizes in self._sites.items() if traced else ():
            yield SubjectSeries(_site(stack, sizes, traced, once))
        yield from map(SubjectSeries, process)


class _Once:
    """Keeps equal tuples once: most series of an environment have the same places, many the same values."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], tuple[int, ...]] = {}

    def __call__(self, values: Iterable[int]) -> tuple[int, ...]:
        made = tuple(values)
        return self._known.setdefault(made, made)


def _container(
    path: str, track: _ContainerTrack, holder: dict[int, int], chosen: Chosen, once: _Once
) -> ContainerSeries:
    known = track.entries.by_number()
    points = [
        (item.sequence, known.get(number, 0))
        for number, item in chosen
        if number in known or (item.census_complete and not track.suspected and not holder.get(number))
    ]
    sizes = track.bytes.by_number()
    sized = [(item.sequence, sizes[number]) for number, item in chosen if number in sizes]
    return ContainerSeries(
        entries=_series(Subject("container", path, "entries"), points, once),
        bytes=_series(Subject("container", path, "bytes"), sized, once),
        type=track.type,
        bound=track.bound,
        expires=track.expires,
        filled_at=_most_named_first(track.filled_at),
    )


def _type(name: str, track: _TypeTrack, chosen: Chosen, once: _Once) -> TypeSeries:
    known = track.objects.by_number()
    points = [(item.sequence, known[number]) for number, item in chosen if number in known]
    _, held_by, object_bytes = track.latest
    return TypeSeries(_series(Subject("type", name, "objects"), points, once), held_by, object_bytes)


def _site(stack: Stack, track: Track, traced: Chosen, once: _Once) -> Series:
    known = track.by_number()
    points = [
        (item.sequence, known.get(number, 0))
        for number, item in traced
        if number in known or item.sites_complete
    ]
    return _series(Subject("allocation site", place(stack[-1]), "bytes", stack), points, once)


def _process(readings: Sequence[tuple[int, int | None]], name: str, unit: str) -> Series:
    points = [(sequence, value) for sequence, value in readings if value is not None]
    return _series(Subject("process", name, unit), points, _Once())


def _series(subject: Subject, points: Sequence[tuple[int, int]], once: _Once) -> Series:
    seen = len(points)
    if seen > _KEPT_OF_CONSTANT and len({y for _, y in points}) == 1:
        points = thin(points, _KEPT_OF_CONSTANT)
    return Series(subject, once(x for x, _ in points), once(y for _, y in points), seen)


def _most_named_first(lines: Counter[Frame] | None) -> tuple[Frame, ...]:
    if lines is None:
        return ()
    return tuple(sorted(lines, key=lambda frame: (-lines[frame], frame.file, frame.line, frame.name)))
