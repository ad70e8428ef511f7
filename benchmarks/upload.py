"""What delivery costs the caller: response latency with captures delivered before and after the response.

python benchmarks/upload.py [--rounds 7] [--quick] [--markdown]

The real runtime client runs in the emulator, frozen between invocations; S3 is a process on loopback that
answers after 30 ms. One round is twenty invocations of each mode, one after the other by turns.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from report import conditions, options, print_table, progress

from profiler.testing import ExecutionEnvironment

ROOT = Path(__file__).resolve().parent.parent
STORE_DELAY_S = 0.03
INVOCATIONS = 20
# The first ones make the S3 client.
WARM_UP = 3

APP = """
import json
import os
import time

from profiler import delivery, profile


class Nowhere:
    def after(self, parcel):
        pass

    def skip(self):
        pass


if os.environ.get("UPLOAD") == "none":
    delivery.open_delivery = lambda *_: Nowhere()

SEEN = {}


@profile
def handler(event, context):
    time.sleep(0.01)
    orders = [{"sku": f"sku-{number}", "price": number % 90} for number in range(3000)]
    SEEN[context.aws_request_id] = len(json.dumps(orders))
    time.sleep(0.01)
    return {"orders": json.loads(json.dumps(orders))[:10]}
"""

BARE = "bare"
WITHOUT_UPLOAD = "profiled, nothing encoded or uploaded"
MODES: dict[str, dict[str, str]] = {
    BARE: {"PROFILER_ENABLED": "0"},
    f"{BARE}, a second time": {"PROFILER_ENABLED": "0"},
    WITHOUT_UPLOAD: {"UPLOAD": "none"},
    "profiled, before-response to a folder": {
        "PROFILER_UPLOAD": "before-response",
        "PROFILER_STORE": "profiles",
    },
    "profiled, before-response to S3": {"PROFILER_UPLOAD": "before-response"},
    "ours: profiled, after-response to S3": {"PROFILER_UPLOAD": "after-response"},
}

# mode → one (response, duration) in seconds an invocation
Times = dict[str, list[tuple[float, float]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    chosen = options("What delivery costs the caller.", arguments)
    times = measure(chosen.rounds)
    medians = {
        mode: tuple(1000 * statistics.median(column) for column in zip(*pairs, strict=True))
        for mode, pairs in times.items()
    }
    bare_ms, without_ms = medians[BARE][0], medians[WITHOUT_UPLOAD][0]
    rows = [
        [
            mode,
            f"{response_ms:.2f}",
            f"{response_ms / bare_ms:.3f}",
            f"{response_ms - without_ms:+.2f}",
            f"{duration_ms:.2f}",
        ]
        for mode, (response_ms, duration_ms) in medians.items()
    ]
    print_table(
        "Response latency and billed duration",
        ["mode", "response ms", "to bare", "to the same without upload, ms", "duration ms"],
        rows,
        note=f"{conditions()}\nMedians of {chosen.rounds * INVOCATIONS} invocations each, interleaved; "
        f"S3 answers after {STORE_DELAY_S * 1000:.0f} ms.",
        markdown=chosen.markdown,
    )
    return 0


def measure(rounds: int) -> Times:
    """Return the times of all rounds; the order of the modes turns from one invocation to the next."""
    times: Times = defaultdict(list)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-upload-")))
        (folder / "app.py").write_text(APP, encoding="utf-8")
        endpoint = stack.enter_context(store(STORE_DELAY_S))
        environments = {
            mode: stack.enter_context(environment(folder, endpoint, settings))
            for mode, settings in MODES.items()
        }
        for mode in environments:
            for _ in range(WARM_UP):
                invoke(environments[mode])
        for number in progress(range(rounds * INVOCATIONS), "upload"):
            order = list(environments)
            for mode in order if number % 2 else reversed(order):
                times[mode].append(invoke(environments[mode]))
    return {mode: times[mode] for mode in MODES}


def invoke(environment: ExecutionEnvironment) -> tuple[float, float]:
    """Return the response latency and the duration of one invocation, in seconds."""
    result = environment.invoke({}, timeout_s=30.0)
    if result.status != "ok" or result.response_s is None or result.log:
        raise RuntimeError(f"{result.status}: {result.log}")
    return result.response_s, result.duration_s


def environment(folder: Path, endpoint: str, settings: dict[str, str]) -> ExecutionEnvironment:
    """Return an environment that stores in the slow S3 unless its settings say otherwise."""
    env = {
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": "s3://captures/benchmark",
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    return ExecutionEnvironment("app.handler", folder, env=env, memory_mb=1024, freeze=True)


@contextlib.contextmanager
def store(delay_s: float) -> Iterator[str]:
    """Run a store that answers so late in a process of its own; yield its endpoint."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.slow", str(delay_s)],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


if __name__ == "__main__":
    sys.exit(main())
