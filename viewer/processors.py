"""Pure passes over profiles and call trees: what is left out, and what is added up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from profiler.capture import Frame
from viewer.calltree import CallTreeNode, self_weights, total_weights
from viewer.profile import CALL_GRAPH, Lane, Profile, StackTable

# How a thread of the standard library starts: the same three lines above every one. Python 3.10
# names them without the class.
_BOOTSTRAP = {"_bootstrap", "_bootstrap_inner", "run"}


@dataclass(frozen=True, slots=True)
class FunctionTotals:
    """Where one function's weight went, in the lanes' unit; a recursion counts once in the total.

    `calls` is None where nobody counted them.
    """

    frame: Frame
    self_weight: int
    total_weight: int
    calls: int | None = None


def hide_bootstrap(profile: Profile) -> Profile:
    """Return the profile without the `threading` frames that every thread begins with."""
    hidden = [_is_bootstrap(frame) for frame in profile.frames]
    if not any(hidden):
        return profile
    old = profile.table
    table = StackTable()
    moved: list[int] = []
    for parent, frame in zip(old.parents, old.frames, strict=True):
        above = moved[parent] if parent >= 0 else -1
        moved.append(-1 if above == -1 and hidden[frame] else table.child(above, frame))
    lanes = [replace(lane, runs=_moved(lane.runs, moved, old, table)) for lane in profile.lanes]
    return replace(profile, table=table, lanes=lanes)


def prune(root: CallTreeNode, share: float) -> CallTreeNode:
    """Return a call tree without the nodes below a share (0 to 1) of the root's total.

    What was left out is counted in its parent's `hidden` and `hidden_weight`.
    """
    least = root.total_weight * share
    pruned = replace(root, children=[])
    waiting = [(root, pruned)]
    while waiting:
        node, copy = waiting.pop()
        for child in node.children:
            if child.total_weight < least:
                copy.hidden += 1
                copy.hidden_weight += child.total_weight
            else:
                kept = replace(child, children=[])
                copy.children.append(kept)
                waiting.append((child, kept))
    return pruned


def function_totals(profile: Profile, lanes: Sequence[Lane]) -> list[FunctionTotals]:
    """Return the self and total of every function in the lanes; by self, then total, largest first.

    A lane that was guessed from a call graph is read from the graph itself, which is exact.
    """
    if profile.graph is not None and all(lane.name == CALL_GRAPH for lane in lanes):
        return _by_self(
            FunctionTotals(profile.frames[frame], self_ns, total_ns, calls)
            for frame, calls, self_ns, total_ns in profile.graph.functions()
        )
    table = profile.table
    selves = self_weights(table, lanes)
    totals = total_weights(table, selves)
    self_by_frame: dict[int, int] = {}
    total_by_frame: dict[int, int] = {}
    for node in _outermost(table, totals):
        frame = table.frames[node]
        total_by_frame[frame] = total_by_frame.get(frame, 0) + totals[node]
    for node, weight in enumerate(selves):
        if weight:
            frame = table.frames[node]
            self_by_frame[frame] = self_by_frame.get(frame, 0) + weight
    return _by_self(
        FunctionTotals(profile.frames[frame], self_by_frame.get(frame, 0), total)
        for frame, total in total_by_frame.items()
    )


def _by_self(rows: Iterable[FunctionTotals]) -> list[FunctionTotals]:
    return sorted(rows, key=lambda row: (-row.self_weight, -row.total_weight, row.frame.name))


def _outermost(table: StackTable, totals: Sequence[int]) -> Iterator[int]:
    """Yield the nodes with weight whose function is not already running further up the stack."""
    children: list[list[int]] = [[] for _ in totals]
    waiting: list[int] = []
    for node, parent in enumerate(table.parents):
        if totals[node] > 0:
            (children[parent] if parent >= 0 else waiting).append(node)
    active: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node < 0:  # every call below is done: its function is no longer running
            active.discard(table.frames[~node])
            continue
        frame = table.frames[node]
        if frame not in active:
            yield node
            active.add(frame)
            waiting.append(~node)
        waiting.extend(children[node])


def _is_bootstrap(frame: Frame) -> bool:
    owner, _, name = frame.name.rpartition(".")
    return (
        name in _BOOTSTRAP
        and owner in ("", "Thread")
        and frame.file.replace("\\", "/").rpartition("/")[2] == "threading.py"
    )


def _moved(
    runs: Sequence[tuple[int, int]], moved: Sequence[int], old: StackTable, table: StackTable
) -> list[tuple[int, int]]:
    """Return the runs on the new table; one that would have no frame left keeps its last."""
    result = []
    for node, weight in runs:
        if node < 0:
            result.append((node, weight))
            continue
        target = moved[node]
        result.append((target if target >= 0 else table.child(-1, old.frames[node]), weight))
    return result
