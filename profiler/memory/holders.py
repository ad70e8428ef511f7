"""Who holds an object: the shortest way to it from a module's global, by what the garbage collector knows.

The search goes forward, from the globals of modules to what they refer to, for that way every object is
looked at once; it is bounded in objects and in time. What it reaches is no garbage, which a count alone
cannot tell. A path is made of names in the code (`app.BUS.callbacks[]`), as the census makes them; a key, an
index or a member is written `[]`, and no value of anybody's data is looked into.
"""

from __future__ import annotations

import contextvars
import gc
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from types import CellType, FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any

from profiler.memory.containers import attributes_of, entries_of, instance_dict, is_kind
from profiler.own import is_own_file, is_own_module

OBJECTS_AT_MOST = 150_000
TIME_AT_MOST_NS = 30_000_000
# So many objects are asked at once for what they refer to; the way back is looked for among them.
_BATCH = 400
# A step that is taken again and again (`.next.next.next`) is told so often.
_REPEATED_AT_MOST = 3
_STEPS_AT_MOST = 24
_CLASS_DICT: Any = type.__dict__["__dict__"]


def holders(targets: Sequence[Any], own_modules: Sequence[tuple[str, ModuleType]]) -> dict[int, str]:
    """Return the path of each target that was reached, by its `id`; own modules are searched first.

    A target that is not in it is garbage, or is held where no module leads to, or the budget was spent.
    """
    was_enabled = gc.isenabled()
    gc.disable()  # a collection meanwhile would cost more than the search
    search = _Search(targets)
    try:
        search.run(_globals_of(dict(own_modules)))
        context = contextvars.copy_context()
        search.run({id(context): ("context variables", context)})
        others = {name: module for name, module in _all_modules().items() if not is_own_module(name)}
        search.run(_globals_of(others))
        search.run({id(frame): (name, frame) for name, frame in _running()})
        return search.paths()
    finally:
        search.close()
        if was_enabled:
            gc.enable()


def _all_modules() -> dict[str, ModuleType]:
    modules = list(sys.modules.items())
    # type() and not isinstance(): a lazy module may run code when it is asked for its class.
    return {name: module for name, module in modules if type(module) is ModuleType}


def _globals_of(modules: Mapping[str, ModuleType]) -> dict[int, tuple[str, Any]]:
    return {id(vars(module)): (name, vars(module)) for name, module in modules.items()}


def _running() -> Iterator[tuple[str, FrameType]]:
    within: FrameType | None
    for within in list(sys._current_frames().values()):
        while within is not None:
            if not is_own_file(within.f_code.co_filename):
                yield f"frame of {within.f_code.co_name}", within
            within = within.f_back
    # One of them was this function's own: in a cycle with it all that these frames hold would stay.
    within = None


class _Search:
    """Breadth first from one set of roots after the other; what was seen is not looked at again."""

    def __init__(self, targets: Sequence[Any]) -> None:
        self._found: dict[int, Any] = {}
        self._wanted = {id(target): target for target in targets}
        self._ends_ns = time.perf_counter_ns() + TIME_AT_MOST_NS
        # The number of the batch that led to an object; a root has none.
        self._seen: dict[int, int] = {}
        self._batches: list[list[Any]] = []
        self._roots: dict[int, tuple[str, Any]] = {}
        # The globals of a module are reached by its name alone: each function leads to them. Those of the
        # profiler are seen and never searched.
        for module in _all_modules().values():
            self._seen[id(vars(module))] = -1
        self._seen.update({id(mine): -1 for mine in (self._wanted, self._seen, self._batches, targets)})

    def run(self, roots: dict[int, tuple[str, Any]]) -> None:
        """Search from roots, by their id: (name, object)."""
        self._roots.update(roots)
        self._seen.update(dict.fromkeys(roots, -1))
        level = [root for _, root in roots.values()]
        while level and self._wanted.keys() - self._found.keys():
            following: list[Any] = []
            for start in range(0, len(level), _BATCH):
                if len(self._seen) > OBJECTS_AT_MOST or time.perf_counter_ns() > self._ends_ns:
                    return
                following += self._expand(level[start : start + _BATCH])
            level = following

    def paths(self) -> dict[int, str]:
        """Return the paths of the targets that were reached."""
        # All ways first, then their names: to ask an object for its attributes may change what it refers to.
        ways = {key: self._way(item) for key, item in self._found.items()}
        return {key: _path(*way) for key, way in ways.items() if way is not None}

    def close(self) -> None:
        """Let go of everything that was looked at."""
        self._found.clear()
        self._batches.clear()
        self._wanted.clear()
        self._roots.clear()

    def _expand(self, batch: list[Any]) -> list[Any]:
        """Return what a batch refers to and was not seen; note the paths of targets among them."""
        number, seen = len(self._batches), self._seen
        self._batches.append(batch)
        seen[id(batch)] = -1
        found = []
        for item in filter(gc.is_tracked, gc.get_referents(*batch)):
            key = id(item)
            if key not in seen:
                seen[key] = number
                if type(item) is not ModuleType:
                    found.append(item)
                if key in self._wanted:
                    self._found[key] = item
        return found

    def _way(self, item: Any) -> tuple[str, Any, list[tuple[Any, Any]]] | None:
        """Return a root's name, the root, and from it each (holder, what it holds) up to an object."""
        steps = []
        while id(item) not in self._roots:
            holder = self._holder(item)
            if holder is None:
                return None
            steps.append((holder, item))
            item = holder
        name, root = self._roots[id(item)]
        return name, root, steps[::-1]

    def _holder(self, item: Any) -> Any:
        for candidate in self._batches[self._seen[id(item)]]:
            if any(referent is item for referent in gc.get_referents(candidate)):
                return candidate
        return None


