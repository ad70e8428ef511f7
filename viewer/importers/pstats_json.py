"""Read cProfile's statistics as JSON: functions and who called them. `pstats` files themselves are not read.

A `.prof` file is `marshal`, which can crash the interpreter. Where it was made it becomes JSON:

    import json, pstats
    stats = pstats.Stats("a.prof").stats
    key = lambda function: list(function)                       # file, line, name
    json.dump({"pstats": [[key(f), cc, nc, tt, ct, [[key(c), *v] for c, v in callers.items()]]
                          for f, (cc, nc, tt, ct, callers) in stats.items()]}, open("a.json", "w"))
"""

from __future__ import annotations

from typing import Any

from profiler.capture import CallEdge, Frame
from profiler.document import finite
from profiler.errors import CaptureFormatError
from viewer.building import ProfileBuilder
from viewer.callgraph import CallGraph, guess_stacks
from viewer.profile import CALL_GRAPH, Lane, Profile

_NS = 1_000_000_000


def matches(document: dict[str, Any]) -> bool:
    """Tell whether a document holds statistics in this form."""
    return isinstance(document.get("pstats"), list)


def read(document: dict[str, Any], name: str) -> Profile:
    """Return the profile; its functions are exact, its stacks are guessed from the edges.

    Raises:
        CaptureFormatError: an entry is not what it should be.
    """
    builder = ProfileBuilder()
    edges: list[CallEdge] = []
    for number, entry in enumerate(document["pstats"]):
        where = f"pstats[{number}]"
        if not isinstance(entry, list) or len(entry) != 6 or not isinstance(entry[5], list):
            raise CaptureFormatError(f"{where} is not [function, cc, nc, tt, ct, callers]")
        callee = builder.frame(_frame(entry[0], where))
        if not entry[5]:
            edges.append(_edge(None, callee, entry[1:5], where))
        for caller in entry[5]:
            if not isinstance(caller, list) or len(caller) != 5:
                raise CaptureFormatError(f"{where} has a caller that is not [function, cc, nc, tt, ct]")
            edges.append(_edge(builder.frame(_frame(caller[0], where)), callee, caller[1:], where))
    graph = CallGraph()
    graph.add(edges, range(len(builder.frames)))
    runs = [(builder.table.add(stack), weight) for stack, weight in guess_stacks(edges)]
    lane = Lane(CALL_GRAPH, "nanoseconds", runs, ordered=False)
    facts = {"File": name, "Written by": "cProfile"}
    return Profile(name, builder.frames, builder.table, [lane], facts, approximate=True, graph=graph)


def _frame(value: object, where: str) -> Frame:
    if not isinstance(value, list) or len(value) != 3:
        raise CaptureFormatError(f"{where} has a function that is not [file, line, name]")
    file, line, name = value
    if not isinstance(file, str) or not isinstance(name, str) or type(line) is not int or abs(line) > 10**9:
        raise CaptureFormatError(f"{where} has a function that is not [file, line, name]")
    return Frame(name, "" if file == "~" else file, max(0, line))


def _edge(caller: int | None, callee: int, numbers: list[object], where: str) -> CallEdge:
    _, calls, self_s, total_s = (finite(number, where) for number in numbers)
    if not (0 <= self_s < 1e6 and 0 <= total_s < 1e6 and 0 <= calls < 2**53):
        raise CaptureFormatError(f"{where} has a number that is negative or too large")
    return CallEdge(caller, callee, int(calls), round(self_s * _NS), round(total_s * _NS))
