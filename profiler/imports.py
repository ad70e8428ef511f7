"""The import of modules, timed exactly: which began within which, and how long each took.

The interpreter loads a module between the two ends of a `with _ModuleLockManager(name)`, in
`importlib._bootstrap._find_and_load`, through which every import of a module that is not there yet must
pass: by statement, by `importlib.import_module` or by a finder of anybody's. `-X importtime` times the same
call. So that manager notes the time on entering and on leaving. Nobody else's hook is displaced, no frame of
ours stands on the stack while a module runs, and none is in a traceback. What comes from it is put in order
afterwards.

Source: Lib/importlib/_bootstrap.py, alike in CPython 3.10 to 3.14.
"""

from __future__ import annotations

import _thread
import importlib._bootstrap as _bootstrap
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any, NamedTuple

from profiler.capture import IMPORTS_LANE, Frame, ThreadProfile
from profiler.engines.base import Declined
from profiler.engines.stacks import FrameTable
from profiler.host import thread_name

NOT_IMPORTED = "<not imported>"
_MANAGER = "_ModuleLockManager"


class Event(NamedTuple):
    """A module began to be imported, or (`begins` is false) it was, or failed. `number` is of the import."""

    at_ns: int
    number: int
    name: str
    begins: bool


class ImportTimes:
    """Every import of this process from `start` to `stop`, by thread."""

    def __init__(self) -> None:
        self._events: dict[int, list[Event]] = {}
        self._names: dict[int, str] = {}
        self._count = 0
        self._before: Any = None
        self._manager: Any = None

    def start(self) -> None:
        """Begin to time imports. Raises Declined where the import system is not as it is known here."""
        self._before = getattr(_bootstrap, _MANAGER, None)
        if not isinstance(self._before, type):
            raise Declined("this interpreter's import system is not known; modules were not timed")
        self._began_ns = time.perf_counter_ns()
        self._thread = _thread.get_ident()
        self._manager = _timed(self._before, self)
        setattr(_bootstrap, _MANAGER, self._manager)

    def stop(self) -> None:
        """End, and put back what was there; where somebody has put theirs over ours, ours only rests."""
        self._ended_ns = time.perf_counter_ns()
        manager, self._manager = self._manager, None
        if manager is not None and getattr(_bootstrap, _MANAGER, None) is manager:
            setattr(_bootstrap, _MANAGER, self._before)

    def lanes(self, table: FrameTable) -> tuple[ThreadProfile, ...]:
        """Return one lane for each thread that imported, first that of the thread which called `start`.

        Frames are modules, with the file that each comes from. Weights are exact. The time between two
        imports is left out: a lane holds only what was spent on importing.
        """
        ended_ns = time.perf_counter_ns() if self._manager is not None else self._ended_ns
        lanes = []
        threads = sorted(self._events, key=lambda ident: ident != self._thread)
        for ident in threads:
            events = list(self._events[ident])
            name = IMPORTS_LANE if ident == self._thread else f"{IMPORTS_LANE} in {self._names[ident]}"
            stacks, weights_ns = _runs(events, ended_ns)
            if stacks:
                frames = {event.name: table.index(_frame(event.name)) for event in events}
                numbered = tuple(tuple(frames[module] for module in stack) for stack in stacks)
                lanes.append(ThreadProfile(name, numbered, weights_ns, events[0].at_ns - self._began_ns))
        return tuple(lanes)

    # ---- called by the import system -----------------------------------------------------------

    def enter(self, name: str, at_ns: int) -> int:
        """Note that an import began; return its number, or -1 where it is not timed."""
        # A module that is there is being waited for, or reloaded.
        if self._manager is None or name in sys.modules:
            return -1
        ident = _thread.get_ident()
        events = self._events.get(ident)
        if events is None:
            self._names[ident] = thread_name(ident)
            events = self._events[ident] = []
        self._count = number = self._count + 1
        events.append(Event(at_ns, number, name, True))
        return number

    def leave(self, name: str, number: int) -> None:
        """Note that an import ended, one way or the other."""
        if number >= 0:
            self._events[_thread.get_ident()].append(Event(time.perf_counter_ns(), number, name, False))


def _timed(manager: Any, times: ImportTimes) -> type:
    """Return the lock manager that also tells `times`."""

    class TimedLockManager(manager):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            super().__init__(name)
            self._module = name

        def __enter__(self) -> Any:
            self._number = -1
            began_ns = time.perf_counter_ns()
            result = super().__enter__()  # waits while another thread imports the same
            with suppress(Exception):  # of ours: the lock is held, and the import must go on
                self._number = times.enter(self._module, began_ns)
            return result

        def __exit__(self, *args: Any, **kwargs: Any) -> Any:
            with suppress(Exception):
                times.leave(self._module, self._number)
            return super().__exit__(*args, **kwargs)

    return TimedLockManager


def _runs(events: Sequence[Event], ended_ns: int) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    """Return (stacks of module names, root first) and their weights, in time order.

    What has not ended yet is charged up to `ended_ns`. Greenlets may leave in another order than they
    entered: then the one that leaves is taken out from among the others.
    """
    stacks: list[tuple[str, ...]] = []
    weights_ns: list[int] = []
    open_: list[Event] = []
    last_ns = events[0].at_ns if events else 0

    def charge(until_ns: int) -> None:
        stack = tuple(event.name for event in open_)
        if not stack or until_ns <= last_ns:
            return
        if stacks and stacks[-1] == stack:
            weights_ns[-1] += until_ns - last_ns
        else:
            stacks.append(stack)
            weights_ns.append(until_ns - last_ns)

    for event in events:
        charge(event.at_ns)
        last_ns = max(last_ns, event.at_ns)
        if event.begins:
            open_.append(event)
        else:
            open_ = [other for other in open_ if other.number != event.number]
    charge(ended_ns)
    return tuple(stacks), tuple(weights_ns)


def _frame(name: str) -> Frame:
    return Frame(name, _origin(name), 0)


def _origin(name: str) -> str:
    """Return where a module comes from, without running any code of its own: it may be a lazy one."""
    module = sys.modules.get(name)
    if module is None:
        return NOT_IMPORTED
    if not issubclass(type(module), ModuleType):
        return ""
    names = object.__getattribute__(module, "__dict__")
    file = names.get("__file__")
    if type(file) is str:
        return file
    origin = getattr(names.get("__spec__"), "origin", None)
    if type(origin) is str:
        return f"<{origin}>"
    return "<namespace>" if "__path__" in names else ""