def _path(name: str, root: Any, steps: Sequence[tuple[Any, Any]]) -> str:
    return name + "".join(_shortened(_steps(steps, root)))


def _shortened(steps: Iterable[str]) -> Iterator[str]:
    """Yield steps; of one that is repeated the first few, and of very many the first."""
    for told, (step, group) in enumerate(groupby(filter(None, steps))):
        if told == _STEPS_AT_MOST:
            yield "…"
            return
        count = sum(1 for _ in group)
        yield step * min(count, _REPEATED_AT_MOST)
        if count > _REPEATED_AT_MOST:
            yield "…"


def _steps(pairs: Sequence[tuple[Any, Any]], root: Any) -> Iterator[str]:
    """Yield the name of each step from a holder to what it holds, from the root on."""
    above: Any = None
    for holder, item in pairs:
        is_names = type(holder) is dict and (holder is root or _names_of(above) is holder)
        yield _step(above, holder, item, is_names)
        above = holder


def _step(above: Any, holder: Any, item: Any, is_names: bool) -> str:
    kind = type(holder)
    if is_names:
        return _named(holder, item)
    if item is _names_of(holder) or kind is CellType:
        return ""  # the step before or after has the name
    if type(above) is FunctionType and (kind is tuple or kind is dict):
        return _part_of_function(above, holder, item)
    if kind is FunctionType:
        return ""
    if kind is TracebackType:
        return f" → frame of {item.f_code.co_name}" if type(item) is FrameType else ""
    name = _name_in(_attributes_of(holder), item)
    if name:
        return f".{name}"
    if entries_of(holder) is not None or kind is tuple or kind is frozenset:
        return "[]"
    return f" → {type(item).__name__}"


def _names_of(value: Any) -> dict[Any, Any] | None:
    """Return the dict that holds an object's attributes, where it has one."""
    if type(value) is FunctionType:
        return value.__dict__
    if issubclass(type(value), type):
        # A class gives a proxy of its dict, which refers to that alone.
        return next(iter(gc.get_referents(_CLASS_DICT.__get__(value))), None)
    return instance_dict(value)


def _attributes_of(value: Any) -> dict[str, Any]:
    kind = type(value)
    if is_kind(kind, BaseException):
        names = ("__traceback__", "__context__", "__cause__")
        builtin = {name: BaseException.__dict__[name].__get__(value) for name in names}
        return builtin | attributes_of(value)
    if kind is MethodType:
        return {"__self__": value.__self__}
    return attributes_of(value)


def _part_of_function(function: Any, part: Any, item: Any) -> str:
    """Return the step from a function to what its closure or a default holds."""
    code = function.__code__
    if part is not None and part is function.__closure__:
        return f"<{_name_at(code.co_freevars, part, item)}>"
    if part is function.__defaults__:
        return f"({_name_at(code.co_varnames[: code.co_argcount][-len(part) :], part, item)}=)"
    if part is function.__kwdefaults__:
        return f"({_name_in(part, item)}=)"
    return ""


def _name_at(names: Sequence[str], parts: Sequence[Any], item: Any) -> str:
    return next((name for name, part in zip(names, parts, strict=False) if part is item), "…")


def _name_in(names: dict[Any, Any], item: Any) -> str:
    for name, value in list(names.items()):
        if value is item and type(name) is str and name.isidentifier():
            return name
    return ""


def _named(names: dict[Any, Any], item: Any) -> str:
    return f".{_name_in(names, item) or '…'}"
