"""cProfile and yappi as engines: exact calls, honest edges, nobody displaced, nothing left."""

from __future__ import annotations

import _thread
import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from profiler import own
from profiler.capture import CallEdge
from profiler.engines import cprofile_engine, load_engine
from profiler.engines.base import Declined, Recording
from profiler.engines.edges import Called, call_graph

MIXES_THREADS = sys.version_info >= (3, 12)


@pytest.fixture(autouse=True)
def without_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that earlier tests have left waiting for invocations is none that runs beside an engine."""
    waiting = set(own.THREADS)
    threads = cprofile_engine._threads
    monkeypatch.setattr(cprofile_engine, "_threads", lambda: threads() - waiting)


@pytest.fixture(params=["cprofile", "yappi"])
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "yappi":
        pytest.importorskip("yappi")
    return str(request.param)


@pytest.fixture
def yappi() -> Iterator[Any]:
    module = pytest.importorskip("yappi")
    yield module
    module.stop()
    module.clear_stats()


def recorded(name: str, work: Callable[[], object], clock: str = "wall") -> Recording:
    engine = load_engine(name)(clock=clock)
    engine.start()
    try:
        work()
    finally:
        recording: Recording = engine.stop()
    return recording


def edges(recording: Recording) -> dict[tuple[str | None, str], CallEdge]:
    names = [frame.name.rpartition(".")[2] for frame in recording.frames]
    assert recording.call_graph is not None
    return {
        (None if edge.caller is None else names[edge.caller], names[edge.callee]): edge
        for edge in recording.call_graph
    }


def calls(recording: Recording) -> dict[tuple[str | None, str], int]:
    return {names: edge.calls for names, edge in edges(recording).items()}


def leaf(number: int) -> int:
    return sum(range(number))


def fib(number: int) -> int:
    return number if number < 2 else fib(number - 1) + fib(number - 2)


def even(number: int) -> bool:
    return number == 0 or odd(number - 1)


def odd(number: int) -> bool:
    return number != 0 and even(number - 1)


def countdown(number: int) -> Iterator[int]:
    while number:
        number -= 1
        yield number


def fails() -> None:
    raise KeyError("x")


def handler() -> None:
    for _ in range(100):
        leaf(10)
    fib(10)
    even(10)
    try:
        fails()
    except KeyError:
        leaf(1)


def test_calls_are_exact_and_edges_stay_edges(name: str) -> None:
    recording = recorded(name, handler)
    assert calls(recording) == {
        (None, "handler"): 1,
        ("handler", "leaf"): 101,
        ("leaf", "sum"): 101,
        ("handler", "fib"): 1,
        ("fib", "fib"): 176,
        ("handler", "even"): 1,
        ("even", "odd"): 5,
        ("odd", "even"): 5,
        ("handler", "fails"): 1,
    }
    assert recording.info.name == name
    [thread] = recording.threads
    assert thread.stacks == ()  # none were seen, and none are made up


def test_the_root_holds_all_the_time(name: str) -> None:
    def slow() -> None:
        time.sleep(0.05)
        handler()

    found = edges(recorded(name, slow))
    root = found[None, "slow"]
    assert found["slow", "sleep"].self_ns >= 0.045e9
    assert root.total_ns >= found["slow", "sleep"].total_ns + found["slow", "handler"].total_ns
    assert root.self_ns < 0.02e9
    together = sum(edge.self_ns for edge in found.values())
    assert together == pytest.approx(root.total_ns, rel=0.05)


def test_the_cpu_clock_does_not_count_sleep(name: str) -> None:
    found = edges(recorded(name, lambda: time.sleep(0.05), clock="cpu"))
    assert all(edge.total_ns < 0.02e9 for edge in found.values())


def test_a_generator_is_called_once_for_each_item(name: str) -> None:
    def sums() -> None:
        for _ in countdown(4):
            pass

    assert calls(recorded(name, sums))["sums", "countdown"] in (
        1,
        5,
    )  # yappi counts the generator, not its items


def test_an_async_handler_and_what_it_awaits(name: str) -> None:
    async def inner() -> None:
        await asyncio.sleep(0.02)
        leaf(5)

    async def handler() -> Recording:
        engine = load_engine(name)()
        engine.start()
        await inner()
        recording: Recording = engine.stop()
        return recording

    found = edges(asyncio.run(handler()))
    assert found["inner", "leaf"].calls == 1


def test_a_profile_function_is_not_displaced(name: str) -> None:
    def theirs(*_: object) -> None: ...

    sys.setprofile(theirs)
    try:
        with pytest.raises(Declined, match="already set"):
            load_engine(name)().start()
        assert sys.getprofile() is theirs
    finally:
        sys.setprofile(None)


def test_a_profile_function_set_meanwhile_stays(name: str) -> None:
    def theirs(*_: object) -> None: ...

    try:
        recording = recorded(name, lambda: (leaf(3), sys.setprofile(theirs)))
        assert sys.getprofile() is theirs
    finally:
        sys.setprofile(None)
    assert edges(recording)  # what was counted before it
    if not (name == "cprofile" and MIXES_THREADS):  # there the two do not share a place
        assert "took" in recording.notes[0]


def test_nothing_is_left(name: str) -> None:
    recorded(name, handler)
    assert sys.getprofile() is None
    assert threading.getprofile() is None
    recording = recorded(name, lambda: leaf(2))
    assert "handler" not in {frame.name for frame in recording.frames}


@pytest.mark.skipif(MIXES_THREADS, reason="cProfile mixes up threads")
def test_read_goes_on_from_another_thread_cprofile() -> None:
    check_read("cprofile")


def test_read_goes_on_from_another_thread_yappi() -> None:
    pytest.importorskip("yappi")
    check_read("yappi")


def check_read(name: str) -> None:
    engine = load_engine(name)()
    readings: list[Recording] = []
    done = threading.Event()

    def reader() -> None:
        while not done.is_set():
            readings.append(engine.read())

    thread = threading.Thread(target=reader)
    engine.start()
    thread.start()
    for _ in range(2_000):
        leaf(50)
    done.set()
    thread.join()
    recording = engine.stop()
    leaves = [frame.name for frame in recording.frames].index("leaf")
    assert sum(edge.calls for edge in recording.call_graph if edge.callee == leaves) == 2_000
    assert readings
    assert all(reading.call_graph is not None for reading in readings)


def test_hundreds_of_captures_leave_next_to_nothing(name: str) -> None:
    def blocks() -> int:
        for _ in range(100):
            recorded(name, handler)
        gc.collect()
        return sys.getallocatedblocks()

    counts = [blocks() for _ in range(4)]
    least = min(after - before for before, after in pairwise(counts))
    # yappi never frees what it notes of a function in C.
    assert least < (1_500 if name == "yappi" else 80)


# ---- cProfile alone ------------------------------------------------------------------------------


def test_cprofile_on_a_taken_slot() -> None:
    import cProfile

    theirs = cProfile.Profile()
    theirs.enable()
    try:
        with pytest.raises(Declined, match="cprofile was not started"):
            load_engine("cprofile")().start()
        leaf(3)
    finally:
        theirs.disable()
    assert any(getattr(entry.code, "co_name", "") == "leaf" for entry in theirs.getstats())


@pytest.mark.skipif(MIXES_THREADS, reason="there theirs gets a ValueError")
def test_a_cprofile_of_the_handlers_own_goes_on() -> None:
    import cProfile

    theirs = cProfile.Profile()
    recording = recorded("cprofile", lambda: (leaf(1), theirs.enable()))
    leaf(2)
    theirs.disable()
    assert any(getattr(entry.code, "co_name", "") == "leaf" for entry in theirs.getstats())
    assert recording.notes == ("another profiler took this thread over; what came after it is missing",)


@pytest.mark.skipif(not MIXES_THREADS, reason="cProfile sees its own thread only")
def test_where_threads_would_be_mixed_up_cprofile_declines_or_gives_up() -> None:
    recording = recorded("cprofile", lambda: threading.Thread(target=leaf, args=(5,)).start())
    assert recording.call_graph is None
    assert "mixed up" in recording.notes[0]
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        with pytest.raises(Declined, match="yappi tells threads apart"):
            load_engine("cprofile")().start()
    finally:
        release.set()
        thread.join()


# ---- yappi alone ---------------------------------------------------------------------------------


def test_yappi_sees_all_threads_but_the_profilers_own(yappi: Any) -> None:
    def work() -> None:
        threads = [threading.Thread(target=leaf, args=(5,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = _thread.allocate_lock()
        done.acquire()
        _thread.start_new_thread(own_thread, (done,))
        done.acquire()

    def own_thread(done: Any) -> None:
        own.is_own_file("x")  # a function of the profiler's own is what marks its thread
        fib(3)
        done.release()

    found = calls(recorded("yappi", work))
    assert found["run", "leaf"] == 3
    assert not any("fib" in names for names in found)


def test_yappi_in_use_is_not_displaced(yappi: Any) -> None:
    yappi.start()
    with pytest.raises(Declined, match="in use"):
        load_engine("yappi")().start()
    leaf(1)
    yappi.stop()
    with pytest.raises(Declined, match="in use"):  # its statistics are somebody's
        load_engine("yappi")().start()
    assert any(stat.name == "leaf" for stat in yappi.get_func_stats())


# ---- edges ---------------------------------------------------------------------------------------


def test_what_the_profiler_called_is_left_out_but_for_the_handler() -> None:
    wrapper = compile("def wrapper(): ...", f"{own.DIRECTORY}bootstrap.py", "exec").co_consts[0]
    ours = compile("def finish(): ...", f"{own.DIRECTORY}recorder.py", "exec").co_consts[0]
    functions = [
        Called(1, wrapper, 1, 10, 100, [(2, 1, 20, 80)]),
        Called(2, handler.__code__, 1, 20, 80, [(4, 2, 5, 5)]),
        Called(3, ours, 1, 5, 30, [(5, 1, 25, 25), (4, 1, 2, 2)]),
        Called(4, "time.sleep", 3, 7, 7),
        Called(5, leaf.__code__, 1, 25, 25),
    ]
    frames, graph = call_graph(functions)
    names = [frame.name for frame in frames]
    assert set(graph) == {
        CallEdge(None, names.index("handler"), 1, 20, 80),
        CallEdge(names.index("handler"), names.index("time.sleep"), 2, 5, 5),
    }
