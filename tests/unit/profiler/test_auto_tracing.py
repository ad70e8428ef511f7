"""PROFILER_MEMORY=auto: when tracing wakes and sleeps, what it costs in memory, and what it says of that."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from profiler import host
from profiler.capture import Memory
from profiler.engines.stacks import FrameTable
from profiler.memory.headroom import shortage
from profiler.memory.probe import MemoryProbe
from profiler.memory.process import ProcessReading
from profiler.memory.suspicion import DEEP_CAPTURES, DEEP_FRAMES, SHALLOW_CAPTURES, Suspicion

MB = 1 << 20
CODE = """
    import json

    TEXT = json.dumps([n + 0.5 for n in range(100)])
    KEPT = {}
    FULL = {}

    def leak(n):
        KEPT[n] = bytes(2000)

    def parse(n):
        KEPT[n] = json.loads(TEXT, parse_float=str)

    def busy(n):
        FULL[n % 5] = bytes(2000)
"""


@pytest.fixture
def app(module: Callable[[str, str], ModuleType]) -> ModuleType:
    return module("app", CODE)


@pytest.fixture(autouse=True)
def _one_module(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the function's module be the only one: pytest's and its plugins' are as many as a census walks."""
    monkeypatch.setattr("profiler.memory.roots.OwnModules.list", lambda self: [("app", app)])


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    tracemalloc.stop()


def run(
    probe: MemoryProbe, work: Callable[[int], object], invocations: range, limit: int | None = None
) -> list[Memory]:
    found = []
    for n in invocations:
        probe.before(n, limit)
        work(n)
        found.append(probe.after(FrameTable(), 10**6, limit))
    return found


def traced(found: list[Memory]) -> list[int]:
    return [n for n, memory in enumerate(found, 1) if memory.tracing_since is not None]


# ---- suspicion ------------------------------------------------------------------------------------


def depths(entries: Callable[[int], int], count: int, suspicion: Suspicion | None = None) -> list[int]:
    suspicion = suspicion or Suspicion()
    found = []
    for n in range(count):
        found.append(suspicion.frames)
        suspicion.take([("app.CACHE", entries(n))], 1000, 50 * MB)
    return found


def test_growth_through_a_whole_window_wakes_it_once() -> None:
    found = depths(lambda n: n, 700)
    woken = [n for n, frames in enumerate(found) if frames]
    assert woken == list(range(24, 24 + SHALLOW_CAPTURES + DEEP_CAPTURES))
    assert [found[n] for n in woken] == [1] * SHALLOW_CAPTURES + [DEEP_FRAMES] * DEEP_CAPTURES


def test_much_later_it_looks_again() -> None:
    woken = [n for n, frames in enumerate(depths(lambda n: n, 1100)) if frames]
    first = SHALLOW_CAPTURES + DEEP_CAPTURES
    again = (24 + first) * 32
    assert woken[first:] == list(range(again, again + first))


def test_something_new_that_grows_is_looked_at_sooner() -> None:
    suspicion = Suspicion()
    depths(lambda n: n, 60, suspicion)
    found = []
    for n in range(40):
        found.append(suspicion.frames)
        suspicion.take([("app.CACHE", 60), ("app.OTHER", n)], 1000, 50 * MB)
    assert sum(map(bool, found)) == SHALLOW_CAPTURES + DEEP_CAPTURES
    assert suspicion.reasons == ["app.OTHER"]


