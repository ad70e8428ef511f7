"""One captured invocation while it runs: what is known of it before it has ended."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from profiler.aws.context import InvocationFacts
from profiler.engines.base import Engine

if TYPE_CHECKING:
    from profiler.watch.watched import Watched


@dataclass(slots=True)
class Window:
    """From the engine's start to its stop. `environment_id` is that of the process which opened it."""

    facts: InvocationFacts
    environment_id: str
    sequence: int
    trigger: str
    # False where an invocation is followed to its end only to deliver what waited for it.
    is_captured: bool = True
    engine: Engine | None = None
    notes: list[str] = field(default_factory=list)
    process_id: int = field(default_factory=os.getpid)
    started_at_ns: int = 0
    started_ns: int = 0
    start_overhead_ns: int = 0
    watched: Watched | None = None
