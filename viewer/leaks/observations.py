"""The captures of one environment, brought in order, and what was odd about them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from viewer.units import counted


@dataclass(frozen=True, slots=True)
class Observation:
    """What is kept of a capture besides its subjects; `request` is its id's hash: it is only told apart."""

    sequence: int
    request: int
    started_at_ns: int
    cold: bool
    census_complete: bool
    tracing_since: int | None
    sites_complete: bool
    rss_bytes: int | None
    blocks: int | None


# Observations with the numbers under which they came.
Chosen = list[tuple[int, Observation]]


def choose(observations: Sequence[Observation]) -> tuple[Chosen, tuple[str, ...]]:
    """Return (number, observation) of the warm ones in order, and what was odd about them.

    A capture that is there twice counts once. Where two invocations have the same number, two
    environments share an id: the one with the most captures is judged, and the others are told.
    """
    numbered = sorted(enumerate(observations), key=lambda pair: pair[1].started_at_ns)
    requests: dict[int, set[int]] = {}
    for _, item in numbered:
        requests.setdefault(item.sequence, set()).add(item.request)
    notes = []
    if any(len(ids) > 1 for ids in requests.values()):
        runs = _runs(numbered)
        numbered = max(runs, key=len)
        notes.append(
            f"{len(runs):,} environments share this id; the one with the most captures is judged, "
            f"{counted(len(observations) - len(numbered), 'capture')} of the others are not"
        )
    by_sequence = {item.sequence: (number, item) for number, item in numbered}
    ordered = [by_sequence[sequence] for sequence in sorted(by_sequence)]
    if any(a.started_at_ns > b.started_at_ns for (_, a), (_, b) in pairwise(ordered)):
        notes.append("the clock went back: the order is that of the invocations' numbers")
    return [pair for pair in ordered if not pair[1].cold], tuple(notes)


def per_hour(chosen: Chosen) -> float | None:
    """Return how many invocations there were per hour, None where the clock does not tell."""
    if not chosen:
        return None
    first, last = chosen[0][1], chosen[-1][1]
    elapsed_ns = last.started_at_ns - first.started_at_ns
    # A clock that went back tells nothing.
    return (last.sequence - first.sequence) / (elapsed_ns / 3.6e12) if elapsed_ns > 0 else None


def longest_stretch(chosen: Chosen, starts: Iterable[int | None]) -> Chosen:
    """Return the observations of the stretch of tracing with the most of them, the last of equals."""
    stretches: dict[int | None, Chosen] = {start: [] for start in starts}
    for pair in chosen:
        if pair[1].tracing_since in stretches:
            stretches[pair[1].tracing_since].append(pair)
    return max(stretches.values(), key=lambda stretch: (len(stretch), stretch[-1][1].sequence), default=[])


def _runs(numbered: Chosen) -> list[Chosen]:
    """Return observations, ordered by time, by environment where several share an id.

    Within one the numbers go up.
    """
    runs: list[Chosen] = []
    # What may be continued: (last number, time, run), sorted.
    ends: list[tuple[int, int, int]] = []
    for pair in numbered:
        item = pair[1]
        # Of those that it may continue, the one whose last number is nearest, then the one seen last.
        nearest = bisect_left(ends, (item.sequence,)) - 1
        if nearest >= 0:
            _, _, run = ends.pop(nearest)
            runs[run].append(pair)
        else:
            run = len(runs)
            runs.append([pair])
        insort(ends, (item.sequence, item.started_at_ns, run))
    return runs
