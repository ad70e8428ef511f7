"""What is meant by a part of the picture: invocations in a rectangle of time and duration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.capture import OUTCOMES
from profiler.errors import SelectionError
from viewer.leaks.statistics import thin
from viewer.serve.index import COLD_BIT, Invocations
from viewer.store import StoredCapture

# Of a larger choice so many are read, evenly over time: more would change nothing that one could see.
READ_AT_MOST = 400
_STARTS = {"cold": (True,), "warm": (False,), "all": (True, False)}


@dataclass(frozen=True, slots=True)
class Choice:
    """From and to, in milliseconds since the epoch, and of duration; `starts` is cold, warm or all."""

    from_ms: float = -math.inf
    to_ms: float = math.inf
    shortest_ms: float = -math.inf
    longest_ms: float = math.inf
    starts: str = "all"
    outcomes: tuple[str, ...] = OUTCOMES

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Read `FROM,TO,SHORTEST,LONGEST[,cold|warm|all[,OUTCOME+OUTCOME]]`; an empty place has no limit.

        Raises:
            SelectionError: it is no such text.
        """
        parts = text.split(",") if text else []
        numbers = [-math.inf, math.inf, -math.inf, math.inf]
        for place, part in enumerate(parts[:4]):
            try:
                numbers[place] = float(part) if part else numbers[place]
            except ValueError:
                numbers[place] = math.nan
        starts = parts[4] if len(parts) > 4 and parts[4] else "all"
        outcomes = tuple(parts[5].split("+")) if len(parts) > 5 and parts[5] else OUTCOMES
        are_names = starts in _STARTS and set(outcomes) <= set(OUTCOMES)
        if not are_names or len(parts) > 6 or any(map(math.isnan, numbers)):
            raise SelectionError(f"{text[:80]!r} is no part of the picture")
        return cls(numbers[0], numbers[1], numbers[2], numbers[3], starts, outcomes)

    def of(self, found: Invocations) -> list[StoredCapture]:
        """Return the invocations in it, the newest first."""
        # What is drawn has single precision: an edge includes what lies on it.
        shortest, longest = self.shortest_ms * (1 - 1e-6), self.longest_ms * (1 + 1e-6)
        flags = {
            OUTCOMES.index(outcome) << 1 | (COLD_BIT if cold else 0)
            for outcome in self.outcomes
            for cold in _STARTS[self.starts]
        }
        columns = zip(found.captures, found.started_ms, found.duration_ms, found.flags, strict=False)
        chosen = [
            stored
            for stored, started_ms, duration_ms, flag in columns
            if self.from_ms <= started_ms <= self.to_ms
            and shortest <= duration_ms <= longest
            and flag in flags
        ]
        chosen.sort(key=lambda stored: stored.key.started_at_ns, reverse=True)
        return chosen


def few(chosen: Sequence[StoredCapture]) -> list[StoredCapture]:
    """Return those of a choice that are read."""
    return list(thin(chosen, READ_AT_MOST))
