"""Write functions and calls as KCachegrind and QCachegrind read them.

A call graph is written as it is. Of stacks the calls are not known, only their time: each counts as one.

Format: https://valgrind.org/docs/manual/cl-format.html
"""

from __future__ import annotations

from collections.abc import Mapping

from profiler.capture import Frame
from viewer.calltree import self_weights, total_weights
from viewer.profile import CALL_GRAPH, Lane, Profile

# (caller or None, callee) → calls, self, total.
Edges = Mapping[tuple[int | None, int], tuple[int, int, int]]


def render(profile: Profile) -> str:
    """Return the file's text: of all lanes of the first one's unit."""
    unit = profile.lanes[0].unit if profile.lanes else "nanoseconds"
    lanes = [lane for lane in profile.lanes if lane.unit == unit]
    is_graph = profile.graph is not None and all(lane.name == CALL_GRAPH for lane in lanes)
    edges: Edges = profile.graph.edges if is_graph and profile.graph is not None else _edges(profile, lanes)
    lines = [
        "# callgrind format",
        "version: 1",
        "creator: invocation-profiler",
        f"desc: Profile: {_clean(profile.title)}",
        "positions: line",
        f"events: {unit.capitalize()}",
        "",
    ]
    by_caller: dict[int, list[tuple[int, int, int]]] = {}
    selves: dict[int, int] = {}
    for (caller, callee), (calls, self_weight, total) in edges.items():
        selves[callee] = selves.get(callee, 0) + self_weight
        if caller is not None:
            selves.setdefault(caller, 0)
            by_caller.setdefault(caller, []).append((callee, calls, total))
    for frame, self_weight in selves.items():
        function = profile.frames[frame]
        lines += [f"fl={_file(function)}", f"fn={_name(function)}", f"{function.line or 0} {self_weight}"]
        for callee, calls, total in by_caller.get(frame, ()):
            called = profile.frames[callee]
            lines += [f"cfi={_file(called)}", f"cfn={_name(called)}", f"calls={calls} {called.line or 0}"]
            lines.append(f"{function.line or 0} {total}")
        lines.append("")
    return "\n".join(lines)


def _edges(profile: Profile, lanes: list[Lane]) -> Edges:
    """Return the edges of stacks: what is called from itself, directly or not, counts in its first call."""
    table = profile.table
    selves = self_weights(table, lanes)
    totals = total_weights(table, selves)
    edges: dict[tuple[int | None, int], tuple[int, int, int]] = {}
    for node, total in enumerate(totals):
        if total <= 0:
            continue
        parent = table.parents[node]
        edge = (table.frames[parent] if parent >= 0 else None, table.frames[node])
        calls, self_weight, before = edges.get(edge, (0, 0, 0))
        is_inner = edge in _edges_above(profile, parent)
        edges[edge] = (calls + 1, self_weight + selves[node], before + (0 if is_inner else total))
    return edges


def _edges_above(profile: Profile, node: int) -> set[tuple[int | None, int]]:
    stack = profile.table.stack(node)
    return set(zip((None, *stack), stack, strict=False))


def _file(frame: Frame) -> str:
    return _clean(frame.file) or "?"


def _name(frame: Frame) -> str:
    return _clean(frame.name) or "?"


def _clean(text: str) -> str:
    """Return text without what ends a line; a bracket at its start would be a number of a name."""
    cleaned = "".join(character if character.isprintable() else " " for character in text).strip()
    return f"\u200b{cleaned}" if cleaned.startswith("(") else cleaned
