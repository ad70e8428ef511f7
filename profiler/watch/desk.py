"""What a recorder lends to those who watch its invocations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns

from profiler.capture import Capture
from profiler.guard import Guard
from profiler.outbox import Outbox
from profiler.window import Window


@dataclass(frozen=True, slots=True)
class Desk:
    """How to read an invocation, and where to put what was read."""

    partial: Callable[[Window, str], Capture]
    keeps: Callable[[Capture], bool]
    outbox: Outbox
    guard: Guard
    # Told when memory comes near the limit, in the thread that watches.
    relieve: Callable[[], None]
    clock: Callable[[], int] = perf_counter_ns
