"""The sampler: time that adds up, stacks of the handler and nothing else, and a process put back."""

from __future__ import annotations

import _thread
import asyncio
import itertools
import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from profiler.capture import ThreadProfile
from profiler.engines import sampler as sampler_module
from profiler.engines.base import Declined, Recording
from profiler.engines.sampler import SamplerEngine
from profiler.engines.switching import CALM_S, EAGER_S, SwitchInterval
from profiler.host import thread_cpu_ns

MILLISECOND = 1_000_000


def busy(seconds: float) -> int:
    ends = time.perf_counter() + seconds
    turns = 0
    while time.perf_counter() < ends:
        turns += 1
    return turns


def recorded(work: Callable[[], object], **settings: Any) -> tuple[Recording, range]:
    """Run `work` under a sampler; return what it saw, and between which bounds it watched (ns)."""
    engine = SamplerEngine(**settings)
    entered = time.perf_counter_ns()
    engine.start()
    began = time.perf_counter_ns()
    try:
        work()
    finally:
        watched_ns = time.perf_counter_ns() - began
        recording = engine.stop()
    return recording, range(watched_ns, time.perf_counter_ns() - entered + 1)


def by_leaf(recording: Recording, thread: ThreadProfile) -> dict[str, int]:
    """Return nanoseconds by the last part of the innermost function's name."""
    times: dict[str, int] = {}
    for stack, weight in zip(thread.stacks, thread.weights_ns, strict=True):
        name = recording.frames[stack[-1]].name.rpartition(".")[2]
        times[name] = times.get(name, 0) + weight
    return times


def names(recording: Recording, stack: tuple[int, ...]) -> list[str]:
    return [recording.frames[index].name.rpartition(".")[2] for index in stack]


# ---- by hand: ticks at made-up times, and no thread ---------------------------------------------


