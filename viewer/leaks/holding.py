"""Growing types → what holds them: a container that is judged already, or a leak of their own.

A count of objects proves nothing: they may be garbage, or belong to a cache that will be full. So a type is a
leak only where the function found who holds its objects, and no container on that way has a verdict that
explains them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from viewer.leaks.ownership import is_path_within
from viewer.leaks.subjects import Judged
from viewer.leaks.verdict import LEAK, STABLE

NOT_HELD = (
    "more of them with each invocation, but nothing was found that holds them: it may be garbage that waits "
    "to be collected, which PROFILER_GC=collect would rule out"
)
# Types whose paths begin with so many equal names are held by the same thing.
_ROOT_NAMES = 3


@dataclass(slots=True)
class Held:
    """Growing types by what holds them.

    `joined` are types in leaking containers, by the container's name; `explained` those in containers
    that do not leak, with these; `alone` groups of one holder each, the telling type first;
    `unheld` the rest.
    """

    joined: dict[str, list[Judged]] = field(default_factory=dict)
    explained: list[tuple[Judged, Judged]] = field(default_factory=list)
    alone: list[list[Judged]] = field(default_factory=list)
    unheld: list[Judged] = field(default_factory=list)


def held(types: Sequence[Judged], leaking: Sequence[Judged], containers: Sequence[Judged]) -> Held:
    """Return the types that grow without end, by what holds them."""
    found = Held()
    for one in types:
        path = held_by(one)
        if one.verdict != LEAK:
            continue
        holder = _holder(path, leaking) or _holder(path, [c for c in containers if c.verdict != STABLE])
        if not path:
            found.unheld.append(one)
        elif holder is None:
            _join(found.alone, one)
        elif holder in leaking:
            found.joined.setdefault(holder.name, []).append(one)
        else:
            found.explained.append((one, holder))
    for group in found.alone:
        group.sort(key=_telling)
    return found


def held_by(one: Judged) -> str:
    """Return the path to the objects of a type, "" where it is not known."""
    return one.objects.held_by if one.objects is not None else ""


def bytes_per_invocation(one: Judged) -> float | None:
    """Return by how many bytes the objects of a type grow, None where their size is not known."""
    if one.objects is None or one.objects.object_bytes is None or one.slope is None:
        return None
    return one.slope.value * one.objects.object_bytes


def _holder(path: str, containers: Sequence[Judged]) -> Judged | None:
    """Return the container nearest to the objects on the way to them."""
    on_the_way = [one for one in containers if is_path_within(path, one.name)]
    return max(on_the_way, key=lambda one: len(one.name), default=None)


def _join(groups: list[list[Judged]], one: Judged) -> None:
    root = _root(held_by(one))
    for group in groups:
        other = _root(held_by(group[0]))
        if root[: len(other)] == other or other[: len(root)] == root:
            group.append(one)
            return
    groups.append([one])


def _root(path: str) -> list[str]:
    return re.findall(r"\w+", path.partition(" → ")[0])[:_ROOT_NAMES]


def _telling(one: Judged) -> tuple[bool, float]:
    """Return what sorts types: those with a module before the built-in ones, then by their growth."""
    return "." not in one.name, -(one.slope.value if one.slope else 0.0)
