"""One walk of the census: from the globals of the own modules, and the context, to every container by name.

Bounded in nodes and time. Paths are names from the code's structure (`app.Store.cache`); what is reached
through a key or an index is written `[]`. No key and no value of anybody's data is looked into.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Iterable, Iterator
from contextvars import copy_context
from itertools import islice
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from profiler.memory.containers import (
    LRU_CACHE,
    PLAIN,
    attributes_of,
    bound_of,
    entries_of,
    expires,
    is_kind,
    module_of,
)
from profiler.own import is_own_module

NODES_AT_MOST = 20_000
TIME_AT_MOST_NS = 20_000_000
_DEPTH_AT_MOST = 5
# The entries of a container are followed only where it is small and at rest; others are counted, not walked.
_FOLLOWED_ENTRIES = 32
# Of those with more, the containers in them are counted still, up to so many, and not followed further.
_COUNTED_ENTRIES = 400
_CONTAINERS_AT_MOST = 2_000
# Texts shorter than this are names and messages; a longer one may be a log that is added to.
_LONG_TEXT = 256
_TRANSPARENT_MODULES = ("builtins", "collections", "array", "functools", "weakref", "types")
_NODES_PER_CLOCK_LOOK = 64

# Types that are transparent, by identity: most of what there is.
_TRANSPARENT = frozenset(map(id, (dict, list, set, tuple, FunctionType, LRU_CACHE, type)))
_TEXTS = (id(str), id(bytes))
UNCHANGING_TYPES = (tuple, frozenset, str, bytes)
# A path, the object there, its depth, and the bound and expiry that its owner declares.
_Node = tuple[str, Any, int, int | None, bool]
# By identity: `in` would let a metaclass compare.
_SKIPPED = PLAIN | {id(ModuleType), id(BuiltinFunctionType)}


class Seen(NamedTuple):
    path: str
    container: Any
    entries: int
    bound: int | None
    expires: bool


class Unchanging:
    """Tuples, frozen sets and long texts: their size does not change, but a name may be given to longer ones.

    There are many that stay as they are: those are told whose name has held one of another size.
    """

    def __init__(self) -> None:
        self._before: dict[str, int] = {}
        self._now: dict[str, int] = {}
        self._changed: set[str] = set()

    def is_told(self, path: str, entries: int) -> bool:
        """Note what a name holds now; tell whether it is worth telling."""
        # A path with an index is many objects, of which each may have its own size.
        if "[]" in path:
            return False
        self._now[path] = entries
        if self._before.get(path, entries) != entries:
            self._changed.add(path)
        return path in self._changed

    def end(self) -> None:
        """End a walk."""
        self._before, self._now = self._now, {}
        self._changed &= self._before.keys()


class Walk:
    """One walk: breadth within a module, each object once, under the first path that reaches it."""

    def __init__(
        self,
        own_names: set[str],
        known_entries: dict[str, int],
        known_inner: dict[str, int],
        unchanging: Unchanging,
    ) -> None:
        self._own_names = own_names
        self.found: list[Seen] = []
        self._known_entries = known_entries
        self._unchanging = unchanging
        # How many containers there were in a container, and are now.
        self._known_inner = known_inner
        self.inner: dict[str, int] = {}
        self.over_budget = False
        self._seen: set[int] = set()
        # By the `id` of a type: during one walk that is its own.
        self._skipped: dict[int, bool] = {}
        self.nodes = 0
        self._ends_ns = time.perf_counter_ns() + TIME_AT_MOST_NS

    def module(self, name: str, module: ModuleType) -> None:
        """Walk everything reached from a module's globals."""
        self._from(
            (f"{name}.{key}", value, 0, None, False)
            for key, value in list(vars(module).items())
            if not _is_quiet(value) and type(key) is str and key.isidentifier() and not key.startswith("__")
        )

    def context(self) -> None:
        """Walk what is reached from the context variables of this thread."""
        # copy_context() takes no copy of what is in it.
        found = ((variable.name, value) for variable, value in copy_context().items())
        self._from(
            (f"contextvars.{name}", value, 1, None, False) for name, value in found if name.isidentifier()
        )

    def _from(self, nodes: Iterable[_Node]) -> None:
        queue = collections.deque(nodes)
        seen, skipped = self._seen, self._skipped
        while queue and self._within_budget():
            path, value, depth, bound, has_expiry = queue.popleft()
            kind = type(value)
            if kind is str or kind is bytes:
                self._note_unchanging(path, value)
                continue
            if id(value) in seen:
                continue
            seen.add(id(value))
            is_skipped = skipped.get(id(kind))
            if is_skipped is None:
                is_skipped = skipped[id(kind)] = is_own_module(module_of(kind))
            if is_skipped or depth > _DEPTH_AT_MOST:
                continue
            below = depth + 1 if id(kind) in _TRANSPARENT else self._depth_below(kind, depth)
            for child_path, child, its_bound, expiry in self._visit(path, value, bound, has_expiry):
                if not _is_quiet(child):
                    queue.append((child_path, child, below, its_bound, expiry))

    def _depth_below(self, kind: type, depth: int) -> int:
        """Return the depth of what an object leads to: a foreign object shows its own attributes only."""
        module = module_of(kind)
        foreign = module not in self._own_names and module not in _TRANSPARENT_MODULES
        return max(depth + 1, _DEPTH_AT_MOST) if foreign else depth + 1

    def _within_budget(self) -> bool:
        self.nodes = nodes = self.nodes + 1
        is_late = not nodes % _NODES_PER_CLOCK_LOOK and time.perf_counter_ns() > self._ends_ns
        if is_late or nodes > NODES_AT_MOST or len(self.found) >= _CONTAINERS_AT_MOST:
            self.over_budget = True
        return not self.over_budget

    def _visit(
        self, path: str, value: Any, bound: int | None, has_expiry: bool
    ) -> Iterable[tuple[str, Any, int | None, bool]]:
        """Note a container; return what it leads to as (path, object, bound, expiry of the owner)."""
        kind = type(value)
        if kind is dict or kind is list:
            self.found.append(Seen(path, value, len(value), bound, has_expiry))
            return self._of_container(path, value, len(value)) if value else ()
        if kind is LRU_CACHE:
            info = value.cache_info()
            self.found.append(Seen(path, value, info.currsize, info.maxsize, False))
            return self._of_function(path, getattr(value, "__wrapped__", None))
        if kind is FunctionType:
            return self._of_function(path, value)
        if kind is staticmethod or kind is classmethod or kind is MethodType:
            return iter(((path, value.__func__, None, False),))
        if issubclass(kind, type):
            return self._of_class(path, value)
        if kind is tuple or kind is frozenset:
            self._note_unchanging(path, value)
            return [(f"{path}[]", item, None, False) for item in islice(value, _FOLLOWED_ENTRIES)]
        entries = entries_of(value)
        if entries is not None:
            if kind is collections.deque:
                bound = value.maxlen
            own = attributes_of(value) if module_of(kind) not in ("builtins", "collections", "array") else {}
            has_expiry = has_expiry or expires(own)
            self.found.append(Seen(path, value, entries, bound or bound_of(own), has_expiry))
            return self._of_container(path, value, entries)
        return self._of_instance(path, value)

    def _note_unchanging(self, path: str, value: Any) -> None:
        if self._unchanging.is_told(path, len(value)):
            self.found.append(Seen(path, value, len(value), None, False))

    def _of_function(self, path: str, function: Any) -> Iterator[tuple[str, Any, int | None, bool]]:
        if type(function) is not FunctionType or not self._is_own(function.__module__):
            return
        code = function.__code__
        defaults = function.__defaults__ or ()
        names = code.co_varnames[: code.co_argcount][-len(defaults) :] if defaults else ()
        for name, value in [*zip(names, defaults, strict=False), *(function.__kwdefaults__ or {}).items()]:
            yield f"{path}({name}=)", value, None, False
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            if type(cell) is CellType:
                try:
                    yield f"{path}<{name}>", cell.cell_contents, None, False
                except ValueError:  # a cell that is still empty
                    continue
        for name, value in list(function.__dict__.items()):
            if type(name) is str and name.isidentifier():
                yield f"{path}.{name}", value, None, False

    def _is_own(self, module: object) -> bool:
        return type(module) is str and module in self._own_names

    def _of_class(self, path: str, kind: type) -> Iterator[tuple[str, Any, int | None, bool]]:
        if module_of(kind) not in self._own_names:
            return
        for name, value in list(kind.__dict__.items()):
            if name.isidentifier() and not name.startswith("__"):
                yield f"{path}.{name}", value, None, False

    def _of_container(
        self, path: str, value: Any, entries: int
    ) -> Iterable[tuple[str, Any, int | None, bool]]:
        # One that grows would be followed only while it is small, and then seem to be emptied.
        if entries > _COUNTED_ENTRIES or self._known_entries.get(path) != entries:
            return
        kind = type(value)
        if is_kind(kind, dict):
            items = list(dict.values(value))
        elif kind is list or kind is collections.deque or kind is set:
            items = list(value)
        else:
            return
        if PLAIN.issuperset(map(id, map(type, items))):
            self.inner[path] = 0
            return
        follows_all = entries <= _FOLLOWED_ENTRIES
        inner = [(item, count) for item in items if (count := entries_of(item)) is not None]
        self.inner[path] = len(inner)
        # Where slots are still being filled (a ring buffer, a pool) what is in them grows, and will stop.
        is_filled = self._known_inner.get(path) == len(inner)
        for item in items:
            if follows_all and (is_filled or entries_of(item) is None):
                yield f"{path}[]", item, None, False
        if not follows_all and is_filled:
            for item, count in inner:
                if id(item) not in self._seen:
                    self._seen.add(id(item))
                    self.found.append(Seen(f"{path}[]", item, count, None, False))

    def _of_instance(self, path: str, value: Any) -> Iterator[tuple[str, Any, int | None, bool]]:
        attributes = attributes_of(value)
        bound, has_expiry = bound_of(attributes), expires(attributes)
        for name, item in attributes.items():
            if name.isidentifier():
                yield f"{path}.{name}", item, bound, has_expiry


def _is_quiet(value: Any) -> bool:
    """Tell, before a path is made for it, whether a value holds nothing: a number, a short text, a module."""
    kind = id(type(value))
    return kind in _SKIPPED and not (kind in _TEXTS and len(value) >= _LONG_TEXT)
