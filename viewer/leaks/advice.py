"""What to do about a leak: one or two lines that fit what is known of it, and where to read more."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiler.capture import Frame

PAGE = "docs/leaks.md"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, in one or two sentences, and the heading of its rule in `docs/leaks.md`."""

    rule: str
    text: str

    @property
    def reference(self) -> str:
        """Where the rule is explained."""
        return f"{PAGE}#{self.rule}"


@dataclass(frozen=True, slots=True)
class Clues:
    """What a rule may look at. `subject` is a path where there is one: for a type, that to what holds it.

    `frames` are the lines that fill the subject, as far as they are known.
    """

    kind: str
    subject: str
    type: str
    bound: int | None
    frames: Sequence[Frame]


Rule = tuple[str, Callable[[Clues], bool], str]


def advise(clues: Clues) -> Advice:
    """Return the advice of the first rule that fits; the last one fits all."""
    for rule, fits, text in _RULES:
        if fits(clues):
            bound = f"{clues.bound:,}" if clues.bound is not None else ""
            return Advice(rule, text.replace("{bound}", bound))
    raise AssertionError("the last rule fits everything")


def _is_container(clues: Clues) -> bool:
    return clues.kind == "container"


def _has_a_path(clues: Clues) -> bool:
    return clues.kind in ("container", "type")


def _is_lru_cache(clues: Clues) -> bool:
    return clues.type == "lru_cache" and clues.bound is None


def _is_of_a_method(clues: Clues) -> bool:
    """Tell whether the cached function stands in a class: `Store.get`, but not `make.<locals>.get`."""
    names = [frame.name for frame in clues.frames if frame.name]
    return any(re.fullmatch(r"(?:.*\.)?[A-Za-z_]\w*\.[A-Za-z_]\w*", name) is not None for name in names)


def _comes_from(*packages: str) -> Callable[[Clues], bool]:
    pattern = re.compile(rf"(?:^|[/\\])(?:{'|'.join(map(re.escape, packages))})[/\\]")

    def fits(clues: Clues) -> bool:
        return any(pattern.search(frame.file) for frame in clues.frames)

    return fits


def _is_default(clues: Clues) -> bool:
    return _is_container(clues) and re.search(r"\(\w+=\)(?:\[\])*$", clues.subject) is not None


def _is_cell(clues: Clues) -> bool:
    return _is_container(clues) and re.search(r"<\w+>(?:\[\])*$", clues.subject) is not None


def _is_named(*words: str) -> Callable[[Clues], bool]:
    """Tell whether the last name of a path says what the container is for."""
    pattern = re.compile(rf"(?:^|[._])(?:{'|'.join(words)})(?:\[\].*)?$", re.IGNORECASE)
    return lambda clues: _has_a_path(clues) and pattern.search(clues.subject) is not None


# In order: the first that fits is told.
_RULES: tuple[Rule, ...] = (
    (
        "bound-beyond-the-memory",
        lambda clues: _is_container(clues) and clues.bound is not None,
        "its bound of {bound} is more than the memory holds: lower it",
    ),
    (
        "cache-on-a-method",
        lambda clues: _is_lru_cache(clues) and _is_of_a_method(clues),
        "the cache keeps every `self` it was called with, and never forgets: cache on the instance, "
        "or give it a maxsize",
    ),
    (
        "cache-without-maxsize",
        _is_lru_cache,
        "it never forgets: give it a maxsize (`lru_cache(maxsize=1024)`)",
    ),
    (
        "mutable-default",
        _is_default,
        "a default argument is made once and lives as long as the function: "
        "default to None, and make it in the body",
    ),
    (
        "logging-handlers",
        lambda clues: clues.type == "logging handlers",
        "a handler is added in every invocation: add it once, when the module is imported",
    ),
    (
        "exit-callbacks",
        lambda clues: clues.type == "atexit callbacks",
        "a callback is registered in every invocation, and an environment seldom exits: register it once",
    ),
    (
        "threads-and-executors",
        lambda clues: clues.type in ("threads", "executors"),
        "they are started and never ended: use one executor for all invocations, or a `with` block",
    ),
    (
        "open-files",
        lambda clues: clues.type == "open files",
        "they are opened and not closed: a `with` block closes them, whatever happens",
    ),
    (
        "asyncio-tasks",
        lambda clues: clues.type == "asyncio tasks",
        "tasks are made and never end: keep them, await them, and cancel what is left",
    ),
    (
        "client-per-invocation",
        _comes_from("botocore", "boto3", "urllib3", "httpx", "aiohttp"),
        "a client or session is made in every invocation: make it once, when the module is imported",
    ),
    (
        "types-made-at-run-time",
        lambda clues: clues.type == "type" or _comes_from("pydantic", "dataclasses.py")(clues),
        "classes are made in every invocation, and each is kept by its base class: make them once",
    ),
    (
        "closure",
        _is_cell,
        "a closure that outlives the invocation holds it: give it a bound, or make the closure anew",
    ),
    (
        "callbacks",
        _is_named("callbacks", "listeners", "handlers", "subscribers", "hooks", "observers", "waiters"),
        "what subscribes in every invocation must unsubscribe: better subscribe once, "
        "when the module is imported",
    ),
    (
        "kept-exceptions",
        lambda clues: (
            _is_named("errors", "exceptions", "failures", "tracebacks")(clues)
            or (clues.kind == "type" and ("__traceback__" in clues.subject or clues.type == "traceback"))
        ),
        "an exception keeps its traceback, and that every local variable on its way: keep `str(error)`, "
        "and only the last few",
    ),
    (
        "unbounded-container",
        _is_container,
        "it has no bound: give it one",
    ),
    (
        "objects-that-stay",
        lambda clues: clues.kind == "type",
        "more of them stay with each invocation: let go of them there, or bound what holds them",
    ),
    (
        "in-the-python-heap",
        lambda clues: clues.kind == "process" and clues.subject == "Python heap",
        "no container explains it, and it is no garbage: PROFILER_MEMORY=tracemalloc names the line",
    ),
    (
        "outside-the-python-heap",
        lambda clues: clues.kind == "process",
        "the Python heap does not explain it: a C extension, or buffers that no named container holds",
    ),
    (
        "held-by-nothing-known",
        lambda clues: True,
        "no container of the function's own modules holds it; "
        "if it is garbage that waits for its collection, PROFILER_GC=collect rules that out",
    ),
)
