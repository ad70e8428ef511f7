"""One adapter for each engine: run a function under it, then tell what it charged to each function name.

`run` is what the user pays for, start and stop included; `times` is read afterwards and is not timed.
Times are totals, in seconds, by bare function name: own time and that of everything below, on the
thread that ran the function where the engine can tell threads apart.
"""

from __future__ import annotations

import cProfile
import pstats
import shutil
import sys
import tempfile
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

# The checkout beside this folder is the one to measure, installed or not.
sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

from profiler import profile
from profiler.capture import Frame, ThreadProfile
from profiler.codec import decode
from profiler.engines.base import DEFAULT_INTERVAL_NS
from profiler.engines.sampler import SamplerEngine

Function = Callable[[], Any]


class Peer(Protocol):
    """An engine under test; a fresh instance for every run."""

    def run(self, function: Function) -> None:
        """Call the function under the engine."""

    def times(self) -> dict[str, float]:
        """Return seconds by function name; empty for an engine that does not measure time."""


class Bare:
    """No profiler at all."""

    def run(self, function: Function) -> None:
        function()

    def times(self) -> dict[str, float]:
        return {}


class Pyinstrument:
    """pyinstrument on the calling thread."""

    def __init__(self, interval_s: float) -> None:
        import pyinstrument

        self._profiler = pyinstrument.Profiler(interval=interval_s, async_mode="disabled")

    def run(self, function: Function) -> None:
        self._profiler.start()
        function()
        self._session = self._profiler.stop()

    def times(self) -> dict[str, float]:
        # A stack is a list of `name\0file\0line`, the thread first.
        return total_seconds(
            ([identifier.partition("\x00")[0] for identifier in identifiers], seconds)
            for identifiers, seconds in self._session.frame_records
        )


class CProfile:
    """The standard library's tracing profiler."""

    def __init__(self) -> None:
        self._profiler = cProfile.Profile()

    def run(self, function: Function) -> None:
        self._profiler.enable()
        function()
        self._profiler.disable()

    def times(self) -> dict[str, float]:
        stats: Any = pstats.Stats(self._profiler)
        seconds: dict[str, float] = defaultdict(float)
        for (_file, _line, name), (_calls, _primitive, _own_s, total_s, _callers) in stats.stats.items():
            seconds[name] += total_s
        return dict(seconds)


class Yappi:
    """yappi on all threads, by wall or by CPU clock."""

    def __init__(self, clock: str) -> None:
        import yappi  # type: ignore[import-untyped]

        self._yappi = yappi
        self._yappi.clear_stats()
        self._yappi.set_clock_type(clock)

    def run(self, function: Function) -> None:
        self._yappi.start()
        function()
        self._yappi.stop()

    def times(self) -> dict[str, float]:
        seconds: dict[str, float] = defaultdict(float)
        for stat in self._yappi.get_func_stats(ctx_id=self._yappi.get_thread_stats()[0].id):
            seconds[stat.name.rpartition(".")[2]] += stat.ttot
        self._yappi.clear_stats()
        return dict(seconds)


class Tracemalloc:
    """Allocation tracing with one frame, for its cost only."""

    def run(self, function: Function) -> None:
        tracemalloc.start(1)
        function()
        tracemalloc.stop()

    def times(self) -> dict[str, float]:
        return {}


class Sampler:
    """Our sampling engine alone."""

    def __init__(self, interval_ns: int = DEFAULT_INTERVAL_NS, clock: str = "wall") -> None:
        self._engine = SamplerEngine(interval_ns=interval_ns, clock=clock)

    def run(self, function: Function) -> None:
        self._engine.start()
        function()
        self._recording = self._engine.stop()

    def times(self) -> dict[str, float]:
        # A run shorter than the interval leaves no thread at all.
        return _thread_seconds(self._recording.threads[:1], self._recording.frames)


class Wrapped:
    """A handler with the flag on, as a user gets it: sampler, census, encoding and a file in a folder."""

    def __init__(self) -> None:
        self._store = Path(tempfile.mkdtemp(prefix="benchmark-"))

    def run(self, function: Function) -> None:
        def handler(event: dict[str, Any], context: object) -> Any:
            return function()

        profile(enabled=True, store=str(self._store))(handler)({}, None)

    def times(self) -> dict[str, float]:
        try:
            (path,) = self._store.rglob("*.speedscope.json.gz")
            capture = decode(path.read_bytes())
        finally:
            shutil.rmtree(self._store)
        return _thread_seconds(capture.threads[:1], capture.frames)


OURS = "ours: sampler 2 ms"
OURS_WRAPPED = "ours: wrapped handler"

PEERS: dict[str, Callable[[], Peer]] = {
    "bare": Bare,
    OURS: Sampler,
    OURS_WRAPPED: Wrapped,
    "pyinstrument 1 ms": lambda: Pyinstrument(0.001),
    "pyinstrument 10 ms": lambda: Pyinstrument(0.010),
    "cProfile": CProfile,
    "yappi wall": lambda: Yappi("wall"),
    "yappi cpu": lambda: Yappi("cpu"),
    "tracemalloc 1 frame": Tracemalloc,
}
# They take five to forty times as long as the program: a few rounds tell enough.
SLOW = ("yappi cpu", "yappi wall", "tracemalloc 1 frame")
SLOW_ROUNDS = 2
UNTIMED = ("bare", "tracemalloc 1 frame")


def slow_note(engines: Sequence[str], rounds: int) -> str:
    """Tell which of these engines ran fewer rounds, as the end of a table's note."""
    slow = ", ".join(name for name in SLOW if name in engines)
    return f" {slow}: {min(SLOW_ROUNDS, rounds)} rounds."


def total_seconds(samples: Iterable[tuple[Iterable[str], float]]) -> dict[str, float]:
    """Return each name's total over (stack, seconds) pairs; a recursive name counts once a stack."""
    seconds: dict[str, float] = defaultdict(float)
    for names, weight_s in samples:
        for name in set(names):
            seconds[name] += weight_s
    return dict(seconds)


def _thread_seconds(threads: tuple[ThreadProfile, ...], frames: tuple[Frame, ...]) -> dict[str, float]:
    names = [frame.name.rpartition(".")[2] for frame in frames]
    return total_seconds(
        ([names[index] for index in stack], weight_ns / 1e9)
        for thread in threads
        for stack, weight_ns in zip(thread.stacks, thread.weights_ns, strict=True)
    )
