"""The sampler: a thread that looks at every thread's stack and charges the time that really passed.

Two things make a sampler that lives under the GIL tell the truth. It weights each sample by the time
elapsed since the last one, because a C call that holds the GIL delays the sample but not the clock.
And it shortens the interpreter's switch interval while it runs (`switching`), because a thread that waits
for the GIL gets it only that long after asking.
"""

from __future__ import annotations

import _thread
import os
import sys
import time
from array import array
from collections.abc import Iterator
from types import CodeType, FrameType

from profiler import own
from profiler.capture import EngineInfo, ThreadProfile
from profiler.engines.base import DEFAULT_INTERVAL_NS, Declined, Recording
from profiler.engines.stacks import FrameTable, frame_of_code, is_own_code, outer_codes, shared_length
from profiler.engines.switching import SwitchInterval
from profiler.host import prepare_precise_waits, thread_cpu_ns, thread_name, wait_precisely

# Every so many runs the interval doubles: memory grows with the logarithm of a long invocation.
RUNS_PER_DOUBLING = 50_000
_START_TIMEOUT_S = 0.1
_STOP_TIMEOUT_S = 2.0
_READ_TIMEOUT_S = 0.5
# A thread that used less CPU time than this between two looks at the same place was waiting there.
_IDLE_CPU_NS = 50_000
# A look that comes this much after its time has been held up.
_LATE_NS = 10_000_000
# With more threads than this it costs too much to find out which of them wait.
_WATCHED_THREADS = 10


class _Lane:
    """The runs of one thread: `stacks` are numbers of distinct stacks, one for each weight."""

    __slots__ = ("cpu_ns", "last_tick", "name", "place", "stacks", "start_ns", "watched_cpu_ns", "weights_ns")

    def __init__(self, name: str, start_ns: int, cpu_ns: int) -> None:
        self.name = name
        self.start_ns = start_ns
        self.cpu_ns = cpu_ns
        self.last_tick = 0
        self.place: tuple[int, int] | None = None
        self.watched_cpu_ns: int | None = None
        self.stacks = array("q")
        self.weights_ns = array("q")

    def copy(self) -> _Lane:
        """Return the runs as they are now."""
        other = _Lane(self.name, self.start_ns, self.cpu_ns)
        other.last_tick = self.last_tick
        other.stacks = self.stacks[:]
        other.weights_ns = self.weights_ns[:]
        return other


