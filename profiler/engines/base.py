"""What every engine is: started once, stopped once, and then thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from profiler.capture import CallEdge, EngineInfo, Frame, ThreadProfile

# At 2 ms the sampler costs single-threaded code 1 to 4 per cent (benchmarks/overhead.py), at 1 ms twice that.
DEFAULT_INTERVAL_NS = 2_000_000


class Declined(Exception):
    """An engine cannot run here without displacing somebody else; the message says why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What an engine saw. `threads[0]` is the thread that called `start`.

    A tracing engine leaves `threads` without stacks, for it knows edges only: `call_graph`. `notes` say in
    plain words what is missing, and why.
    """

    info: EngineInfo
    frames: tuple[Frame, ...]
    threads: tuple[ThreadProfile, ...]
    call_graph: tuple[CallEdge, ...] | None = None
    notes: tuple[str, ...] = ()


class Engine(Protocol):
    """A profiling backend. A fresh instance for every capture; no state on the class.

    It is made with `interval_ns` and `clock` ("wall" or "cpu"). Two optional attributes of the class:
    `samples_at_most`, for one that keeps every sample, and `alone`, for one beside which no other thread may
    run.
    """

    def start(self) -> None:
        """Begin; the calling thread is the one that runs the handler. Raises Declined."""

    def read(self) -> Recording:
        """Return what has been seen so far and go on; from any thread, while the handler runs."""

    def stop(self) -> Recording:
        """End, put back whatever `start` changed, and return what was seen."""
