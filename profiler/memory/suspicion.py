"""`PROFILER_MEMORY=auto`: when tracemalloc wakes, how deep it looks, and when it sleeps again.

What costs next to nothing is looked at always: the sizes that the census tells, the blocks of the heap and
resident memory. Where one of them has grown through all of the last captures, tracing is worth its price for
a few invocations: one frame deep, which shows the lines, and deeper where they are not the function's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import pairwise

# The first captures are warm-up; suspicion needs as many again.
WARM_UP = 8
_SEEN = 16
_QUARTER = _SEEN // 4
SHALLOW_CAPTURES = 4
# Only where the lines that allocate are not the function's own.
DEEP_CAPTURES = 1
DEEP_FRAMES = 4
# Something new that grows is traced again after twice the captures so far, the same after so many times them.
_NEW_AGAIN = 2
_SAME_AGAIN = 32
_HEAP, _RESIDENT = "Python heap", "resident memory"
# From one quarter of the window to the next, in blocks, bytes, and entries; less is noise.
_LEAST_RISE = {_HEAP: 20, _RESIDENT: 256 * 1024}
_LEAST_RISE_OF_ENTRIES = 1


class Suspicion:
    """What grows in one environment, and how many frames deep it is worth to trace the next invocation."""

    def __init__(self, shallow_frames: int = 1) -> None:
        self._shallow_frames = shallow_frames
        self._captures = 0
        self._seen: dict[str, deque[int]] = {}
        self._known: set[str] = set()
        # What grew when tracing last woke.
        self.reasons: list[str] = []
        self._traced_until = 0
        self._left = 0
        self._named = False

    @property
    def frames(self) -> int:
        """How deep to trace the next captured invocation; 0: not at all."""
        if not self._left:
            return 0
        return self._shallow_frames if self._left > DEEP_CAPTURES else max(DEEP_FRAMES, self._shallow_frames)

    def take(
        self,
        entries: Iterable[tuple[str, int]],
        blocks: int,
        rss_bytes: int | None,
        named: bool = False,
    ) -> None:
        """Take what an invocation left: (path, entries) of containers without a bound, and the process.

        `named` tells that it was traced, and that what grew most was allocated by the function's own code.
        """
        self._captures += 1
        if self._left:
            # Tracing takes memory of its own: what is seen now proves nothing.
            self._left -= 1
            self._named = self._named or named
            if self._left == DEEP_CAPTURES and self._named:
                self._left = 0
            if not self._left:
                self._traced_until = self._captures
                self._seen.clear()
            return
        if self._captures <= WARM_UP:
            return
        readings = [*entries, (_HEAP, blocks)]
        if rss_bytes is not None:
            readings.append((_RESIDENT, rss_bytes))
        present = {}
        for path, value in readings:
            values = self._seen.get(path) or deque(maxlen=_SEEN)
            values.append(value)
            present[path] = values
        self._seen = present
        grown = {path for path, values in present.items() if _grows(path, values)}
        if grown and self._is_time(grown):
            # Whatever grows makes the process grow too, if not in the same window.
            self._known |= grown | {_HEAP, _RESIDENT}
            self.reasons = sorted(grown)
            self._left = SHALLOW_CAPTURES + DEEP_CAPTURES
            self._named = False

    def rest(self) -> None:
        """Trace no more: it could not be afforded."""
        self._left = 0
        self._traced_until = self._captures

    def _is_time(self, grown: set[str]) -> bool:
        factor = _NEW_AGAIN if grown - self._known else _SAME_AGAIN
        return self._captures >= self._traced_until * factor


def _grows(path: str, values: Sequence[int]) -> bool:
    """Tell whether the lowest values of the four quarters of a full window rise."""
    if len(values) < _SEEN:
        return False
    seen = list(values)
    lows = [min(seen[start : start + _QUARTER]) for start in range(0, _SEEN, _QUARTER)]
    least = _LEAST_RISE.get(path, _LEAST_RISE_OF_ENTRIES)
    return all(later - earlier >= least for earlier, later in pairwise(lows))