class Bench:
    """A sampler whose ticks are called here, over stacks that are made up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: str = "wall") -> None:
        self.frames: dict[int, Any] = {}
        self.engine = SamplerEngine(clock=clock)
        monkeypatch.setattr(
            sampler_module._thread, "start_new_thread", lambda *_: self.engine._ready.release()
        )
        self.engine.start()
        self.engine._done.release()
        self.engine._handler_thread = 1
        self.engine._outer = []
        self.engine._started_ns = self.engine._last_ns = 0
        # From here on only the sampler's own module sees made-up stacks.
        self.monkeypatch = monkeypatch

    def tick(self, now_ns: int, **stacks: Any) -> None:
        """One tick: `t1=(inner, outer)` are functions, innermost first."""
        frames = {int(name[1:]): frame(*functions) for name, functions in stacks.items()}
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "_current_frames", lambda: frames)
            self.engine._tick(now_ns, now_ns - self.engine._last_ns, 999)
        self.engine._last_ns = now_ns

    def stop(self, now_ns: int) -> Recording:
        with self.monkeypatch.context() as patch:
            patch.setattr(sampler_module.time, "perf_counter_ns", lambda: now_ns)
            return self.engine.stop()


class Frame:
    def __init__(self, code: Any, back: Frame | None) -> None:
        self.f_code = code
        self.f_back = back
        self.f_lasti = 0


def frame(*functions: Any) -> Frame | None:
    made = None
    for function in reversed(functions):
        made = Frame(function.__code__, made)
    return made


def one() -> None: ...
def two() -> None: ...
def three() -> None: ...


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_every_sample_weighs_the_time_since_the_last(bench: Bench) -> None:
    bench.tick(10, t1=(one,))
    bench.tick(13, t1=(two, one))
    bench.tick(400, t1=(two, one))  # held up by a C call
    bench.tick(402, t1=(one,))
    recording = bench.stop(405)
    (thread,) = recording.threads
    assert [names(recording, stack) for stack in thread.stacks] == [["one"], ["one", "two"], ["one"]]
    assert thread.weights_ns == (10, 390, 5)
    assert thread.start_ns == 0
    assert recording.info.samples == 4


def test_a_tick_after_the_end_weighs_nothing(bench: Bench) -> None:
    bench.tick(10, t1=(one,))
    bench.tick(30, t1=(one,))
    assert bench.stop(25).threads[0].weights_ns == (25,)


def test_without_a_tick_there_is_no_thread(bench: Bench) -> None:
    assert bench.stop(5).threads == ()


def test_recursion_is_kept_as_it_is(bench: Bench) -> None:
    bench.tick(10, t1=(one, one, two, one))
    recording = bench.stop(10)
    assert names(recording, recording.threads[0].stacks[0]) == ["one", "two", "one", "one"]
    assert len(recording.frames) == 2


def test_threads_come_and_go(bench: Bench) -> None:
    bench.tick(10, t1=(one,))
    bench.tick(20, t1=(one,), t2=(two,))
    bench.tick(30, t1=(one,), t2=(two,))
    bench.tick(40, t1=(one,))
    recording = bench.stop(50)
    main, other = recording.threads
    assert main.weights_ns == (50,)
    # Seen in two intervals; it is not charged for the time after it was gone.
    assert (other.weights_ns, other.start_ns) == ((20,), 10)


def test_an_id_used_again_is_another_thread(bench: Bench) -> None:
    bench.tick(10, t1=(one,), t2=(two,))
    bench.tick(20, t1=(one,))
    bench.tick(30, t1=(one,), t2=(three,))
    recording = bench.stop(30)
    main, first, second = recording.threads
    assert main.weights_ns == (30,)
    assert (names(recording, first.stacks[0]), first.start_ns, first.weights_ns) == (["two"], 0, (10,))
    assert (names(recording, second.stacks[0]), second.start_ns, second.weights_ns) == (["three"], 20, (10,))


def test_the_callers_frames_are_cut_off(bench: Bench) -> None:
    bench.engine._outer = [one.__code__, two.__code__]
    bench.tick(10, t1=(three, two, one))
    bench.tick(20, t1=(one, three, two, one))
    # In another thread the same functions are nobody's caller.
    bench.tick(30, t1=(three, two, one), t2=(two, one))
    recording = bench.stop(30)
    main, other = recording.threads
    assert [names(recording, stack) for stack in main.stacks] == [["three"], ["three", "one"], ["three"]]
    assert names(recording, other.stacks[0]) == ["one", "two"]


def test_samples_in_the_profiler_go_to_their_neighbours(bench: Bench) -> None:
    own = SamplerEngine.start  # a function of the profiler's
    bench.tick(10, t1=(own,))
    bench.tick(20, t1=(one,))
    bench.tick(30, t1=(own,))
    bench.tick(40, t1=(two,))
    recording = bench.stop(45)
    (thread,) = recording.threads
    assert [names(recording, stack) for stack in thread.stacks] == [["one"], ["two"]]
    assert thread.weights_ns == (30, 15)


def test_by_the_cpu_clock_a_waiting_thread_weighs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = {1: 100, 2: 50}
    monkeypatch.setattr(sampler_module, "thread_cpu_ns", lambda ident: cpu.get(ident, 0))
    bench = Bench(monkeypatch, "cpu")
    bench.engine._lanes = {1: sampler_module._Lane("MainThread", 0, 100)}
    cpu.update({1: 400, 2: 50})  # before the first tick, in a C call that held it up
    bench.tick(310, t1=(one,), t2=(two,))
    bench.tick(320, t1=(two,), t2=(two,))
    cpu[1] = 405
    bench.tick(330, t1=(three,), t2=(two,))
    cpu[1] = 407
    recording = bench.stop(400)
    (thread,) = recording.threads
    assert [names(recording, stack) for stack in thread.stacks] == [["one"], ["three"]]
    assert thread.weights_ns == (300, 7)
    assert recording.info.clock == "cpu"


def test_without_a_cpu_clock_it_declines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler_module, "thread_cpu_ns", lambda ident: None)
    with pytest.raises(Declined, match="CPU time"):
        SamplerEngine(clock="cpu").start()


@pytest.mark.parametrize("seed", range(5))
def test_weights_add_up_whatever_happens(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    bench = Bench(monkeypatch)
    chance = random.Random(seed)
    functions = (one, two, three, SamplerEngine.stop)
    now_ns = 0
    for _ in range(200):
        now_ns += chance.randint(1, 1000)
        stacks = {
            f"t{thread}": chance.choices(functions, k=3)
            for thread in chance.sample((2, 3), chance.randint(0, 2))
        }
        bench.tick(now_ns, t1=(*chance.choices(functions, k=2), one), **stacks)
    recording = bench.stop(now_ns + 50)
    assert sum(recording.threads[0].weights_ns) == now_ns + 50
    for thread in recording.threads:
        assert all(weight >= 0 for weight in thread.weights_ns)
        assert thread.start_ns + sum(thread.weights_ns) <= now_ns + 50
        assert all(thread.stacks)
        assert all(here != there for here, there in itertools.pairwise(thread.stacks))


def test_memory_grows_with_the_logarithm_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sample differs from the last: the worst case, driven through the loop by hand."""
    monkeypatch.setattr(sampler_module, "RUNS_PER_DOUBLING", 100)
    bench = Bench(monkeypatch)
    engine = bench.engine
    waited: list[float] = []
    clock = iter(range(0, 2 * 10**9, MILLISECOND))

    class Wake:
        def acquire(self, blocking: bool, timeout: float) -> bool:
            waited.append(timeout)
            return len(waited) > 1000

    def alternating() -> dict[int, Any]:
        return {1: frame(one if len(waited) % 2 else two)}

    engine._wake = Wake()  # type: ignore[assignment]
    engine._done.acquire()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "_current_frames", alternating)
        patch.setattr(sampler_module.time, "perf_counter_ns", lambda: next(clock))
        engine._run()
    assert waited[0] == 0.002
    assert waited[-1] == pytest.approx(0.002 * 2**10)  # 1001 runs, a doubling every 100
    assert waited == sorted(waited)
    engine._switching.restore()


