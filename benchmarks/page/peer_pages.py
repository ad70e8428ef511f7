"""Write memray's or pyinstrument's page of a tree, by their own reporters, where these are installed.

`python peer_pages.py memray|pyinstrument TREE.json PAGE.html`
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def stacks(tree: dict[str, Any]) -> Iterator[tuple[list[int], int]]:
    """Yield (stack as frame indexes, root first; own weight) of each node with a weight."""
    path: list[int] = []  # nodes
    for node, parent in enumerate(tree["parents"]):
        while path and path[-1] != parent:
            path.pop()
        path.append(node)
        if tree["weights"][node]:
            yield [tree["frames"][at] for at in path], tree["weights"][node]


class Record:
    """What memray's reporter asks of an allocation."""

    n_allocations = 1
    tid = 1
    thread_name = "MainThread"

    def __init__(self, size: int, stack: list[tuple[str, str, int]]) -> None:
        self.size = size
        self._stack = stack

    def stack_trace(self) -> list[tuple[str, str, int]]:
        return self._stack


def memray(tree: dict[str, Any]) -> str:
    from io import StringIO

    from memray import FileFormat, Metadata
    from memray.reporters.flamegraph import FlameGraphReporter

    places = [(name, file, 1) for name, file in zip(tree["names"], tree["files"], strict=True)]
    records = (Record(weight, [places[frame] for frame in reversed(stack)]) for stack, weight in stacks(tree))
    reporter = FlameGraphReporter.from_snapshot(records, memory_records=[], native_traces=False)
    now = datetime.datetime(2026, 1, 1)
    metadata = Metadata(
        now, now, 1, 1, 1, "benchmark", 1, 1, "pymalloc", False, False, FileFormat.ALL_ALLOCATIONS
    )
    page = StringIO()
    reporter.render(page, metadata, show_memory_leaks=False, merge_threads=True, inverted=False, no_web=True)
    return page.getvalue()


def pyinstrument(tree: dict[str, Any]) -> str:
    from pyinstrument.renderers.html import HTMLRenderer
    from pyinstrument.session import Session

    frames = [f"{name}\0{file}\x001" for name, file in zip(tree["names"], tree["files"], strict=True)]
    records: Any = [([frames[frame] for frame in stack], weight / 1e6) for stack, weight in stacks(tree)]
    seconds = sum(weight for _, weight in records)
    session = Session(
        records, 0.0, seconds, 1e-6, 1e-6, len(records), frames[:1], "benchmark", seconds, [], []
    )
    # Its own default draws a hundredth of the samples from 100,000 on: here all draw the same.
    return HTMLRenderer(resample_interval=0).render(session)


def main() -> None:
    kind, source, target = sys.argv[1:]
    sys.setrecursionlimit(100_000)
    tree = json.loads(Path(source).read_text(encoding="utf-8"))
    page = {"memray": memray, "pyinstrument": pyinstrument}[kind](tree)
    Path(target).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
