"""Whether an invocation is traced by tracemalloc: always, while growth is suspected, and never without room.

The one place that starts and stops tracing. What it did otherwise than asked stands in `notes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from profiler.capture import AllocationSite, Container
from profiler.memory.headroom import shortage
from profiler.memory.process import ProcessReading
from profiler.memory.suspicion import Suspicion
from profiler.memory.tracing import Tracing

if TYPE_CHECKING:
    from profiler.engines.stacks import FrameTable
    from profiler.memory.tracing import Totals

_SLOWER = "times include the cost of tracemalloc: code that allocates much looks slower than it is"
_NAMED_AT_MOST = 3


class Tracer:
    """The tracing of one environment; `before`, `after` and `decide` enclose each captured invocation."""

    def __init__(self, frames: int, suspicion: Suspicion | None = None) -> None:
        self._frames = frames
        self._suspicion = suspicion
        self._tracing: Tracing | None = None
        self._depth = 0
        self._totals: Totals = {}
        self._short = ""
        self._was_traced = False
        # The file whose line kept most.
        self._grown_in = ""

    @property
    def tracing(self) -> Tracing | None:
        """What traces the present invocation, None where nothing does."""
        return self._tracing

    def before(self, sequence: int, limit_bytes: int | None) -> None:
        """Start to trace, where this invocation is to be traced and there is room for it."""
        frames = self._frames if self._suspicion is None else self._suspicion.frames
        if self._suspicion is not None:
            self._short = ""  # a later suspicion finds out anew whether there is room
        if frames and not self._short:
            self._short = shortage(limit_bytes)
        if not frames or self._short:
            self._rest()
            return
        if self._tracing is None or self._depth != frames:
            self.stop()
            self._tracing, self._depth = Tracing(frames), frames
        self._tracing.ensure_started(sequence)
        self._totals = self._tracing.totals()

    def after(self, table: FrameTable) -> tuple[tuple[AllocationSite, ...], int | None]:
        """Return the sites, and the first invocation that was traced whole; None where nothing was traced."""
        before, self._totals = self._totals, {}
        tracing = self._tracing
        self._was_traced = tracing is not None
        if tracing is None:
            return (), None
        sites = tracing.sites(before, tracing.totals(), table)
        grown = max(sites, key=lambda site: site.growth_bytes, default=None)
        self._grown_in = table.frames[grown.stack[-1]].file if grown is not None else ""
        return sites, tracing.since_sequence

    def decide(
        self,
        containers: Sequence[Container],
        process: ProcessReading,
        limit_bytes: int | None,
        own_modules: Sequence[tuple[str, ModuleType]],
    ) -> None:
        """Decide on the next invocation, from what this one left; stop at once where it is not traced."""
        if self._tracing is not None:
            self._short = shortage(limit_bytes)
        if self._suspicion is not None:
            entries = ((one.path, one.entries) for one in containers if one.bound is None)
            own_files = (
                [vars(module).get("__file__") for _, module in own_modules] if self._was_traced else []
            )
            self._suspicion.take(entries, process.blocks, process.rss_bytes, self._grown_in in own_files)
            if not self._suspicion.frames:
                self.stop()
        if self._short:
            self._rest()

    def relieve(self, shortage_in_words: str) -> None:
        """Stop, from any thread and in mid-invocation: memory runs short."""
        tracing, self._tracing = self._tracing, None
        if tracing is not None:
            tracing.stop()
            self._short = shortage_in_words

    def stop(self) -> None:
        """Stop tracing where it was started here; what is asked for later starts anew."""
        tracing, self._tracing = self._tracing, None
        if tracing is not None:
            tracing.stop()

    def notes(self) -> tuple[str, ...]:
        """Return what was done otherwise than asked, in plain words."""
        found = []
        if self._was_traced:
            found.append(_SLOWER)
        if self._tracing is not None and self._tracing.note:
            found.append(self._tracing.note)
        if self._suspicion is not None and self._was_traced:
            names = ", ".join(self._suspicion.reasons[:_NAMED_AT_MOST])
            depth = "one frame" if self._depth == 1 else f"{self._depth} frames"
            found.append(f"tracemalloc looks for the line, {depth} deep: {names} grew")
        if self._short:
            found.append(f"tracemalloc does not trace, for {self._short}")
        return tuple(found)

    def _rest(self) -> None:
        self.stop()
        if self._suspicion is not None and self._short:
            self._suspicion.rest()