# ---- for real -----------------------------------------------------------------------------------


def test_time_goes_to_the_functions_that_took_it() -> None:
    def handler() -> None:
        quick()
        slow()

    def quick() -> None:
        busy(0.05)

    def slow() -> None:
        busy(0.2)

    recording, watched_ns = recorded(handler)
    main = recording.threads[0]
    assert sum(main.weights_ns) in watched_ns
    assert {name for stack in main.stacks for name in names(recording, stack)[:2]} <= {
        "<lambda>",
        "handler",
        "quick",
        "slow",
        "recorded",
    } | {"busy"}
    assert all(names(recording, stack)[0] == "handler" for stack in main.stacks)
    times = {"quick": 0, "slow": 0}
    for stack, weight in zip(main.stacks, main.weights_ns, strict=True):
        for name in times:
            times[name] += weight if name in names(recording, stack) else 0
    assert times["slow"] > 2 * times["quick"] > 0


def test_a_c_call_that_holds_the_gil_gets_its_time() -> None:
    numbers = [random.random() for _ in range(600_000)]

    def handler() -> None:
        sorting()
        busy(0.02)

    def sorting() -> None:
        sorted(numbers)

    def share() -> float:
        recording, watched_ns = recorded(handler)
        times = by_leaf(recording, recording.threads[0])
        return times.get("sorting", 0) / (watched_ns.start - 20 * MILLISECOND)

    # On a machine that is busy with something else the sampler may miss its moment, but not always.
    assert any(share() > 0.5 for _ in range(5))


def test_other_threads_are_seen_by_name() -> None:
    started, over = threading.Event(), threading.Event()

    def waiting() -> None:
        started.set()
        over.wait(20)

    def handler() -> None:
        thread = threading.Thread(target=waiting, name="warehouse-1")
        thread.start()
        started.wait(10)
        time.sleep(0.1)
        over.set()
        thread.join()

    recording, _ = recorded(handler)
    assert recording.threads[0].name == threading.current_thread().name
    (other,) = (thread for thread in recording.threads if thread.name == "warehouse-1")
    assert sum(other.weights_ns) > 30 * MILLISECOND
    assert any("waiting" in names(recording, stack) for stack in other.stacks)