@pytest.mark.parametrize(
    "entries",
    [lambda n: 7, lambda n: n % 9, lambda n: min(n, 12), lambda n: 100 - n, lambda n: n // 12 * 3],
    ids=["stable", "sawtooth", "full", "falling", "steps"],
)
def test_what_does_not_grow_all_the_time_wakes_nothing(entries: Callable[[int], int]) -> None:
    assert not any(depths(entries, 200))


def test_blocks_and_resident_memory_are_suspects_too() -> None:
    for blocks, rss, name in ((40, 0, "Python heap"), (0, MB, "resident memory")):
        suspicion = Suspicion()
        for n in range(24):
            suspicion.take([], 1000 + blocks * n, 50 * MB + rss * n)
        assert suspicion.frames == 1
        assert suspicion.reasons == [name]
    suspicion = Suspicion()
    for n in range(200):
        suspicion.take([], 1000 + n % 7, None)
    assert not suspicion.frames


# ---- tracing --------------------------------------------------------------------------------------


def test_it_traces_a_leak_and_goes_to_sleep(app: ModuleType) -> None:
    probe = MemoryProbe("auto")
    found = run(probe, app.leak, range(1, 60))
    # The line is the function's own: there is nothing to look deeper for.
    assert len(traced(found)) == SHALLOW_CAPTURES
    assert not tracemalloc.is_tracing()
    first = found[traced(found)[1] - 1]
    assert first.mode == "auto"
    assert max(site.growth_bytes for site in first.sites) >= 2000


def test_it_looks_deeper_where_the_line_is_not_the_functions_own(app: ModuleType) -> None:
    found = run(MemoryProbe("auto"), app.parse, range(1, 60))
    assert len(traced(found)) == SHALLOW_CAPTURES + DEEP_CAPTURES
    depths = [max(len(site.stack) for site in found[n - 1].sites) for n in traced(found)]
    assert depths == [1] * SHALLOW_CAPTURES + [DEEP_FRAMES] * DEEP_CAPTURES


def test_it_says_why_it_woke(app: ModuleType) -> None:
    probe = MemoryProbe("auto")
    notes = []
    for n in range(1, 30):
        run(probe, app.leak, range(n, n + 1))
        notes.append(probe.notes())
    told = [note for each in notes for note in each if "looks for the line" in note]
    assert len(told) == SHALLOW_CAPTURES
    assert "app.KEPT" in told[0]
    assert "1 frames" not in told[0]
    assert notes[5] == ()


def test_it_leaves_the_healthy_alone(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    # The process is pytest's, whose own growth is not this function's.
    monkeypatch.setattr("profiler.memory.probe.read_process", lambda: ProcessReading(50 * MB, 1000))
    assert traced(run(MemoryProbe("auto"), app.busy, range(1, 100))) == []


def test_a_tracemalloc_of_the_users_is_read_and_left_running(app: ModuleType) -> None:
    tracemalloc.start(3)
    probe = MemoryProbe("auto")
    found = run(probe, app.leak, range(1, 60))
    assert len(traced(found)) in (SHALLOW_CAPTURES, SHALLOW_CAPTURES + DEEP_CAPTURES)
    assert tracemalloc.get_traceback_limit() == 3


# ---- headroom -------------------------------------------------------------------------------------


def test_shortage_is_said_in_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "rss_bytes", lambda: 200 * MB)
    assert shortage(256 * MB) == ""
    assert shortage(220 * MB) == "20 MB are left of 220 MB"
    assert shortage(100 * MB) == "0 MB are left of 100 MB"
    assert shortage(None) == ""
    monkeypatch.setattr(host, "rss_bytes", lambda: None)
    assert shortage(100 * MB) == ""


@pytest.mark.parametrize("mode", ["auto", "tracemalloc"])
def test_it_does_not_begin_without_room(app: ModuleType, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "rss_bytes", lambda: 120 * MB)
    probe = MemoryProbe(mode)
    notes = []
    for n in range(1, 40):
        assert traced(run(probe, app.leak, range(n, n + 1), 128 * MB)) == []
        notes.extend(probe.notes())
    assert "tracemalloc does not trace, for 8 MB are left of 128 MB" in notes
    assert not tracemalloc.is_tracing()


def test_it_ends_where_room_runs_out(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    used = [50 * MB]
    monkeypatch.setattr(host, "rss_bytes", lambda: used[0])
    probe = MemoryProbe("tracemalloc")
    assert traced(run(probe, app.leak, range(1, 3), 128 * MB)) == [1, 2]

    def swell(n: int) -> None:
        used[0] = 125 * MB

    run(probe, swell, range(3, 4), 128 * MB)
    assert not tracemalloc.is_tracing()
    assert any("3 MB are left" in note for note in probe.notes())
    used[0] = 50 * MB
    assert traced(run(probe, app.leak, range(4, 8), 128 * MB)) == []


def test_it_is_stopped_in_mid_invocation(app: ModuleType) -> None:
    probe = MemoryProbe("tracemalloc")
    run(probe, app.leak, range(1, 2))
    [memory] = run(probe, lambda n: probe.relieve(), range(2, 3))
    assert (memory.sites, memory.tracing_since) == ((), None)
    assert not tracemalloc.is_tracing()
    assert any("memory came near the limit" in note for note in probe.notes())
    MemoryProbe("census").relieve()