class SamplerEngine:
    """Sample all threads of the process every `interval_ns`; wall or per-thread CPU time."""

    def __init__(self, interval_ns: int = DEFAULT_INTERVAL_NS, clock: str = "wall") -> None:
        self._interval_ns = interval_ns
        self._wait_ns = interval_ns  # the interval now: it doubles while an invocation runs long
        self._clock = clock
        self._wake = _thread.allocate_lock()
        self._done = _thread.allocate_lock()
        self._ready = _thread.allocate_lock()
        self._looking = _thread.allocate_lock()  # held for one tick, or to copy what the ticks have left
        self._lanes: dict[int, _Lane] = {}
        self._finished_lanes: list[_Lane] = []
        # Keyed by id: hashing a code object walks all its bytecode. The codes are kept in `_codes`,
        # so that no id is used twice.
        self._codes: dict[int, CodeType] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        self._runs = 0
        self._ticks = 0
        prepare_precise_waits()

    def start(self) -> None:
        """Begin to sample; the calling thread is the handler's. Raises Declined without the clock."""
        self._process_id = os.getpid()
        self._handler_thread = _thread.get_ident()
        if self._clock == "cpu":
            cpu_ns = thread_cpu_ns(self._handler_thread)
            if cpu_ns is None:
                raise Declined("this system tells no CPU time by thread; the sampler was not started")
            # From here on, and not from the first tick: a C call may hold that up.
            self._lanes[self._handler_thread] = _Lane(thread_name(self._handler_thread), 0, cpu_ns)
        self._outer = outer_codes(sys._getframe(1))
        self._switching = SwitchInterval()
        self._switching.follow(crowded=False)
        self._wake.acquire()
        self._done.acquire()
        self._ready.acquire()
        self._started_ns = self._last_ns = time.perf_counter_ns()
        # Not threading.Thread: user code that counts or hooks threads must not see this one.
        try:
            _thread.start_new_thread(self._run, ())
        except BaseException:
            self._switching.restore()
            raise
        # A new thread needs its time to get going, and what the handler does first must not pass it by.
        self._ready.acquire(timeout=_START_TIMEOUT_S)
        self._started_ns = self._last_ns = time.perf_counter_ns()

    def read(self) -> Recording:
        """Return the runs so far, from any thread, while sampling goes on."""
        held = self._looking.acquire(timeout=_READ_TIMEOUT_S)
        try:
            return self._recording(time.perf_counter_ns(), self._handler_cpu_ns())
        finally:
            if held:
                self._looking.release()

    def stop(self) -> Recording:
        """End sampling and return the runs; the last stacks get the time since the last tick."""
        stopped_ns = time.perf_counter_ns()
        cpu_ns = self._handler_cpu_ns()
        if os.getpid() == self._process_id:  # a forked child has no sampling thread to wait for
            self._wake.release()
            self._done.acquire(timeout=_STOP_TIMEOUT_S)
        # Last, for a tick that was under way follows the crowd.
        self._switching.restore()
        return self._recording(stopped_ns, cpu_ns)

    # ---- while it runs -------------------------------------------------------------------------

    def _run(self) -> None:
        own_thread = _thread.get_ident()
        limit = RUNS_PER_DOUBLING
        stopped = self._wake.acquire
        clock = time.perf_counter_ns
        try:
            wait_precisely()
            self._tick(clock(), 0, own_thread)  # so that everything in it has been run once
            self._ready.release()
            while not stopped(True, self._wait_ns / 1e9):
                with self._looking:
                    now_ns = clock()
                    self._tick(now_ns, now_ns - self._last_ns, own_thread)
                    self._last_ns = now_ns
                if self._runs > limit:
                    limit += RUNS_PER_DOUBLING
                    self._wait_ns *= 2
        finally:
            self._done.release()

    def _tick(self, now_ns: int, elapsed_ns: int, own_thread: int) -> None:
        frames = sys._current_frames()
        for thread in (own_thread, *own.THREADS):
            frames.pop(thread, None)
        self._ticks += 1
        # Two passes, the handler's thread first: the threads wait for the GIL again, and once they have
        # got it the stacks that have not been walked yet are no longer those of this moment.
        looks = [(thread, *self._walk(frame)) for thread, frame in self._handler_first(frames)]
        crowded = len(looks) > _WATCHED_THREADS
        for thread, place, key in looks:
            lane = self._lanes.get(thread)
            # A thread that was away for a tick has ended, and its id has been given to another.
            if lane is None or lane.last_tick != self._ticks - 1:
                lane = self._open_lane(thread, now_ns - elapsed_ns)
            lane.last_tick = self._ticks
            self._charge(lane, thread, key, elapsed_ns)
            if not crowded and thread != self._handler_thread:
                crowded = _is_busy(lane, thread, place)
        self._switching.follow(crowded, late=elapsed_ns > self._wait_ns + _LATE_NS)

    def _handler_first(self, frames: dict[int, FrameType]) -> Iterator[tuple[int, FrameType]]:
        handler = frames.pop(self._handler_thread, None)
        if handler is not None:
            yield self._handler_thread, handler
        yield from frames.items()

    def _walk(self, frame: FrameType | None) -> tuple[tuple[int, int], tuple[int, ...]]:
        """Return where a thread stands, and its stack as numbers of code objects, innermost first."""
        place = (id(frame), frame.f_lasti if frame is not None else 0)
        codes = self._codes
        key = []
        while frame is not None:
            code = frame.f_code
            number = id(code)
            if number not in codes:
                codes[number] = code
            key.append(number)
            frame = frame.f_back
        return place, tuple(key)

    def _open_lane(self, thread: int, start_ns: int) -> _Lane:
        previous = self._lanes.get(thread)
        if previous is not None:
            self._finished_lanes.append(previous)
        cpu_ns = thread_cpu_ns(thread) if self._clock == "cpu" else 0
        lane = self._lanes[thread] = _Lane(thread_name(thread), start_ns - self._started_ns, cpu_ns or 0)
        return lane

    def _charge(self, lane: _Lane, thread: int, key: tuple[int, ...], elapsed_ns: int) -> None:
        if self._clock == "cpu":
            cpu_ns = thread_cpu_ns(thread)
            elapsed_ns = 0 if cpu_ns is None else cpu_ns - lane.cpu_ns
            lane.cpu_ns = lane.cpu_ns if cpu_ns is None else cpu_ns
            if elapsed_ns <= 0:
                return
        stacks = self._stacks
        stack = stacks.get(key)
        if stack is None:
            stack = stacks[key] = len(stacks)
        if lane.stacks and lane.stacks[-1] == stack:
            lane.weights_ns[-1] += elapsed_ns
        else:
            lane.stacks.append(stack)
            lane.weights_ns.append(elapsed_ns)
            self._runs += 1

    # ---- afterwards ----------------------------------------------------------------------------

    def _handler_cpu_ns(self) -> int | None:
        return thread_cpu_ns(self._handler_thread) if self._clock == "cpu" else None

    def _recording(self, ended_ns: int, cpu_ns: int | None) -> Recording:
        lanes = {thread: lane.copy() for thread, lane in self._lanes.items()}
        if os.getpid() == self._process_id:
            self._charge_rest(lanes, ended_ns, cpu_ns)
        table = FrameTable()
        threads = self._threads(lanes, table)
        info = EngineInfo("sampler", self._interval_ns, self._clock, self._ticks)
        return Recording(info, tuple(table.frames), threads)

    def _charge_rest(self, lanes: dict[int, _Lane], ended_ns: int, cpu_ns: int | None) -> None:
        if self._clock == "cpu":
            lane = lanes[self._handler_thread]
            if cpu_ns is not None and lane.weights_ns:
                lane.weights_ns[-1] += max(0, cpu_ns - lane.cpu_ns)
            return
        # Negative where a last tick came while `stop` had begun.
        rest_ns = ended_ns - self._last_ns
        for lane in lanes.values():
            if lane.last_tick == self._ticks and lane.weights_ns:
                lane.weights_ns[-1] = max(0, lane.weights_ns[-1] + rest_ns)

    def _threads(self, lanes: dict[int, _Lane], table: FrameTable) -> tuple[ThreadProfile, ...]:
        handler_lane = lanes.pop(self._handler_thread, None)
        others = sorted(self._finished_lanes + list(lanes.values()), key=lambda lane: lane.start_ns)
        resolved = self._resolved_stacks()
        threads = []
        if handler_lane is not None:
            threads.append(_thread_profile(handler_lane, resolved, self._outer, table))
        threads.extend(
            _thread_profile(lane, resolved, [], table)
            for lane in others
            if not lane.name.startswith(own.THREAD_PREFIX) and lane.stacks
        )
        return tuple(threads)

    def _resolved_stacks(self) -> list[list[CodeType]]:
        """Return the distinct stacks as code objects, root first, without the profiler's own."""
        codes = self._codes
        return [
            [code for code in (codes[number] for number in reversed(key)) if not is_own_code(code)]
            for key in self._stacks
        ]