def test_a_thread_may_compute_its_name() -> None:
    class Odd(threading.Thread):
        @property
        def name(self) -> str:  # type: ignore[override]
            raise RuntimeError("asked for its name")

        @name.setter
        def name(self, value: str) -> None: ...

    over = threading.Event()

    def handler() -> None:
        thread = Odd(target=over.wait, args=(20,))
        thread.start()
        time.sleep(0.05)
        over.set()
        thread.join()

    recording, watched_ns = recorded(handler)
    assert sum(recording.threads[0].weights_ns) in watched_ns


def test_threading_does_not_see_the_sampling_thread() -> None:
    seen: list[int] = []
    hooked: list[object] = []
    threading.setprofile(lambda *arguments: hooked.append(arguments))
    try:
        recorded(lambda: (time.sleep(0.02), seen.append(threading.active_count())))
    finally:
        threading.setprofile(None)
    assert seen == [threading.active_count()]
    assert hooked == []


@pytest.mark.skipif(thread_cpu_ns(_thread.get_ident()) is None, reason="no CPU time by thread here")
def test_cpu_time_is_not_spent_in_a_sleep() -> None:
    def handler() -> None:
        working()
        sleeping()

    def working() -> None:
        ends = time.thread_time() + 0.2
        while time.thread_time() < ends:
            pass

    def sleeping() -> None:
        time.sleep(0.4)

    recording, _ = recorded(handler, clock="cpu")
    times = by_leaf(recording, recording.threads[0])
    assert 150 * MILLISECOND < sum(times.values()) < 350 * MILLISECOND
    assert times.get("sleeping", 0) < times["working"] / 2


# ---- the process is put back --------------------------------------------------------------------


def test_the_switch_interval_is_short_while_it_runs_and_then_restored() -> None:
    before = sys.getswitchinterval()
    during: list[float] = []
    recorded(lambda: during.append(sys.getswitchinterval()))
    assert during[0] in (pytest.approx(EAGER_S), pytest.approx(CALM_S))
    assert sys.getswitchinterval() == before


def test_a_shorter_switch_interval_is_left() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0000105)
    own = sys.getswitchinterval()
    try:
        during: list[float] = []
        for _ in range(3):
            recorded(lambda: during.append(sys.getswitchinterval()))
        assert during == [own] * 3
        assert sys.getswitchinterval() == own
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("microseconds", [501, 999, 1001, 5000, 7777, 123_457])
def test_restoring_again_and_again_does_not_drift(microseconds: int) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(microseconds / 1e6 + 5e-7)
    own = sys.getswitchinterval()
    try:
        for _ in range(5):
            recorded(lambda: None)
        assert sys.getswitchinterval() == own
    finally:
        sys.setswitchinterval(before)


def test_a_switch_interval_that_the_handler_sets_stands() -> None:
    before = sys.getswitchinterval()
    try:
        recorded(lambda: sys.setswitchinterval(0.02))
        assert sys.getswitchinterval() == pytest.approx(0.02)
    finally:
        sys.setswitchinterval(before)


