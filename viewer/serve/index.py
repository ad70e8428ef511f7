"""What there is in a store, from the names of its captures alone, and what has come since one last looked.

A name tells when an invocation began, how long it took and how it ended: a hundred thousand of them are drawn
without opening one. The first look lists the whole store, later ones what began in the last hours.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from profiler.capture import OUTCOMES
from viewer.store import CaptureStore, StoredCapture

# An invocation is delivered after it began, perhaps much later: out of the spool of a frozen environment.
_OVERLAP_NS = 2 * 3600 * 10**9
COLD_BIT = 1
_PAUSE_S = 1.0
_PAUSE_PER_COST = 6


@dataclass(slots=True)
class Invocations:
    """The invocations of one function, in the order in which they were found.

    `started_ms` and `duration_ms` are what is drawn; `flags` holds `COLD_BIT` and the outcome's place in
    `OUTCOMES`, shifted by one.
    """

    captures: list[StoredCapture] = field(default_factory=list)
    started_ms: array[float] = field(default_factory=lambda: array("d"))
    duration_ms: array[float] = field(default_factory=lambda: array("f"))
    flags: array[int] = field(default_factory=lambda: array("B"))
    places: dict[str, int] = field(default_factory=dict)
    newest_ns: int = 0

    def add(self, found: Iterable[StoredCapture]) -> None:
        """Add what is not known yet; init phases are no invocations."""
        for stored in found:
            key = stored.key
            if stored.path in self.places or key.is_init:
                continue
            self.places[stored.path] = len(self.captures)
            self.captures.append(stored)
            self.started_ms.append(key.started_at_ns / 1e6)
            self.duration_ms.append(key.duration_ns / 1e6)
            outcome = OUTCOMES.index(key.outcome) if key.outcome in OUTCOMES else 0
            self.flags.append(outcome << 1 | (COLD_BIT if key.cold else 0))
            self.newest_ns = max(self.newest_ns, key.started_at_ns)


class Index:
    """All functions of a store. Safe to use from several threads: what there is only grows."""

    def __init__(self, store: CaptureStore, clock: Callable[[], float] = monotonic) -> None:
        self.store = store
        self._clock = clock
        self._functions: dict[str, Invocations] = {}
        # When each function may be listed again, on the clock.
        self._due_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def functions(self) -> Sequence[str]:
        """Return the names of the functions that there are now. Raises StoreError."""
        return self.store.functions()

    def invocations(self, function: str) -> Invocations:
        """Return a function's invocations as they were when last looked for; looked for now if never."""
        found = self._functions.get(function)
        return self.refreshed(function) if found is None else found

    def refreshed(self, function: str) -> Invocations:
        """Return a function's invocations with what has come since, if that is long enough ago.

        Listing takes no more than a share of the time: a store that takes long to list is listed seldom.

        Raises:
            StoreError: the store cannot be listed.
        """
        with self._lock:
            found = self._functions.get(function)
            began_s = self._clock()
            if found is not None and began_s < self._due_s[function]:
                return found
            found = found or Invocations()
            since_ns = max(0, found.newest_ns - _OVERLAP_NS) if found.captures else None
            found.add(self.store.list(function, since_ns))
            self._functions[function] = found
            now_s = self._clock()
            self._due_s[function] = now_s + max(_PAUSE_S, _PAUSE_PER_COST * (now_s - began_s))
            return found

    def stored(self, function: str, path: str) -> StoredCapture | None:
        """Return the capture with exactly this path, None where the store's listing has none."""
        found = self._functions.get(function)
        place = found.places.get(path) if found is not None else None
        return found.captures[place] if found is not None and place is not None else None
