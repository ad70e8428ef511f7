"""What lanes a capture has, and which of several captures belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from profiler.capture import AllocationSite, Capture, Memory
from profiler.codec import MEMORY_PROFILE
from viewer.building import WeightedStacks
from viewer.callgraph import guess_stacks
from viewer.profile import CALL_GRAPH

LIVE_MEMORY = "memory live"
# The numbers that tell one worker from the next: "Thread-12 (work)", "ThreadPoolExecutor-0_3".
_NUMBER = re.compile(r"(?<=[-_ ])\d+(?=[-_ ])|\d+$")

HANDLER: tuple[str, ...] = ("handler",)


@dataclass(frozen=True, slots=True)
class CaptureLane:
    """One lane of a capture. Those of one `role` are added up over captures; `stacks` are in its frames."""

    role: tuple[str, ...]
    name: str
    unit: str
    stacks: WeightedStacks


def lanes_of(capture: Capture) -> Iterator[CaptureLane]:
    """Yield a capture's lanes: threads, the handler's first, or its call graph; then what memory it retained.

    The handlers' threads have one role, whatever they are called; the others, and all of init phases, have
    their names without numbers. Live memory does not add up over time and is not among them.
    """
    for number, thread in enumerate(capture.threads):
        is_handler = number == 0 and not capture.invocation.is_init
        name = thread.name if is_handler else normalised(thread.name)
        stacks = zip(thread.stacks, thread.weights_ns, strict=True)
        yield CaptureLane(HANDLER if is_handler else ("thread", name), name, "nanoseconds", stacks)
    if is_guessed(capture):
        yield CaptureLane((CALL_GRAPH,), CALL_GRAPH, "nanoseconds", guess_stacks(capture.call_graph or ()))
    yield CaptureLane((MEMORY_PROFILE,), MEMORY_PROFILE, "bytes", retained(capture.memory))


def normalised(thread_name: str) -> str:
    """Return a thread's name without the numbers that differ from worker to worker."""
    return _NUMBER.sub("*", thread_name)


def is_guessed(capture: Capture) -> bool:
    """Tell whether a capture's stacks can only be guessed, from a call graph."""
    return bool(capture.call_graph) and not any(thread.weights_ns for thread in capture.threads)


def retained(memory: Memory) -> WeightedStacks:
    """Return what grew in the invocation, by allocation site."""
    return _weights(memory.sites, "growth_bytes")


def live(memory: Memory) -> WeightedStacks:
    """Return what was live at the end of the invocation, by allocation site."""
    return _weights(memory.sites, "live_bytes")


def _weights(sites: Sequence[AllocationSite], what: str) -> WeightedStacks:
    return [(site.stack, getattr(site, what)) for site in sites if getattr(site, what) > 0]
