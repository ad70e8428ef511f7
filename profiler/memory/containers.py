"""What counts as a container, how many entries it has, and where it ends, without running user code.

Every look goes through `type(x)` and the base type's own methods: a subclass with its own `__len__`,
a proxy with its own `__class__` and a property named `__dict__` are never called.
"""

from __future__ import annotations

import collections
import functools
import gc
import re
import sys
from array import array
from collections.abc import Iterator
from itertools import islice
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

# Base type → its own len; the first that a type derives from counts.
_LENGTHS: tuple[tuple[type, Any], ...] = (
    (dict, dict.__len__),
    (list, list.__len__),
    (set, set.__len__),
    (collections.deque, collections.deque.__len__),
    (bytearray, bytearray.__len__),
    (array, array.__len__),
)
_BASES = tuple(base for base, _ in _LENGTHS)
LRU_CACHE = type(functools.lru_cache(len))
# By identity, for `in` would let a metaclass compare: the built-in containers themselves, and what is none.
_LENGTH_OF = {id(kind): length for kind, length in _LENGTHS}
PLAIN = frozenset(map(id, (int, float, complex, bool, str, bytes, type(None))))
_BOUND_NAME = re.compile(r"(_\w+__)?_*max_?(size|len|entries|items)$|(_\w+__)?_*capacity$")
_EXPIRY_NAME = re.compile(r"(_\w+__)?_*ttl$")
_SAMPLED_ENTRIES = 4
_SIZED_PARTS = 24


def entries_of(value: object) -> int | None:
    """Return how many entries a container has, or None for anything else."""
    kind = type(value)
    if id(kind) in PLAIN:
        return None
    known = _LENGTH_OF.get(id(kind))
    if known is not None:
        return int(known(value))
    # One test says of most that they are none; it does not ask the value, as isinstance() would.
    if not issubclass(kind, _BASES):
        return None
    return next(int(length(value)) for base, length in _LENGTHS if issubclass(kind, base))


def entries_of_cache(cache: Any) -> dict[Any, Any] | None:
    """Return the dict in which an unbounded `lru_cache` keeps its results; of a bounded one there is none.

    It is the first dict that the cache refers to (lru_cache_tp_traverse in CPython's _functoolsmodule.c).
    """
    info = cache.cache_info()
    if info.maxsize is not None:
        return None
    found = next((one for one in gc.get_referents(cache) if type(one) is dict), None)
    return found if found is not None and len(found) == info.currsize else None


def is_kind(kind: type, base: type) -> bool:
    """Tell whether a type is a built-in one or derives from it.

    Not `isinstance(value, base)`: that asks the value for its `__class__`, which it may compute.
    """
    return kind is base or issubclass(kind, base)


def module_of(kind: type) -> str:
    """Return the name of a type's module; a type may carry anything in that place."""
    module = kind.__module__
    return module if type(module) is str else ""


def attributes_of(value: object) -> dict[str, Any]:
    """Return the instance attributes of an object, slots included, without asking the object itself."""
    attributes = instance_dict(value)
    # `__dict__` takes keys of any type; only texts are attributes.
    found = {name: item for name, item in list((attributes or {}).items()) if type(name) is str}
    for kind in type(value).__mro__:
        own = kind.__dict__
        if "__slots__" not in own:
            continue
        for name, slot in list(own.items()):
            if type(slot) is MemberDescriptorType and name != "__dict__":
                try:
                    found[name] = slot.__get__(value)
                except AttributeError:  # a slot that was never filled
                    continue
    return found


def instance_dict(value: object) -> dict[Any, Any] | None:
    """Return the dict of an object's attributes itself, without asking the object; None where it has none."""
    for kind in type(value).__mro__:
        descriptor = kind.__dict__.get("__dict__")
        if type(descriptor) is GetSetDescriptorType or type(descriptor) is MemberDescriptorType:
            attributes = descriptor.__get__(value)
            if type(attributes) is dict:
                return attributes
    return None


def bound_of(attributes: dict[str, Any]) -> int | None:
    """Return the most entries that an object says it holds: its maxsize, maxlen or capacity."""
    for name, value in attributes.items():
        if type(value) is int and value > 0 and _BOUND_NAME.match(name):
            return value
    return None


def expires(attributes: dict[str, Any]) -> bool:
    """Tell whether an object gives its entries a time to live."""
    return any(type(value) in (int, float) and _EXPIRY_NAME.match(name) for name, value in attributes.items())


def newest_entries(value: object, count: int = _SAMPLED_ENTRIES) -> list[Any]:
    """Return some of the entries added last (for a set, any); a dict gives values and keys.

    An entry that another thread takes away meanwhile ends the look, and nothing is raised.
    """
    try:
        return list(_newest(value, count))
    except (RuntimeError, IndexError):
        return []


def _newest(value: Any, count: int) -> Iterator[Any]:
    kind = type(value)
    if is_kind(kind, dict):
        # Items and not a look-up by key: that would ask the key for its hash.
        for key, item in islice(reversed(dict.items(value)), count):
            yield item
            yield key
    elif is_kind(kind, list):
        yield from islice(list.__reversed__(value), count)
    elif is_kind(kind, collections.deque):
        yield from islice(collections.deque.__reversed__(value), count)
    elif is_kind(kind, set):
        yield from islice(set.__iter__(value), count)


def estimated_bytes(value: object) -> int:
    """Return the size of a container: itself, and its entries estimated from the newest few."""
    entries = entries_of(value) or 0
    own = _shallow_bytes(value)
    newest = newest_entries(value)
    if not newest:
        return own
    # What the entries share (a template, the nodes of a linked list) is there once.
    seen: set[int] = set()
    count = len(newest) // 2 if is_kind(type(value), dict) else len(newest)
    return own + entries * sum(_deep_bytes(entry, seen) for entry in newest) // count


def object_bytes(value: object) -> int:
    """Return the size of an object and of what it holds, a bounded number of parts."""
    return _deep_bytes(value, set())


def _deep_bytes(value: object, seen: set[int]) -> int:
    """Return the size of an entry and of what it holds, a bounded number of parts, each once."""
    total = 0
    parts = [value]
    for _ in range(_SIZED_PARTS):
        if not parts:
            break
        part = parts.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        total += _shallow_bytes(part)
        kind = type(part)
        if kind is tuple or kind is frozenset:
            parts.extend(islice(part, 8))  # type: ignore[call-overload]
        elif entries_of(part):
            parts.extend(newest_entries(part, 8))
        elif module_of(kind) != "builtins" and not issubclass(kind, type):
            attributes = attributes_of(part)
            total += sys.getsizeof(attributes)
            parts.extend(islice(attributes.values(), 8))
    return total


def _shallow_bytes(value: object) -> int:
    # A class of the user's may define __sizeof__: ask the built-in base instead.
    for kind in type(value).__mro__:
        if module_of(kind) in ("builtins", "collections", "array"):
            measure: Any = kind.__sizeof__
            size = measure(value)
            return size if type(size) is int else 0
    return 0
