"""What the profiler adds to a function's life: init time, latency of an invocation, size of a capture.

python benchmarks/lifecycle.py [--rounds 7] [--quick] [--markdown]

The real runtime client runs in the emulator. In a round each mode has one environment: init is timed, then
twenty invocations are made, the modes by turns. The function imports boto3 and json, allocates, calls and
waits a little; captures go after the response into a folder.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from report import conditions, options, print_table, progress

from profiler.testing import ExecutionEnvironment

ROOT = Path(__file__).resolve().parent.parent
INVOCATIONS = 20
# The first invocations of an environment build what all later ones have.
WARM_UP = 3

APP = """
import json
import time

import boto3

PRICES = {}


def handler(event, context):
    time.sleep(0.005)
    orders = [{"sku": f"sku-{number}", "price": price(number)} for number in range(2000)]
    PRICES[context.aws_request_id] = len(orders)
    time.sleep(0.005)
    return json.loads(json.dumps(orders))[:3]


def price(number):
    return sum(divmod(number, 90))
"""

BARE = "bare"
OFF = "off: the entry point, its flag off"
MODES: dict[str, dict[str, str]] = {
    BARE: {},
    f"{BARE}, a second time": {},
    OFF: {"PROFILER_ENABLED": "0"},
    "live, the flag off": {
        "PROFILER_ENABLED": "live",
        "PROFILER_FLAG": "appconfig:a/b/c",
        "AWS_APPCONFIG_EXTENSION_HTTP_PORT": "1",
    },
    "armed, rate 0": {"PROFILER_ENABLED": "1", "PROFILER_RATE": "0"},
    "sampler and census (the default)": {"PROFILER_ENABLED": "1"},
    "the same, PROFILER_KEEP=error": {"PROFILER_ENABLED": "1", "PROFILER_KEEP": "error"},
    "the same, before-response": {"PROFILER_ENABLED": "1", "PROFILER_UPLOAD": "before-response"},
    "the same, PROFILER_INIT=1": {"PROFILER_ENABLED": "1", "PROFILER_INIT": "1"},
    "sampler alone": {"PROFILER_ENABLED": "1", "PROFILER_MEMORY": "off"},
    "census alone": {"PROFILER_ENABLED": "1", "PROFILER_CPU": "off"},
    "pyinstrument and census": {"PROFILER_ENABLED": "1", "PROFILER_CPU": "pyinstrument"},
    "yappi and census": {"PROFILER_ENABLED": "1", "PROFILER_CPU": "yappi"},
    "cprofile and census": {"PROFILER_ENABLED": "1", "PROFILER_CPU": "cprofile"},
    "sampler and tracemalloc": {"PROFILER_ENABLED": "1", "PROFILER_MEMORY": "tracemalloc"},
}
SLOW = ("yappi and census", "sampler and tracemalloc")


@dataclass
class Seen:
    """Of one mode, over all rounds: times in milliseconds, sizes in bytes."""

    init_ms: list[float] = field(default_factory=list)
    response_ms: list[float] = field(default_factory=list)
    duration_ms: list[float] = field(default_factory=list)
    capture_bytes: list[int] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    chosen = options("What the profiler adds to a function's life.", arguments)
    modes = [mode for mode in MODES if not (chosen.quick and mode in SLOW)]
    seen = measure(modes, chosen.rounds)
    bare = seen[BARE]
    init_ms, response_ms = statistics.median(bare.init_ms), statistics.median(bare.response_ms)
    print_table(
        "Init, invocation and capture",
        ["mode", "init ms", "added", "response ms", "added", "to bare", "billed ms", "capture"],
        [_row(mode, seen[mode], init_ms, response_ms) for mode in modes],
        note=f"{conditions()}\nMedians of {chosen.rounds} inits and of "
        f"{chosen.rounds * (INVOCATIONS - WARM_UP)} warm invocations each, interleaved.",
        markdown=chosen.markdown,
    )
    return 0


def _row(mode: str, seen: Seen, bare_init_ms: float, bare_response_ms: float) -> list[str]:
    init_ms, response_ms = statistics.median(seen.init_ms), statistics.median(seen.response_ms)
    size = f"{statistics.median(seen.capture_bytes) / 1024:.1f} KB" if seen.capture_bytes else "–"
    return [
        mode,
        f"{init_ms:.0f}",
        f"{init_ms - bare_init_ms:+.0f}",
        f"{response_ms:.2f}",
        f"{response_ms - bare_response_ms:+.2f}",
        f"{response_ms / bare_response_ms:.3f}",
        f"{statistics.median(seen.duration_ms):.2f}",
        size,
    ]


def measure(modes: Sequence[str], rounds: int) -> dict[str, Seen]:
    """Return what was seen of each mode; the order of the modes turns from one round to the next."""
    seen: dict[str, Seen] = defaultdict(Seen)
    for number in progress(range(rounds), "lifecycle"):
        order = list(modes) if number % 2 else list(reversed(modes))
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-lifecycle-")))
            (folder / "app.py").write_text(APP, encoding="utf-8")
            environments = {}
            for index, mode in enumerate(order):
                store = folder / f"store-{index}"
                environments[mode] = stack.enter_context(_environment(folder, store, MODES[mode])), store
                seen[mode].init_ms.append(environments[mode][0].init.duration_s * 1000)
            for invocation in range(INVOCATIONS):
                for mode in order if invocation % 2 else reversed(order):
                    _invoke(environments[mode][0], seen[mode], counts=invocation >= WARM_UP)
            for mode in order:
                captures = environments[mode][1].rglob("*.gz")
                seen[mode].capture_bytes += [path.stat().st_size for path in captures]
    return seen


def _invoke(environment: ExecutionEnvironment, seen: Seen, *, counts: bool) -> None:
    result = environment.invoke({}, timeout_s=30.0)
    if result.status != "ok" or result.response_s is None:
        raise RuntimeError(f"{result.status}: {result.log}")
    if counts:
        seen.response_ms.append(result.response_s * 1000)
        seen.duration_ms.append(result.duration_s * 1000)


def _environment(folder: Path, store: Path, settings: dict[str, str]) -> ExecutionEnvironment:
    """Return an environment of the bare function, or of the same through our entry point."""
    env = {"PYTHONPATH": str(ROOT), "PROFILER_STORE": str(store), "TMPDIR": str(folder), **settings}
    handler = "app.handler"
    if settings:
        handler, env["PROFILER_HANDLER"] = "profiler.aws.entrypoint.handler", handler
    return ExecutionEnvironment(handler, folder, env=env, memory_mb=1024, freeze=True)


if __name__ == "__main__":
    sys.exit(main())
