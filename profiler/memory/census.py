"""The census: every named container and cache that the function's own modules hold, and its size.

`walk` finds them; here they are added up by path, and measured where they changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from profiler.memory.containers import LRU_CACHE, entries_of_cache, estimated_bytes
from profiler.memory.roots import OwnModules
from profiler.memory.walk import UNCHANGING_TYPES, Seen, Unchanging, Walk

# Of the containers of one path so many are measured; the others are taken to be like them.
_MEASURED_AT_MOST = 16


# Not frozen, for that would double its cost; no named tuple, for tracemalloc would not see whose it is.
@dataclass(slots=True, eq=False)
class Found:
    """The containers of one path. `grown` are the live objects, where they hold more than last time."""

    path: str
    type: str
    entries: int
    bytes: int | None
    bound: int | None
    expires: bool
    grown: tuple[Any, ...]
    # The function that an lru_cache stands in front of.
    code: CodeType | None = None
    # Told only since its size was seen to change.
    suspected: bool = False


class Census:
    """The walks of one environment; it remembers sizes, so that only what changed is measured again."""

    def __init__(self) -> None:
        self.own_modules = OwnModules()
        self._known: dict[str, tuple[int, int]] = {}
        self._inner: dict[str, int] = {}
        self._unchanging = Unchanging()
        # What was said of containers that were single, and as before already when it was said.
        self._last: dict[str, Found] = {}

    def take(self) -> tuple[list[Found], bool, int]:
        """Return the containers by path, whether the walk ended within its budget, and its nodes."""
        modules = self.own_modules.list()
        own_names = {name for name, _ in modules}
        known = {path: entries for path, (entries, _) in self._known.items()}
        walk = Walk(own_names, known, self._inner, self._unchanging)
        for name, module in modules:
            walk.module(name, module)
        walk.context()
        self._unchanging.end()
        paths: dict[str, list[Seen]] = {}
        for seen in walk.found:
            paths.setdefault(seen.path, []).append(seen)
        found = [self._measured(seen) for seen in paths.values()]
        self._inner = walk.inner
        self._last = {item.path: item for item in found if not item.grown and len(paths[item.path]) == 1}
        self._known = {item.path: (item.entries, item.bytes) for item in found if item.bytes is not None}
        return found, not walk.over_budget, walk.nodes

    def _measured(self, seen: list[Seen]) -> Found:
        """Return what the containers of one path (`app.SHARDS[]` is many) hold together."""
        first = seen[0]
        last = self._last.get(first.path)
        if last is not None and len(seen) == 1 and _is_as_before(first, last):
            return last
        entries = sum(one.entries for one in seen)
        known_entries, known_bytes = self._known.get(first.path, (-1, 0))
        live = [one.container for one in seen if type(one.container) is not LRU_CACHE]
        held = live or [cache for one in seen if (cache := entries_of_cache(one.container)) is not None]
        size: int | None = known_bytes
        if entries != known_entries:
            size = sum(estimated_bytes(container) for container in held[:_MEASURED_AT_MOST])
            size = size * len(held) // max(1, min(len(held), _MEASURED_AT_MOST))
        # A number that is called a bound but has been passed bounds something else.
        bound = first.bound if first.bound and len(seen) == 1 and entries <= first.bound else None
        return Found(
            path=first.path,
            type=type(first.container).__name__ if live else "lru_cache",
            entries=entries,
            bytes=size if held else None,
            bound=bound,
            expires=first.expires,
            grown=tuple(live) if entries > known_entries else (),
            code=None if live else _cached_code(first.container),
            suspected=type(first.container) in UNCHANGING_TYPES,
        )


def _is_as_before(seen: Seen, last: Found) -> bool:
    return (
        seen.entries == last.entries
        and seen.bound == last.bound
        and seen.expires == last.expires
        and (type(seen.container).__name__ == last.type or last.type == "lru_cache")
    )


def _cached_code(cache: Any) -> CodeType | None:
    function = getattr(cache, "__wrapped__", None)
    return function.__code__ if type(function) is FunctionType else None
