"""The pages that are compared: how each is made from a tree, and how a person uses it.

`ready`, `zoom` and `search` are JavaScript. `ready` is true when the picture stands, `zoom` goes into a large
box of the second level, `search` asks for QUERY; None where a page has no such thing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.page.trees import Tree
from profiler.capture import Frame
from viewer.profile import Lane, Profile, StackTable
from viewer.renderers.html import render

QUERY = "botocore_function_12"
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Contender:
    """One page. `make(tree, folder)` writes it and returns its address below the folder."""

    name: str
    make: Callable[[Tree, Path], str]
    ready: str
    zoom: str | None
    search: str | None
    # What a person must do before the merged picture stands; counted as part of the first render.
    begin: str = ""


def ours(tree: Tree, folder: Path) -> str:
    table = StackTable()
    table.parents, table.frames = tree.parents, tree.frames
    frames = [Frame(name, file, 1) for name, file in zip(tree.names, tree.files, strict=True)]
    runs = [(node, weight * 1000) for node, weight in enumerate(tree.weights) if weight]
    profile = Profile("benchmark", frames, table, [Lane("MainThread", "nanoseconds", runs, ordered=False)])
    (folder / "ours.html").write_text(render(profile), encoding="utf-8")
    return "ours.html"


def speedscope(modules: Path) -> Callable[[Tree, Path], str]:
    def make(tree: Tree, folder: Path) -> str:
        shutil.copytree(
            modules / "speedscope" / "dist" / "release", folder / "speedscope", dirs_exist_ok=True
        )
        events = []
        now = 0
        open_nodes: list[int] = []
        for node, parent in enumerate(tree.parents):
            while open_nodes and open_nodes[-1] != parent:
                events.append({"type": "C", "frame": tree.frames[open_nodes.pop()], "at": now})
            events.append({"type": "O", "frame": tree.frames[node], "at": now})
            open_nodes.append(node)
            now += tree.weights[node]
        events += [{"type": "C", "frame": tree.frames[node], "at": now} for node in reversed(open_nodes)]
        frames = [{"name": name, "file": file} for name, file in zip(tree.names, tree.files, strict=True)]
        document = {
            "$schema": "https://www.speedscope.app/file-format-schema.json",
            "shared": {"frames": frames},
            "profiles": [
                {
                    "type": "evented",
                    "name": "MainThread",
                    "unit": "microseconds",
                    "startValue": 0,
                    "endValue": now,
                    "events": events,
                }
            ],
        }
        (folder / "profile.json").write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
        return "speedscope/index.html#profileURL=../profile.json"

    return make


def d3_flame_graph(modules: Path) -> Callable[[Tree, Path], str]:
    def make(tree: Tree, folder: Path) -> str:
        totals = tree.totals()
        children = tree.children()
        # From the leaves up: json.dumps would have to go as deep as the tree.
        texts: dict[int, str] = {}
        for node in range(len(tree.parents) - 1, -1, -1):
            name = json.dumps(tree.names[tree.frames[node]])
            below = ",".join(texts.pop(child) for child in children[node])
            texts[node] = f'{{"name":{name},"value":{totals[node]},"children":[{below}]}}'
        scripts = [
            (modules / "d3" / "dist" / "d3.min.js").read_text(encoding="utf-8"),
            (modules / "d3-flame-graph" / "dist" / "d3-flamegraph.min.js").read_text(encoding="utf-8"),
        ]
        style = (modules / "d3-flame-graph" / "dist" / "d3-flamegraph.css").read_text(encoding="utf-8")
        page = f"""<!doctype html><meta charset="utf-8"><title>d3-flame-graph</title><style>{style}</style>
<div id="chart"></div>{"".join(f"<script>{script}</script>" for script in scripts)}
<script type="application/json" id="data">{texts[0]}</script>
<script>
  const data = JSON.parse(document.getElementById("data").textContent);
  const chart = flamegraph().width(innerWidth).transitionDuration(0).inverted(true);
  d3.select("#chart").datum(data).call(chart);
  window.drawn = true;
</script>"""
        (folder / "d3.html").write_text(page, encoding="utf-8")
        return "d3.html"

    return make


def by_reporter(kind: str, python: Path) -> Callable[[Tree, Path], str]:
    def make(tree: Tree, folder: Path) -> str:
        source = folder / "tree.json"
        source.write_text(json.dumps(vars(tree)), encoding="utf-8")
        script = str(_HERE / "peer_pages.py")
        target = folder / f"{kind}.html"
        subprocess.run([str(python), script, kind, str(source), str(target)], check=True, timeout=900)
        return target.name

    return make


_TYPE = """
const field = document.querySelector({field!r});
field.value = {query!r};
field.dispatchEvent(new Event("input", {{bubbles: true}}));
"""
# The widest box of a row, counted from the top.
_CLICK_SVG = """
const boxes = [...document.querySelectorAll("#chart svg g")].map(g => [g, g.getBoundingClientRect()]);
const rows = [...new Set(boxes.map(([, box]) => Math.round(box.top)))].sort((a, b) => a - b);
const row = boxes.filter(([, box]) => Math.round(box.top) === rows[ROW]);
const widest = row.sort((a, b) => b[1].width - a[1].width)[0][0];
begun = performance.now();
widest.dispatchEvent(new MouseEvent("click", {bubbles: true}));
"""
# speedscope draws the largest box at the left, its second row 172 px from the top.
_CLICK_CANVAS = """
const at = {clientX: 20, clientY: 172, bubbles: true};
for (const type of ["mousemove", "mousedown", "mouseup", "click", "dblclick"]) {
  document.elementFromPoint(at.clientX, at.clientY).dispatchEvent(new MouseEvent(type, at));
}
"""


def contenders(modules: Path | None, python: Path | None) -> list[Contender]:
    """Return ours and those of the others that could be fetched."""
    found = [
        Contender(
            "ours",
            ours,
            "return document.documentElement.dataset.ready === 'true'",
            # Box 0 is the lane, box 1 the root: its largest child.
            "flamegraph.zoom(2);",
            _TYPE.format(field="#search", query=QUERY),
        )
    ]
    if modules is not None:
        found.append(
            Contender(
                "speedscope, left heavy",
                speedscope(modules),
                "return document.querySelectorAll('canvas').length > 0",
                _CLICK_CANVAS,
                "window.dispatchEvent(new KeyboardEvent('keydown', {key: 'f', ctrlKey: true}));"
                "while (!document.querySelector('input')) await frame();"
                "await painted(); begun = performance.now();" + _TYPE.format(field="input", query=QUERY),
                begin="window.dispatchEvent(new KeyboardEvent('keypress', {key: '2'}));",
            )
        )
        found.append(
            Contender(
                "d3-flame-graph",
                d3_flame_graph(modules),
                "return window.drawn === true",
                _CLICK_SVG.replace("ROW", "1"),
                f"chart.search({QUERY!r});",
            )
        )
    if python is not None:
        found.append(
            Contender(
                "memray's page",
                by_reporter("memray", python),
                "return document.querySelectorAll('#chart svg g').length > 0",
                _CLICK_SVG.replace("ROW", "2"),  # its own root comes first
                _TYPE.format(field="#searchTerm", query=QUERY),
            )
        )
        found.append(
            Contender(
                "pyinstrument's page",
                by_reporter("pyinstrument", python),
                "return document.querySelectorAll('#app .frame, #app .call-stack, #app canvas').length > 0",
                None,
                None,
            )
        )
    return found
