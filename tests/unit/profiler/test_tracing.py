"""tracemalloc: what is live, how it changed, and whose it is."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from profiler.capture import AllocationSite, Memory
from profiler.engines.stacks import FrameTable
from profiler.memory import probe as probe_module
from profiler.memory.probe import MemoryProbe
from profiler.memory.tracing import Tracing, allocated_at

Make = Callable[[str, str], ModuleType]

APP = """\
KEPT = []
CACHE = {}
def keep(count):
    for n in range(count):
        KEPT.append(bytes(1000))
def drop():
    KEPT.clear()
def put(key):
    CACHE[key] = make(key)
def make(key):
    return bytearray(500)
"""


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    tracemalloc.stop()


def sites_at(memory: Memory, table: FrameTable, name: str) -> list[AllocationSite]:
    """Return the sites in a function, the largest change first."""
    found = [site for site in memory.sites if table.frames[site.stack[-1]].name.rpartition(".")[2] == name]
    return sorted(found, key=lambda site: -abs(site.growth_bytes))


def captured(probe: MemoryProbe, sequence: int, work: Callable[[], object]) -> tuple[Memory, FrameTable]:
    table = FrameTable()
    probe.before(sequence)
    work()
    return probe.after(table), table


def test_growth_and_shrinking_by_site(module: Make) -> None:
    app = module("app", APP)
    probe = MemoryProbe("tracemalloc")
    memory, table = captured(probe, 4, lambda: app.keep(100))
    (site, *_) = sites_at(memory, table, "keep")
    frame = table.frames[site.stack[-1]]
    assert (frame.file, frame.line) == (app.__file__, 5)
    assert site.growth_bytes == site.live_bytes
    assert 100_000 < site.growth_bytes < 110_000
    assert site.growth_blocks >= 100
    assert memory.mode == "tracemalloc"
    assert memory.tracing_since == 4

    memory, table = captured(probe, 5, app.drop)
    assert next(site.growth_bytes for site in sites_at(memory, table, "keep")) < -100_000
    assert memory.tracing_since == 4


def test_frees_between_invocations_are_no_growth(module: Make) -> None:
    app = module("app", APP)
    probe = MemoryProbe("tracemalloc")
    captured(probe, 1, lambda: app.keep(100))
    app.drop()
    memory, table = captured(probe, 2, lambda: app.keep(10))
    (site, *_) = sites_at(memory, table, "keep")
    assert 10_000 < site.growth_bytes < 12_000


def test_deeper_tracebacks_are_root_first(module: Make) -> None:
    app = module("app", APP)
    memory, table = captured(MemoryProbe("tracemalloc", 3), 1, lambda: [app.put(n) for n in range(50)])
    (site, *_) = sites_at(memory, table, "make")
    assert [table.frames[index].name.rpartition(".")[2] for index in site.stack][-2:] == ["put", "make"]


def test_nothing_of_the_profilers_own_is_a_site(module: Make) -> None:
    app = module("app", APP)
    probe = MemoryProbe("tracemalloc")
    for sequence in range(1, 6):
        memory, table = captured(probe, sequence, lambda: app.keep(3))
    folder = probe_module.__file__.rpartition("memory")[0]
    assert memory.sites
    assert not [frame for frame in table.frames if frame.file.startswith(folder)]


def test_an_idle_invocation_grows_little(module: Make) -> None:
    probe = MemoryProbe("tracemalloc")
    for sequence in range(1, 4):
        memory, _ = captured(probe, sequence, lambda: None)
    assert sum(site.growth_bytes for site in memory.sites) < 5_000


def test_a_container_that_grew_names_the_lines_that_filled_it(module: Make) -> None:
    app = module("app", APP)
    probe = MemoryProbe("tracemalloc")
    captured(probe, 1, lambda: app.put(1000))
    memory, table = captured(probe, 2, lambda: [app.put(n + 2000) for n in range(5)])
    (cache,) = (container for container in memory.census if container.path == "app.CACHE")
    assert (cache.entries, cache.type) == (6, "dict")
    assert {table.frames[index].name for index in cache.filled_at} >= {"make"}


def test_without_tracing_the_lines_are_read_from_the_code(module: Make) -> None:
    app = module("app", APP)
    probe = MemoryProbe("census")
    for sequence in range(1, 5):
        memory, table = captured(probe, sequence, lambda: app.put(object()))
    (cache,) = (container for container in memory.census if container.path == "app.CACHE")
    assert [(table.frames[index].name, table.frames[index].line) for index in cache.filled_at] == [("put", 9)]
    assert memory.tracing_since is None
    assert memory.sites == ()


def test_somebody_elses_tracing_is_read_and_left() -> None:
    tracemalloc.start(4)
    tracing = Tracing(1)
    tracing.ensure_started(3)
    assert tracemalloc.get_traceback_limit() == 4
    assert tracing.note == "tracemalloc was already tracing, 4 frames deep; it is read and left running"
    tracing.stop()
    assert tracemalloc.is_tracing()


def test_tracing_that_somebody_stopped_is_started_again() -> None:
    tracing = Tracing(1)
    tracing.ensure_started(3)
    tracemalloc.stop()
    tracing.ensure_started(8)
    assert tracemalloc.is_tracing()
    assert tracing.since_sequence == 8
    tracing.stop()
    tracing.stop()
    assert not tracemalloc.is_tracing()


def test_totals_leave_the_collector_as_it_was() -> None:
    tracing = Tracing(1)
    tracing.ensure_started(1)
    tracing.totals()
    assert gc.isenabled()
    gc.disable()
    try:
        tracing.totals()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_object_made_before_tracing_has_no_line(module: Make) -> None:
    value = bytearray(10)
    tracemalloc.start(1)
    assert allocated_at(value) is None
    assert allocated_at(bytearray(10)) is not None


# ---- the probe ----------------------------------------------------------------------------------


def test_the_process_is_read_at_both_ends() -> None:
    kept: list[object] = []
    memory, _ = captured(MemoryProbe("census"), 1, lambda: kept.extend(object() for _ in range(5000)))
    process = memory.process
    assert process.blocks is not None
    assert process.blocks > 10_000
    assert process.blocks_growth is not None
    assert process.blocks_growth >= 5000
    assert process.threads is not None
    assert process.threads >= 1


def test_after_without_before_is_empty() -> None:
    assert MemoryProbe("census").after(FrameTable()) == Memory()


def test_garbage_is_collected_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda: done.append("collect"))
    monkeypatch.setattr(gc, "freeze", lambda: done.append("freeze"))
    for collect, expected in (
        ("off", []),
        ("collect", ["collect"] * 4),
        ("freeze", ["collect", "collect", "freeze", "collect", "collect"]),
    ):
        done.clear()
        probe = MemoryProbe("census", 1, collect)
        for sequence in range(1, 5):
            captured(probe, sequence, lambda: None)
        assert done == expected


def test_a_note_says_that_tracing_costs() -> None:
    assert MemoryProbe("census").notes() == ()
    probe = MemoryProbe("tracemalloc")
    captured(probe, 1, lambda: None)
    (note,) = probe.notes()
    assert "cost of tracemalloc" in note
