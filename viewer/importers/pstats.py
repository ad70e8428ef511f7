"""Read the statistics of cProfile as JSON, in a form that this project defines (docs/exports.md).

    {"pstats": 1, "functions": [
      {"file": "app.py", "line": 12, "name": "handler", "calls": 3, "self_s": 0.1, "total_s": 0.4,
       "callers": [{"function": 7, "calls": 3, "self_s": 0.1, "total_s": 0.4}]}]}

`callers[].function` is an index into `functions`. A dump of `pstats` itself is marshal data: loading it can
crash the interpreter or worse, so it is never loaded here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from profiler.capture import CallEdge, Frame
from profiler.document import Fields, stack_of
from profiler.errors import CaptureFormatError
from viewer.building import MAX_TOTAL, ProfileBuilder, lane_of
from viewer.callgraph import CallGraph, cycles, guess_stacks
from viewer.importers.limits import weight_of
from viewer.profile import CALL_GRAPH, Profile

VERSION = 1
_SECOND = 1_000_000_000
# How cProfile writes a function in C: no file, and the name in angle brackets.
_NO_FILE = "~"


def read(document: dict[str, Any], name: str) -> Profile:
    """Return a call graph, exact function by function, with stacks that are guessed from it.

    Raises:
        CaptureFormatError: another version, an index out of range, a time that is negative or no number.
    """
    root = Fields(document, "file")
    if root.integer("pstats") != VERSION:
        raise CaptureFormatError(f"pstats as JSON of version {root.integer('pstats')}, and not {VERSION}")
    functions = root.objects("functions", lambda function: function)
    builder = ProfileBuilder()
    indexes = [builder.frame(_frame_of(function)) for function in functions]
    edges = list(_edges(functions))
    if sum(edge.total_ns for edge in edges) > MAX_TOTAL:
        raise CaptureFormatError("the functions add up to more than can be counted exactly")
    graph = CallGraph()
    graph.add(edges, indexes)
    # Two functions of the same name and place are one frame, so the stacks are guessed from the sum.
    merged = [CallEdge(caller, callee, *numbers) for (caller, callee), numbers in graph.edges.items()]
    runs = [(builder.table.add(stack), weight) for stack, weight in guess_stacks(merged)]
    lane = lane_of(CALL_GRAPH, "nanoseconds", runs, ordered=False, where="the call graph")
    facts = {"File": name, "Engine": "pstats"}
    return Profile(name, builder.frames, builder.table, [lane], facts, approximate=True, graph=graph)


def _frame_of(function: Fields) -> Frame:
    file, line, name = function.text("file"), function.integer("line"), function.text("name")
    return Frame(name.strip("<>"), "", 0) if file == _NO_FILE else Frame(name, file, max(0, line))


def _edges(functions: Sequence[Fields]) -> Iterator[CallEdge]:
    """Yield the edges to every function; what no caller accounts for came from outside."""
    incoming = [
        [_edge(place, caller, len(functions)) for caller in function.objects("callers", lambda one: one)]
        for place, function in enumerate(functions)
    ]
    cycle = cycles((edge.caller, edge.callee) for edge in itertools.chain.from_iterable(incoming))
    for place, (function, edges) in enumerate(zip(functions, incoming, strict=True)):
        yield from edges
        calls = _calls(function) - sum(edge.calls for edge in edges)
        if calls > 0 or not edges:
            # A call from what a function calls itself is a part of one that is counted already.
            counted = sum(edge.total_ns for edge in edges if cycle[edge.caller or 0] != cycle[place])
            self_ns = max(0, _time(function, "self_s") - sum(edge.self_ns for edge in edges))
            yield CallEdge(
                None, place, max(calls, 1), self_ns, max(self_ns, _time(function, "total_s") - counted)
            )


def _edge(place: int, caller: Fields, count: int) -> CallEdge:
    index = caller.integer("function", -1)
    stack_of([index], count, "callers")
    return CallEdge(index, place, _calls(caller), _time(caller, "self_s"), _time(caller, "total_s"))


def _calls(fields: Fields) -> int:
    calls = fields.integer("calls")
    if calls < 0:
        raise CaptureFormatError("a function has a negative number of calls")
    return calls


def _time(fields: Fields, name: str) -> int:
    return weight_of(fields.number(name), _SECOND, f"a function's {name}")
