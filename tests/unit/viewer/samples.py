"""One real file of every kind that is read, made by what makes such files where that can be had."""

from __future__ import annotations

import cProfile
import io
import json
import pstats
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyinstrument
from pyinstrument.renderers import JSONRenderer

from profiler.capture import CallEdge
from profiler.codec import encode
from tests.unit.viewer.builders import capture, memory, thread
from viewer.load import profile_of
from viewer.profile import Profile
from viewer.renderers import rendered

DOCS = Path(__file__).parents[3] / "docs"


def work(rounds: int = 200) -> int:
    """Something to profile: two functions, one of them recursive."""
    return sum(fibonacci(number % 12) + len(json.dumps(list(range(50)))) for number in range(rounds))


def fibonacci(number: int) -> int:
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


def plain_profile() -> Profile:
    """Return a profile with two threads and two kinds of memory."""
    threads = (
        thread(((0,), 100), ((0, 1), 200), ((), 3), ((0, 1, 2), 50), ((0, 1), 50)),
        thread(((1, 1), 7), ((2,), 8), name="worker-1"),
    )
    return profile_of(capture(threads=threads, memory=memory()))


def capture_file() -> bytes:
    return encode(capture(memory=memory()))


def call_graph_file() -> bytes:
    """Return a capture of a tracing engine."""
    edges = (CallEdge(None, 0, 1, 10, 100), CallEdge(0, 1, 5, 60, 90), CallEdge(1, 1, 2, 30, 30))
    return encode(capture(threads=(thread(),), call_graph=edges))


def speedscope_file() -> bytes:
    return rendered("speedscope", plain_profile())


def evented_file() -> bytes:
    events = [
        ("O", 0, 0),
        ("O", 1, 2.5),
        ("C", 1, 5),
        ("O", 0, 5),
        ("C", 0, 6),
        ("C", 0, 7),
        ("O", 1, 9),
        ("C", 1, 9.5),
    ]
    profile = {
        "type": "evented",
        "name": "main",
        "unit": "milliseconds",
        "startValue": 0,
        "endValue": 10,
        "events": [{"type": kind, "frame": frame, "at": at} for kind, frame, at in events],
    }
    frames = [{"name": "a", "file": "a.py", "line": 1, "col": 4}, {"name": "b"}]
    return json.dumps({"shared": {"frames": frames}, "profiles": [profile], "name": "events"}).encode()


def collapsed_file() -> bytes:
    return rendered("collapsed", plain_profile()) + b"# a comment\nperf;[unknown];sort_[k] 12\n"


def pprof_file() -> bytes:
    return rendered("pprof", plain_profile())


def pyinstrument_session() -> Any:
    recorder = pyinstrument.Profiler(interval=0.0005)
    with recorder:
        work(600)
    return recorder.last_session


def session_file() -> bytes:
    return json.dumps(pyinstrument_session().to_json()).encode()


def rendered_file() -> bytes:
    return JSONRenderer(show_all=True).render(pyinstrument_session()).encode()


def pstats_of_work() -> pstats.Stats:
    recorder = cProfile.Profile()
    recorder.runcall(work)
    return pstats.Stats(recorder, stream=io.StringIO())


def converter() -> str:
    """Return the program in docs/exports.md that turns a dump of pstats into JSON."""
    text = (DOCS / "exports.md").read_text(encoding="utf-8")
    blocks = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "import pstats" in block
    ]
    assert len(blocks) == 1
    return str(blocks[0])


def pstats_file() -> bytes:
    stats: Any = pstats_of_work()
    namespace: dict[str, Any] = {}
    exec(compile(converter().partition("if __name__")[0], "docs/exports.md", "exec"), namespace)
    return json.dumps(namespace["as_json"](stats)).encode()


SAMPLES: dict[str, Callable[[], bytes]] = {
    "capture": capture_file,
    "call graph": call_graph_file,
    "speedscope": speedscope_file,
    "speedscope evented": evented_file,
    "collapsed": collapsed_file,
    "pprof": pprof_file,
    "pyinstrument session": session_file,
    "pyinstrument tree": rendered_file,
    "pstats": pstats_file,
}