def test_the_switch_interval_is_shortest_after_two_late_looks_and_alone() -> None:
    switching = SwitchInterval()
    looks = [
        (False, False),
        (False, True),
        (False, False),
        (False, True),
        (False, True),  # the second in a row
        (True, False),  # another thread is busy
        (False, False),
        (False, True),  # late all the same
    ]
    seen = []
    for crowded, late in looks:
        switching.follow(crowded, late)
        seen.append(round(sys.getswitchinterval() * 1e6))
    switching.restore()
    switching.follow(False)  # a tick that was under way
    assert seen == [500, 500, 500, 500, 20, 500, 20, 500]
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_a_look_is_late_by_the_interval_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a long invocation the interval has doubled: who keeps to it is on time."""
    bench = Bench(monkeypatch)
    bench.engine._wait_ns = 64 * MILLISECOND
    for tick in range(1, 6):
        bench.tick(tick * 64 * MILLISECOND, t1=(one,))
        assert sys.getswitchinterval() == pytest.approx(CALM_S)
    for tick in range(1, 3):
        bench.tick((320 + tick * 80) * MILLISECOND, t1=(one,))
    assert sys.getswitchinterval() == pytest.approx(EAGER_S)
    bench.stop(500 * MILLISECOND)


def test_which_threads_are_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 10_000, 900_000, None, 950_000])
    monkeypatch.setattr(sampler_module, "thread_cpu_ns", lambda _: next(clock))
    lane = sampler_module._Lane("worker", 0, 0)
    looks = [sampler_module._is_busy(lane, 2, place) for place in [(7, 1), (7, 1), (7, 1), (7, 1)]]
    # Just come; no figure to compare with; 10 µs are waiting; 890 µs at one place are a busy loop.
    assert looks == [True, True, False, True]
    assert sampler_module._is_busy(lane, 2, (7, 1))  # the system does not tell
    assert sampler_module._is_busy(lane, 2, (7, 2))  # it has moved


def test_a_busy_event_loop_does_not_hide_from_the_sampler() -> None:
    """Each round gives up the GIL for an instant, and so disturbs every thread that waits for it."""

    async def rounds() -> None:
        ends = time.perf_counter() + 1.5
        while time.perf_counter() < ends:
            await asyncio.sleep(0)

    looks = (recorded(lambda: asyncio.run(rounds()))[0].info.samples for _ in range(4))
    assert any(samples > 60 for samples in looks)  # of 750; at 0.5 ms throughout it was 6


def test_no_thread_means_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(sampler_module._thread, "start_new_thread", refuse)
    before = sys.getswitchinterval()
    with pytest.raises(RuntimeError, match="can't start"):
        SamplerEngine().start()
    assert sys.getswitchinterval() == before


def test_a_sampling_thread_that_dies_leaves_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SamplerEngine, "_tick", lambda *_: 1 / 0)
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    recording, _ = recorded(lambda: time.sleep(0.02))
    assert recording.threads == ()
    assert len(unraisable) == 1


def test_no_frame_outlives_the_recording() -> None:
    import gc
    import weakref

    class Local: ...

    references: list[Any] = []

    def handler() -> None:
        local = Local()
        references.append(weakref.ref(local))
        busy(0.03)

    recording, _ = recorded(handler)
    gc.collect()
    assert recording.threads
    assert references[0]() is None


# ---- read while it runs -------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_it_can_be_read_from_another_thread_while_it_runs_and_then_goes_on(clock: str) -> None:
    engine = SamplerEngine(clock=clock)
    readings: list[tuple[Recording, int]] = []
    engine.start()
    began_ns = time.perf_counter_ns()

    def read() -> None:
        recording = engine.read()
        readings.append((recording, time.perf_counter_ns() - began_ns))

    busy(0.1)
    reader = threading.Thread(target=read)
    reader.start()
    reader.join()
    busy(0.1)
    last = engine.stop()

    ((early, at_most_ns),) = readings
    seen_early, seen_last = sum(early.threads[0].weights_ns), sum(last.threads[0].weights_ns)
    assert 0 < seen_early <= at_most_ns + 1_000_000
    assert by_leaf(early, early.threads[0])["busy"] > seen_early / 2
    assert seen_last >= seen_early + (90 * MILLISECOND if clock == "wall" else 1)
    assert last.info.samples > early.info.samples


def test_reading_counts_the_time_since_the_last_look() -> None:
    engine = SamplerEngine(interval_ns=40 * MILLISECOND)
    engine.start()
    (lambda: time.sleep(0.075))()
    recording = engine.read()
    engine.stop()
    assert sum(recording.threads[0].weights_ns) >= 74 * MILLISECOND