def _is_busy(lane: _Lane, thread: int, place: tuple[int, int]) -> bool:
    """Tell whether a thread has moved, or used CPU time, since the last look at it."""
    moved = place != lane.place
    lane.place = place
    if moved:
        lane.watched_cpu_ns = None
        return True
    before_ns, lane.watched_cpu_ns = lane.watched_cpu_ns, thread_cpu_ns(thread)
    if before_ns is None or lane.watched_cpu_ns is None:
        return True
    return lane.watched_cpu_ns - before_ns > _IDLE_CPU_NS


def _thread_profile(
    lane: _Lane, resolved: list[list[CodeType]], outer: list[CodeType], table: FrameTable
) -> ThreadProfile:
    """Return a lane's runs as frame indexes, cut where the handler begins.

    A sample taken in the profiler's own steps has nothing left after the cut; its time goes to the
    neighbour, so that a thread's weights still add up to the time it was watched.
    """
    indexes: dict[int, tuple[int, ...]] = {}
    stacks: list[tuple[int, ...]] = []
    weights_ns: list[int] = []
    waiting_ns = 0
    for number, weight_ns in zip(lane.stacks, lane.weights_ns, strict=True):
        stack = indexes.get(number)
        if stack is None:
            codes = resolved[number][shared_length(resolved[number], outer) :]
            stack = indexes[number] = tuple(table.index(frame_of_code(code)) for code in codes)
        if not weight_ns:
            continue
        if stacks and (not stack or stack == stacks[-1]):
            weights_ns[-1] += weight_ns
        elif not stack:
            waiting_ns += weight_ns
        else:
            stacks.append(stack)
            weights_ns.append(weight_ns + waiting_ns)
            waiting_ns = 0
    return ThreadProfile(lane.name, tuple(stacks), tuple(weights_ns), lane.start_ns)
