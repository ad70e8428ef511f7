"""One series of numbers per subject of an environment, by the sequence of its invocations."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.capture import Frame
from viewer.renderers.text import location

KINDS = ("container", "allocation site", "type", "process")

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
class SubjectSeries:
    """The series that is judged of one subject, and what a container or a type is known by besides."""

    series: Series
    container: ContainerSeries | None = None
    objects: TypeSeries | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What is known of one environment besides its subjects.

    `warm` counts the invocations with memory, `skipped` those without; `ran` the invocations from the first
    to the last of the warm ones, captured or not. `objects_counted` is in how many captures the objects of
    the garbage collector were counted.

    `process` (resident memory, blocks) is of one uninterrupted stretch of tracing or of none, as sites are:
    when tracemalloc starts, both begin anew. `process_traced` tells that it was read while tracing, whose
    own memory is part of what it shows. `per_hour` is how often the environment was called, from its first
    to its last invocation here; None where that cannot be told. `notes` say in words what was odd about the
    captures.
    """

    function: str
    environment: str
    started_at_ns: int
    per_hour: float | None
    warm: int
    skipped: int
    ran: int
    objects_counted: int
    process: tuple[Series, ...]
    process_traced: bool
    limit_bytes: int | None
    last_rss_bytes: int | None
    notes: tuple[str, ...] = ()


def place(frame: Frame) -> str:
    """Return where a line is: `app.py:7 in lookup`."""
    return f"{location(frame)} in {frame.name}" if frame.name else location(frame)
