"""Write a profile in callgrind's format, as KCachegrind, QCachegrind and callgrind_annotate read it.

Format: https://valgrind.org/docs/manual/cl-format.html. It knows functions and the calls between them, as a
tracing engine does: its graph is written as it is. Of sampled stacks the graph is what they add up to; nobody
counted their calls, so each is written as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from profiler.capture import Frame
from viewer.calltree import self_weights, total_weights
from viewer.measures import Measure, measures_of
from viewer.profile import CALL_GRAPH, Profile, StackTable

_UNKNOWN = "???"  # callgrind's own word for it


@dataclass(slots=True)
class _Costs:
    """Per measure: what functions cost themselves, and what their calls cost with all that is below them."""

    measures: int
    selves: dict[int, list[int]] = field(default_factory=dict)
    calls: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    counts: dict[tuple[int, int], int] = field(default_factory=dict)

    def add_self(self, frame: int, measure: int, weight: int) -> None:
        self.selves.setdefault(frame, [0] * self.measures)[measure] += weight

    def add_call(self, caller: int, callee: int, measure: int, weight: int, count: int) -> None:
        key = (caller, callee)
        self.calls.setdefault(key, [0] * self.measures)[measure] += weight
        self.counts[key] = max(self.counts.get(key, 1), count)


def render(profile: Profile) -> str:
    """Return the lines: one event for each measure, one block for each function."""
    measures = measures_of(profile)
    costs = _Costs(len(measures))
    for place, measure in enumerate(measures):
        _add(profile, measure, place, costs)
    summary = [sum(selves[place] for selves in costs.selves.values()) for place in range(len(measures))]
    lines = [
        "# callgrind format",
        "version: 1",
        "creator: invocation-profiler",
        f"cmd: {_line(profile.title)}",
        *(f"desc: {_line(label)}: {_line(text)}" for label, text in profile.facts.items()),
        "positions: line",
        *(f"event: {measure.name} : {measure.name}, {measure.unit}" for measure in measures),
        f"events: {' '.join(measure.name for measure in measures)}",
        f"summary: {_numbers(summary)}",
        "",
    ]
    return "\n".join([*lines, *_functions(profile, costs)]) + "\n"


def _add(profile: Profile, measure: Measure, place: int, costs: _Costs) -> None:
    lanes = list(measure.lanes)
    if profile.graph is not None and any(lane.name == CALL_GRAPH for lane in lanes):
        lanes = [lane for lane in lanes if lane.name != CALL_GRAPH]
        for (caller, callee), (calls, self_ns, total_ns) in profile.graph.edges.items():
            costs.add_self(callee, place, self_ns)
            if caller is not None:
                costs.add_call(caller, callee, place, total_ns, calls)
    table = profile.table
    selves = self_weights(table, lanes)
    for node, weight in enumerate(selves):
        if weight:
            costs.add_self(table.frames[node], place, weight)
    for caller, callee, weight in _outermost_calls(table, total_weights(table, selves)):
        costs.add_call(caller, callee, place, weight, 1)


def _outermost_calls(table: StackTable, totals: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (caller, callee, weight) of every call that is not made within the same call further up."""
    callees: list[list[int]] = [[] for _ in totals]
    waiting: list[int] = []
    for node, parent in enumerate(table.parents):
        if totals[node] > 0:
            (callees[parent] if parent >= 0 else waiting).append(node)
    active: set[tuple[int, int]] = set()
    while waiting:
        node = waiting.pop()
        parent = table.parents[node] if node >= 0 else table.parents[~node]
        edge = (table.frames[parent], table.frames[node if node >= 0 else ~node]) if parent >= 0 else None
        if node < 0:  # all below is done
            if edge is not None:
                active.discard(edge)
            continue
        if edge is not None and edge not in active:
            yield (*edge, totals[node])
            active.add(edge)
            waiting.append(~node)
        waiting += callees[node]


def _functions(profile: Profile, costs: _Costs) -> Iterator[str]:
    names = _Names(profile.frames)
    calls: dict[int, list[int]] = {}
    for caller, callee in costs.calls:
        calls.setdefault(caller, []).append(callee)
    for frame in sorted(costs.selves.keys() | calls.keys()):
        line = profile.frames[frame].line
        yield from names.lines("", frame)
        yield f"{line} {_numbers(costs.selves.get(frame, [0] * costs.measures))}"
        for callee in calls.get(frame, ()):
            yield from names.lines("c", callee)
            yield f"calls={costs.counts[frame, callee]} {profile.frames[callee].line}"
            yield f"{line} {_numbers(costs.calls[frame, callee])}"
        yield ""


class _Names:
    """Functions as `fl=(1) file` and `fn=(1) name`, written out where they come first.

    Of the same name in the same file, callgrind makes one function: their lines keep them apart.
    """

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames
        self._files: dict[str, int] = {}
        self._seen: set[int] = set()
        seen: dict[tuple[str, str], int] = {}
        for frame in frames:
            seen[frame.name, frame.file] = seen.get((frame.name, frame.file), 0) + 1
        self._shared = {key for key, count in seen.items() if count > 1}

    def lines(self, prefix: str, frame: int) -> list[str]:
        """Return the two lines that name a function, or with the prefix `c`, one that is called."""
        known = self._frames[frame]
        new_file = known.file not in self._files
        number = self._files.setdefault(known.file, len(self._files) + 1)
        file = f" {_line(known.file)}" if new_file else ""
        name = ""
        if frame not in self._seen:
            self._seen.add(frame)
            apart = f":{known.line}" if (known.name, known.file) in self._shared else ""
            name = f" {_line(known.name)}{apart}"
        return [f"{'cfi' if prefix else 'fl'}=({number}){file}", f"{prefix}fn=({frame + 1}){name}"]


def _line(text: str) -> str:
    return " ".join(text.split()) or _UNKNOWN


def _numbers(costs: Sequence[int]) -> str:
    return " ".join(map(str, costs))
