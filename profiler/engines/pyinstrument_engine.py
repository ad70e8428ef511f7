"""pyinstrument: one thread, wall clock, and stacks that follow `await`."""

from __future__ import annotations

import _thread
import os
import sys
from typing import Any

from profiler.capture import EngineInfo, Frame, ThreadProfile
from profiler.engines.base import DEFAULT_INTERVAL_NS, Declined, Recording
from profiler.engines.stacks import FrameTable, frame_of_code, outer_codes
from profiler.host import thread_name
from profiler.own import is_own_file


class PyinstrumentEngine:
    """Record the calling thread with a new pyinstrument.Profiler.

    A Profiler is never used twice: a second session is merged into the first and grows.
    """

    # It keeps every sample, about 2 KB each at depth 24: this bounds a capture's memory near 40 MB.
    samples_at_most = 20_000

    def __init__(self, interval_ns: int = DEFAULT_INTERVAL_NS, clock: str = "wall") -> None:
        import pyinstrument

        self._interval_ns = interval_ns
        self._version = str(pyinstrument.__version__)
        self._new_profiler = pyinstrument.Profiler

    def start(self) -> None:
        """Begin to record the calling thread. Raises Declined where a profile hook is already set."""
        if sys.getprofile() is not None:
            raise Declined("a profile function is already set in this thread; pyinstrument was not started")
        # "disabled" keeps out of the way of a profiler that the user's own code starts later, but
        # would lose the stacks that follow `await`.
        mode: Any = "enabled" if _in_event_loop() else "disabled"
        self._outer = [_identity(frame_of_code(code)) for code in outer_codes(sys._getframe(1))]
        self._profiler = self._new_profiler(interval=self._interval_ns / 1e9, async_mode=mode)
        self._thread_name = thread_name(_thread.get_ident())
        try:
            self._profiler.start(caller_frame=sys._getframe(1))
        except RuntimeError as error:
            raise Declined(f"pyinstrument: {error}") from error

    def read(self) -> Recording:
        """Return the samples so far, while recording goes on; from any thread."""
        session = self._profiler._active_session
        # A copy, for the handler's thread adds to it.
        return self._recording(list(session.frame_records) if session is not None else [])

    def stop(self) -> Recording:
        """End recording and return the samples in time order."""
        return self._recording(self._profiler.stop().frame_records)

    def _recording(self, records: list[Any]) -> Recording:
        table = FrameTable()
        thread = _thread_profile(self._thread_name, records, self._outer, table)
        info = EngineInfo("pyinstrument", self._interval_ns, "wall", len(records), self._version)
        return Recording(info, tuple(table.frames), (thread,))


def _in_event_loop() -> bool:
    asyncio_events = sys.modules.get("asyncio.events")
    return asyncio_events is not None and asyncio_events._get_running_loop() is not None


def _thread_profile(
    name: str, records: list[Any], outer: list[tuple[str, str, int]], table: FrameTable
) -> ThreadProfile:
    """Turn pyinstrument's (stack of identifiers, seconds) records into runs."""
    stacks: list[tuple[int, ...]] = []
    weights_ns: list[int] = []
    indexes: dict[tuple[str, ...], tuple[int, ...]] = {}
    for identifiers, seconds in records:
        key = tuple(identifiers)
        stack = indexes.get(key)
        if stack is None:
            stack = indexes[key] = _stack(key, outer, table)
        if stacks and (not stack or stack == stacks[-1]):
            weights_ns[-1] += round(seconds * 1e9)
        elif stack:
            stacks.append(stack)
            weights_ns.append(round(seconds * 1e9))
    return ThreadProfile(name, tuple(stacks), tuple(weights_ns))


def _stack(
    identifiers: tuple[str, ...], outer: list[tuple[str, str, int]], table: FrameTable
) -> tuple[int, ...]:
    frames = [_frame(identifier) for identifier in identifiers]
    # The first identifier of a stack names the thread.
    frames = [frame for frame in frames if not (is_own_file(frame.file) or frame.file == "<thread>")]
    shared = 0
    for frame, code in zip(frames, outer, strict=False):
        if _identity(frame) != code:
            break
        shared += 1
    # Called by the engine and not by the handler: pyinstrument itself, as it stops.
    if frames[shared:] and frames[shared].file.startswith(_pyinstrument_directory()):
        return ()
    return tuple(table.index(frame) for frame in frames[shared:])


def _pyinstrument_directory() -> str:
    return os.path.dirname(str(sys.modules["pyinstrument"].__file__)) + os.sep


def _frame(identifier: str) -> Frame:
    """Parse `name\\0file\\0line[\\1attributes]`, pyinstrument's frame identifier."""
    name, _, rest = identifier.partition("\x00")
    file, _, line = rest.partition("\x00")
    digits = line.partition("\x01")[0]
    return Frame(name, file, int(digits) if digits.isdigit() else 0)


def _identity(frame: Frame) -> tuple[str, str, int]:
    # pyinstrument names a function by co_name, we by co_qualname: compare the last part.
    return frame.name.rpartition(".")[2], frame.file, frame.line
