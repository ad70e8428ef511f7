"""How many objects of each type stay: what grows where no container has a name that the census knows.

All objects that the garbage collector knows are counted by type, which costs 3 to 5 ms for 100,000: so it is
done within an allowance of time that every captured invocation adds to. Only types that grow are told, from
then on with each count. A count says nothing of whether the objects are in use: for those that keep growing
`holders` looks for who holds them, and what nobody holds is garbage that waits to be collected.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any

from profiler import host
from profiler.capture import TypeCount
from profiler.memory.containers import module_of, object_bytes
from profiler.memory.holders import holders
from profiler.own import is_own_module

# What an invocation adds to the allowance: a constant, and a share of its duration.
ALLOWANCE_NS = 200_000
ALLOWANCE_SHARE = 0.005
# While the heap grows and no container tells why, it is worth so many times as much, for so many counts.
_SUSPICION = 8
_SUSPICIOUS_COUNTS = 64
_BLOCKS_KEPT = 9
# Of a count that is dearer than this the wait would be too long: then none is taken.
_COST_AT_MOST_NS = 100_000_000
TYPES_AT_MOST = 60
# A type is told that has more objects than at first by so many.
_GREW_BY = 3
# Who holds them is looked for after so many counts in which they grew, and at each doubling of that.
_SEARCH_AFTER = 8
_SEARCHED_TYPES = 4
_SEARCHED_OBJECTS = 8
# The search remembers what it saw, about 100 bytes an object.
_HEADROOM_BYTES = 48 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Objects:
    """How many objects there are, None where they were not counted, and the types that have grown."""

    total: int | None = None
    types: tuple[TypeCount, ...] = ()


class TypeCounts:
    """The counts of one environment. Types are known by their `id`, for a reference would keep them alive."""

    def __init__(self) -> None:
        self._allowance_ns = 0
        self._cost_ns = 0
        self._captures = 0
        self._counts = 0
        self._blocks: deque[int] = deque(maxlen=_BLOCKS_KEPT)
        self._explained: deque[bool] = deque(maxlen=_BLOCKS_KEPT)
        self._first: dict[int, int] | None = None
        self._told: dict[int, _Told] = {}

    def take(
        self,
        duration_ns: int,
        limit_bytes: int | None,
        own_modules: Sequence[tuple[str, ModuleType]],
        explained: bool = False,
    ) -> Objects:
        """Return the objects and the types of most growth first; no number where it is too early to count.

        `explained` tells that a container with a name has grown: types are for what has none.
        """
        self._captures += 1
        allowance_ns = ALLOWANCE_NS + int(duration_ns * ALLOWANCE_SHARE)
        is_suspicious = self._is_suspicious(explained)
        is_worth_more = is_suspicious and self._counts < _SUSPICIOUS_COUNTS
        self._allowance_ns += allowance_ns * (_SUSPICION if is_worth_more else 1)
        # What the first call builds is not growth.
        if self._captures == 1 or self._allowance_ns < self._cost_ns or self._cost_ns > _COST_AT_MOST_NS:
            return Objects()
        started_ns = time.perf_counter_ns()
        counts = _Counts()
        self._counts += 1
        if self._first is None:
            self._first = dict(counts.by_id)
        found = self._grown(counts)
        self._cost_ns = time.perf_counter_ns() - started_ns
        self._allowance_ns = 0
        if is_suspicious and _has_room(limit_bytes):
            self._search(counts, own_modules)
        return Objects(counts.by_id.total(), found)

    def _is_suspicious(self, explained: bool) -> bool:
        """Tell whether the heap grew with nearly each of the last invocations, and no container did."""
        self._blocks.append(sys.getallocatedblocks())
        self._explained.append(explained)
        rises = sum(later > earlier for earlier, later in pairwise(self._blocks))
        return rises >= _BLOCKS_KEPT - 2 and sum(self._explained) <= _BLOCKS_KEPT // 2

    def _grown(self, counts: _Counts) -> tuple[TypeCount, ...]:
        assert self._first is not None
        growth = {
            kind: count - self._first.get(kind, 0)
            for kind, count in counts.by_id.items()
            if kind in self._told or count > self._first.get(kind, 0) + _GREW_BY
        }
        types = counts.types(growth)
        found = []
        for kind in sorted(growth, key=lambda each: -growth[each]):
            told = self._told.get(kind)
            if told is None and (len(self._told) >= TYPES_AT_MOST or is_own_module(module_of(types[kind]))):
                continue
            if told is None:
                told = self._told[kind] = _Told()
            count = counts.by_id[kind]
            told.rises += count > told.highest
            told.highest = max(told.highest, count)
            found.append(TypeCount(_name(types[kind]), count, told.held_by, told.object_bytes))
        return tuple(found)

    # ---- who holds them ------------------------------------------------------------------------

    def _search(self, counts: _Counts, own_modules: Sequence[tuple[str, ModuleType]]) -> None:
        """Look for who holds the types that grew most, where they have grown again and again."""
        due = [kind for kind, told in self._told.items() if kind in counts.by_id and told.is_due()]
        if not due:
            return
        first = self._first or {}
        due.sort(key=lambda kind: first.get(kind, 0) - counts.by_id[kind])
        types = counts.types(due[:_SEARCHED_TYPES])
        targets = {kind: _sample(types[kind]) for kind in types}
        paths = holders([item for items in targets.values() for item in items], own_modules)
        for kind, items in targets.items():
            told = self._told[kind]
            told.searched_at = told.rises
            told.object_bytes = sum(object_bytes(item) for item in items) // len(items) if items else None
            # Most of them, or it is the path of a few that do not matter.
            ways = Counter(path for item in items if (path := paths.get(id(item))))
            told.held_by = (
                max(ways, key=lambda way: (ways[way], -len(way))) if 2 * ways.total() > len(items) else ""
            )


def _has_room(limit_bytes: int | None) -> bool:
    """Tell whether the memory that a search takes is there to be taken."""
    used = host.rss_bytes()
    return used is None or limit_bytes is None or used + _HEADROOM_BYTES < limit_bytes


class _Told:
    """What is known of one type that grew."""

    __slots__ = ("held_by", "highest", "object_bytes", "rises", "searched_at")

    def __init__(self) -> None:
        self.held_by = ""
        self.highest = 0
        self.object_bytes: int | None = None
        self.rises = 0
        self.searched_at = _SEARCH_AFTER // 2

    def is_due(self) -> bool:
        return self.rises >= 2 * self.searched_at


class _Counts:
    """One count of all objects, by the `id` of their types: to look a type up would ask its metaclass."""

    def __init__(self) -> None:
        was_enabled = gc.isenabled()
        gc.disable()  # a collection in the middle would cost more than the count
        try:
            self._kinds = list(map(type, gc.get_objects()))
        finally:
            if was_enabled:
                gc.enable()
        self.by_id = Counter(map(id, self._kinds))

    def types(self, wanted: Iterable[int]) -> dict[int, type]:
        """Return the types with these ids."""
        by_id = dict(zip(map(id, self._kinds), self._kinds, strict=True))
        return {kind: by_id[kind] for kind in wanted}


def _sample(kind: type) -> list[Any]:
    """Return some objects of a type that are neither its oldest nor its newest: what stayed for a while."""
    old = [item for item in gc.get_objects(generation=2) if type(item) is kind]
    items = (
        old if len(old) >= _SEARCHED_OBJECTS else [item for item in gc.get_objects() if type(item) is kind]
    )
    newer = items[len(items) // 2 :]
    return newer[:: max(1, len(newer) // _SEARCHED_OBJECTS)][:_SEARCHED_OBJECTS]


def _name(kind: type) -> str:
    """Return `module.qualname`, a built-in type's name alone."""
    module, name = module_of(kind), kind.__qualname__
    return name if module == "builtins" else f"{module}.{name}"
