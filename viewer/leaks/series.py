"""Captures of one environment → one series of numbers per subject, by the sequence of its invocations.

Captures may come in any order; only numbers are kept of them. Cold invocations are left out: what the
first call builds is not growth. What a capture does not know (an incomplete census, a list of sites that
was cut) is left out as well, and never taken for zero.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from profiler.capture import Capture, Container, Frame, Memory, TypeCount
from viewer.leaks.statistics import thin
from viewer.renderers.text import location
from viewer.units import counted

KINDS = ("container", "allocation site", "type", "process")
# `profiler.memory.tracing` keeps the 300 largest sites: with fewer, an absent one holds nothing.
_SITES_MAY_BE_CUT = 300
_NONE = -1
# Of a subject that is always the same: more than a verdict needs.
_KEPT_OF_CONSTANT = 40
_MEGABYTE = 1 << 20

Stack = tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What can grow: a container, an allocation site, the objects of a type, or a reading of the process."""

    kind: str
    name: str
    unit: str
    stack: Stack = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one subject over the sequence numbers of warm invocations, strictly increasing.

    Of a subject that is always the same a few are kept; `seen` is how many there were.
    """

    subject: Subject
    xs: tuple[int, ...]
    ys: tuple[int, ...]
    seen: int


@dataclass(frozen=True, slots=True)
class ContainerSeries:
    """Entries of one container, its bytes where known, and what its last capture says of it.

    `filled_at` are the lines that fill it, those named by most captures first.
    """

    entries: Series
    bytes: Series
    type: str
    bound: int | None
    expires: bool
    filled_at: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class TypeSeries:
    """How many objects of one type there are, and what its last capture says of them."""

    objects: Series
    held_by: str
    object_bytes: int | None


@dataclass(frozen=True, slots=True)
class EnvironmentSeries:
    """All series of one environment. `warm` counts the invocations with memory; `skipped` those without.

    `objects_counted` is in how many captures the objects of the garbage collector were counted.

    Sites and process are of one uninterrupted stretch of tracing (or of none): when tracemalloc starts,
    both begin anew. `process_traced` tells that the process was read while tracing, whose own memory is
    part of what it shows. `per_hour` is how often the environment was called, from its first to its last
    invocation here; None where that cannot be told. `notes` say in words what was odd about the captures.
    """

    function: str
    environment: str
    started_at_ns: int
    per_hour: float | None
    warm: int
    skipped: int
    containers: tuple[ContainerSeries, ...]
    sites: tuple[Series, ...]
    types: tuple[TypeSeries, ...]
    objects_counted: int
    process: tuple[Series, ...]
    process_traced: bool
    limit_bytes: int | None
    last_rss_bytes: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Observation:
    sequence: int
    # Its hash: it is only told apart.
    request: int
    started_at_ns: int
    cold: bool
    census_complete: bool
    tracing_since: int | None
    sites_complete: bool
    process: tuple[int | None, int | None]


class _Track:
    """The values of one subject by the number of the observation.

    What stays as it is takes no room: a run of equal values is kept once, from its first number to its last.
    """

    __slots__ = ("_firsts", "_lasts", "_values")

    def __init__(self) -> None:
        self._firsts = array("q")
        self._lasts = array("q")
        self._values = array("q")

    def add(self, number: int, value: int) -> None:
        if self._values and self._values[-1] == value and self._lasts[-1] + 1 == number:
            self._lasts[-1] = number
            return
        self._firsts.append(number)
        self._lasts.append(number)
        self._values.append(value)

    def by_number(self) -> dict[int, int]:
        """Return the values, those of one observation added up."""
        found: dict[int, int] = {}
        for first, last, value in zip(self._firsts, self._lasts, self._values, strict=True):
            for number in range(first, last + 1):
                found[number] = found.get(number, 0) + value
        return found


@dataclass(slots=True)
class _ContainerTrack:
    entries: _Track = field(default_factory=_Track)
    bytes: _Track = field(default_factory=_Track)
    # Of the capture with the highest sequence so far: (sequence, type, bound).
    latest: tuple[int, str, int | None] = (_NONE, "", None)
    expires: bool = False
    suspected: bool = False
    filled_at: Counter[Frame] = field(default_factory=Counter)


@dataclass(slots=True)
class _TypeTrack:
    objects: _Track = field(default_factory=_Track)
    # Of the capture with the highest sequence that knows it: (sequence, held by, bytes).
    latest: tuple[int, str, int | None] = (_NONE, "", None)


class Collector:
    """Takes the captures of one environment and gives its series; the captures are not kept."""

    def __init__(self, function: str, environment: str) -> None:
        self._function = function
        self._environment = environment
        self._skipped = 0
        self._observations: list[_Observation] = []
        self._containers: dict[str, _ContainerTrack] = {}
        self._sites: dict[Stack, _Track] = {}
        self._types: dict[str, _TypeTrack] = {}
        self._objects_counted = 0
        self._limit_mb: int | None = None

    def add(self, capture: Capture) -> None:
        """Take one capture; one that was cut short, or that did not look at memory, says nothing."""
        memory, invocation = capture.memory, capture.invocation
        if not capture.complete or memory.mode == "off":
            self._skipped += 1
            return
        number = len(self._observations)
        self._observations.append(
            _Observation(
                sequence=invocation.sequence,
                request=hash(invocation.request_id),
                started_at_ns=invocation.started_at_ns,
                cold=invocation.cold,
                census_complete=memory.census_complete,
                tracing_since=memory.tracing_since,
                sites_complete=len(memory.sites) < _SITES_MAY_BE_CUT,
                process=(memory.process.rss_bytes, memory.process.blocks),
            )
        )
        self._limit_mb = invocation.memory_limit_mb or self._limit_mb
        for container in memory.census:
            self._add_container(number, invocation.sequence, container, capture.frames)
        self._objects_counted += memory.objects is not None
        for count in memory.types:
            self._add_type(number, invocation.sequence, count)
        self._add_sites(number, memory, capture.frames)

    def series(self) -> EnvironmentSeries:
        """Return the series of everything taken so far."""
        chosen, notes = self._chosen()
        process = _longest_stretch(chosen, {item.tracing_since for _, item in chosen})
        traced = _longest_stretch(chosen, {item.tracing_since for _, item in chosen} - {None})
        sites = self._sites.items() if traced else ()
        readings = [item.process[0] for _, item in chosen if item.process[0] is not None]
        return EnvironmentSeries(
            function=self._function,
            environment=self._environment,
            started_at_ns=chosen[0][1].started_at_ns if chosen else 0,
            per_hour=_per_hour(chosen),
            warm=len(chosen),
            skipped=self._skipped,
            containers=tuple(
                _container(path, track, self._holder_of(path), chosen)
                for path, track in self._containers.items()
            ),
            sites=tuple(_site(stack, track, traced) for stack, track in sites),
            types=tuple(_type(name, track, chosen) for name, track in self._types.items()),
            objects_counted=self._objects_counted,
            process=(
                _process(process, 0, "resident memory", "bytes"),
                _process(process, 1, "Python heap", "blocks"),
            ),
            process_traced=any(item.tracing_since is not None for _, item in process),
            limit_bytes=self._limit_mb * _MEGABYTE if self._limit_mb else None,
            last_rss_bytes=readings[-1] if readings else None,
            notes=notes,
        )

    def _holder_of(self, path: str) -> _ContainerTrack | None:
        """Return the container that one is in, where the census reached it through that."""
        return self._containers.get(path.rpartition("[]")[0]) if "[]" in path else None

    def _add_container(
        self, number: int, sequence: int, container: Container, frames: Sequence[Frame]
    ) -> None:
        track = self._containers.setdefault(container.path, _ContainerTrack())
        track.entries.add(number, container.entries)
        if container.bytes is not None:
            track.bytes.add(number, container.bytes)
        if sequence >= track.latest[0]:
            track.latest = (sequence, container.type, container.bound)
        track.expires = track.expires or container.expires
        track.suspected = track.suspected or container.suspected
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
                self._sites.setdefault(stack, _Track()).add(number, site.live_bytes)

    def _chosen(self) -> tuple[_Chosen, tuple[str, ...]]:
        """Return (number, observation) of the warm ones in order, and what was odd about them.

        A capture that is there twice counts once. Where two invocations have the same number, two
        environments share an id: the one with the most captures is judged, and the others are told.
        """
        numbered = sorted(enumerate(self._observations), key=lambda pair: pair[1].started_at_ns)
        requests: dict[int, set[int]] = {}
        for _, item in numbered:
            requests.setdefault(item.sequence, set()).add(item.request)
        notes = []
        if any(len(ids) > 1 for ids in requests.values()):
            runs = _runs(numbered)
            numbered = max(runs, key=len)
            notes.append(
                f"{len(runs)} environments share this id; the one with the most captures is judged, "
                f"{counted(len(self._observations) - len(numbered), 'capture')} of the others are not"
            )
        by_sequence = {item.sequence: (number, item) for number, item in numbered}
        ordered = [by_sequence[sequence] for sequence in sorted(by_sequence)]
        if any(a.started_at_ns > b.started_at_ns for (_, a), (_, b) in pairwise(ordered)):
            notes.append("the clock went back: the order is that of the invocations' numbers")
        return [pair for pair in ordered if not pair[1].cold], tuple(notes)


_Chosen = list[tuple[int, _Observation]]


def _runs(numbered: _Chosen) -> list[_Chosen]:
    """Return observations, ordered by time, by environment where several share an id.

    Within one the numbers go up.
    """
    runs: list[_Chosen] = []
    for pair in numbered:
        fitting = [run for run in runs if run[-1][1].sequence < pair[1].sequence]
        # Of those that it may continue, the one whose last number is nearest, then the one seen last.
        if fitting:
            max(fitting, key=lambda run: (run[-1][1].sequence, run[-1][1].started_at_ns)).append(pair)
        else:
            runs.append([pair])
    return runs


def _per_hour(chosen: _Chosen) -> float | None:
    if not chosen:
        return None
    first, last = chosen[0][1], chosen[-1][1]
    elapsed_ns = last.started_at_ns - first.started_at_ns
    # A clock that went back tells nothing.
    return (last.sequence - first.sequence) / (elapsed_ns / 3.6e12) if elapsed_ns > 0 else None


def _longest_stretch(chosen: _Chosen, starts: Iterable[int | None]) -> _Chosen:
    """Return the observations of the stretch of tracing with the most of them, the last of equals."""
    stretches = [[pair for pair in chosen if pair[1].tracing_since == start] for start in starts]
    return max(stretches, key=lambda stretch: (len(stretch), stretch[-1][1].sequence), default=[])


def _container(
    path: str, track: _ContainerTrack, holder_track: _ContainerTrack | None, chosen: _Chosen
) -> ContainerSeries:
    known = track.entries.by_number()
    # What is reached through a large container is not followed: absent does not mean empty then.
    holder = holder_track.entries.by_number() if holder_track is not None else {}
    points = [
        (item.sequence, known.get(number, 0))
        for number, item in chosen
        if number in known or (item.census_complete and not track.suspected and not holder.get(number))
    ]
    sizes = track.bytes.by_number()
    sized = [(item.sequence, sizes[number]) for number, item in chosen if number in sizes]
    _, kind, bound = track.latest
    return ContainerSeries(
        entries=_series(Subject("container", path, "entries"), points),
        bytes=_series(Subject("container", path, "bytes"), sized),
        type=kind,
        bound=bound,
        expires=track.expires,
        filled_at=tuple(sorted(track.filled_at, key=lambda frame: (-track.filled_at[frame], *_order(frame)))),
    )


def _type(name: str, track: _TypeTrack, chosen: _Chosen) -> TypeSeries:
    known = track.objects.by_number()
    points = [(item.sequence, known[number]) for number, item in chosen if number in known]
    _, held_by, object_bytes = track.latest
    return TypeSeries(_series(Subject("type", name, "objects"), points), held_by, object_bytes)


def _site(stack: Stack, track: _Track, traced: _Chosen) -> Series:
    known = track.by_number()
    points = [
        (item.sequence, known.get(number, 0))
        for number, item in traced
        if number in known or item.sites_complete
    ]
    return _series(Subject("allocation site", place(stack[-1]), "bytes", stack), points)


def _process(stretch: _Chosen, index: int, name: str, unit: str) -> Series:
    points = [
        (item.sequence, value) for _, item in stretch for value in (item.process[index],) if value is not None
    ]
    return _series(Subject("process", name, unit), points)


def _series(subject: Subject, points: Sequence[tuple[int, int]]) -> Series:
    seen = len(points)
    if seen > _KEPT_OF_CONSTANT and len({y for _, y in points}) == 1:
        points = thin(points, _KEPT_OF_CONSTANT)
    return Series(subject, tuple(x for x, _ in points), tuple(y for _, y in points), seen)


def _order(frame: Frame) -> tuple[str, int, str]:
    return frame.file, frame.line, frame.name


def place(frame: Frame) -> str:
    """Return where a line is: `app.py:7 in lookup`."""
    return f"{location(frame)} in {frame.name}" if frame.name else location(frame)
