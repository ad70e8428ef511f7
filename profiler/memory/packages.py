"""Containers that grow in installed packages and the standard library, which hold thousands that do not.

A pass over all of them takes long, so it is cut into slices, one with each captured invocation; a new pass
begins when the number of captured invocations has doubled. What grew from one pass to the next is suspected,
and from then on read with each capture: only that is told.
"""

from __future__ import annotations

import collections
import sys
import time
from array import array
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from profiler.memory.containers import LRU_CACHE, attributes_of, bound_of, entries_of, expires, module_of
from profiler.memory.roots import OwnModules
from profiler.own import is_own_module

SLICE_NS = 100_000
# The first invocation is slow anyway; and what is remembered of a pass should not look like growth later.
FIRST_SLICE_NS = 10_000_000
_REMEMBERED_AT_MOST = 20_000
SUSPECTS_AT_MOST = 64
# What grows in these is told by `registries`.
_TOLD_ELSEWHERE = ("sys", "threading", "logging", "asyncio.tasks", "concurrent.futures.thread")
_KINDS = frozenset(
    map(
        id,
        (
            dict,
            list,
            set,
            collections.deque,
            collections.OrderedDict,
            collections.defaultdict,
            collections.Counter,
            bytearray,
            array,
            LRU_CACHE,
        ),
    )
)


class Reading(NamedTuple):
    """One container of a package. `bound` and `expires` are as its owner declares them."""

    path: str
    type: str
    entries: int
    bound: int | None
    expires: bool


class _Place(NamedTuple):
    """Where a container is: an attribute of a module, or of a class or an object in it."""

    module: str
    owner: str
    name: str

    @property
    def path(self) -> str:
        return ".".join(filter(None, self))


class Packages:
    """The passes of one environment. Sizes are remembered by the `id` of the container alone."""

    def __init__(self, own_modules: OwnModules) -> None:
        self._own_modules = own_modules
        self._captures = 0
        self._next_pass = 1
        self._pending: list[str] = []
        self._sizes: dict[int, int] = {}
        self._suspects: dict[_Place, None] = {}

    def take(self) -> tuple[list[Reading], int]:
        """Go on with the pass, and return what the suspects hold now, and how many globals were looked at."""
        self._captures += 1
        nodes = 0
        if not self._pending and self._captures >= self._next_pass:
            self._next_pass = 2 * self._captures
            if len(self._sizes) > _REMEMBERED_AT_MOST:  # most are of containers that are gone
                self._sizes.clear()
            own_names = {name for name, _ in self._own_modules.list()}
            self._pending = [
                name for name in sys.modules if name not in own_names and name not in _TOLD_ELSEWHERE
            ]
        ends_ns = time.perf_counter_ns() + (SLICE_NS if self._captures > 1 else max(SLICE_NS, FIRST_SLICE_NS))
        while self._pending:
            nodes += self._look_at(self._pending.pop())
            if time.perf_counter_ns() > ends_ns:
                break
        readings = [reading for place in self._suspects if (reading := _read(place)) is not None]
        return readings, nodes

    def _look_at(self, name: str) -> int:
        """Note the sizes of a module's containers, and suspect those that grew since the last pass."""
        module = sys.modules.get(name)
        if type(module) is not ModuleType or is_own_module(name):
            return 0
        for owner, key, container in _containers(name, module):
            entries = _entries(container)
            known = self._sizes.get(id(container))
            self._sizes[id(container)] = entries
            if known is not None and entries > known and len(self._suspects) < SUSPECTS_AT_MOST:
                self._suspects[_Place(name, owner, key)] = None
        return len(vars(module))


def _containers(name: str, module: ModuleType) -> Iterator[tuple[str, str, Any]]:
    """Yield (owner, name, container) of a module's globals, its classes and objects of its own types."""
    package = name.partition(".")[0]
    for key, value in list(vars(module).items()):
        kind = type(value)
        if id(kind) in _KINDS:
            if type(key) is str and key.isidentifier() and not key.startswith("__"):
                yield "", key, value
        elif kind is type:
            if value.__module__ == name:
                yield from (
                    (key, inner, item)
                    for inner, item in list(value.__dict__.items())
                    if id(type(item)) in _KINDS
                )
        elif module_of(kind).partition(".")[0] == package and not issubclass(kind, type):
            yield from (
                (key, inner, item) for inner, item in attributes_of(value).items() if id(type(item)) in _KINDS
            )


def _entries(container: Any) -> int:
    if type(container) is LRU_CACHE:
        return int(container.cache_info().currsize)
    return entries_of(container) or 0


def _read(place: _Place) -> Reading | None:
    """Return what a container holds now, or None where it is no longer there."""
    module = sys.modules.get(place.module)
    names: dict[str, Any] = vars(module) if type(module) is ModuleType else {}
    if place.owner:
        owner = names.get(place.owner)
        names = dict(owner.__dict__) if type(owner) is type else attributes_of(owner)
    container: Any = names.get(place.name)
    kind = type(container)
    if id(kind) not in _KINDS:
        return None
    if kind is LRU_CACHE:
        info = container.cache_info()
        return Reading(place.path, "lru_cache", info.currsize, info.maxsize, False)
    bound = container.maxlen if kind is collections.deque else None
    own = names if place.owner else {}
    entries = _entries(container)
    bound = bound or bound_of(own)
    return Reading(
        place.path, kind.__name__, entries, bound if bound and entries <= bound else None, expires(own)
    )
