"""Everything that is counted after an invocation, and what that took: a survey of what stays.

Names first (the census of the own modules, what the process keeps, packages), then types, for what has none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from profiler.capture import Container
from profiler.memory.census import Census, Found
from profiler.memory.packages import Packages
from profiler.memory.registries import registries
from profiler.memory.types import Objects, TypeCounts


@dataclass(frozen=True, slots=True)
class Counted:
    """What one survey found. `nodes` is how many objects were looked at one by one, in `ns`."""

    containers: tuple[Container, ...]
    objects: Objects
    complete: bool
    nodes: int
    ns: int


class Survey:
    """The surveys of one environment, one after each captured invocation."""

    def __init__(self) -> None:
        self._census = Census()
        self.own_modules = self._census.own_modules
        self._packages = Packages(self.own_modules)
        self._types = TypeCounts()

    def take(
        self,
        container_of: Callable[[Found], Container],
        open_files: int | None,
        duration_ns: int,
        limit_bytes: int | None,
    ) -> Counted:
        """Return what there is after an invocation that took `duration_ns`, in a function of that limit."""
        started_ns = time.perf_counter_ns()
        found, complete, nodes = self._census.take()
        readings, looked_at = self._packages.take()
        containers = (
            *map(container_of, found),
            *(Container(path, kind, count) for path, kind, count in registries(open_files)),
            *(
                Container(one.path, one.type, one.entries, None, one.bound, one.expires, True)
                for one in readings
            ),
        )
        explained = any(one.grown for one in found)
        objects = self._types.take(duration_ns, limit_bytes, self.own_modules.list(), explained)
        ns = time.perf_counter_ns() - started_ns
        return Counted(containers, objects, complete, nodes + looked_at, ns)
