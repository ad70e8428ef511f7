"""`profiler demo`: profile a sample function on this machine and look at what came out."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

from profiler.errors import ProfilerError

_FOLDER = "demo"
_COUNT = 40
_FLAME_GRAPH = "flamegraph.html"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--open", action="store_true", help="open the flame graph in the browser")


def run(options: argparse.Namespace) -> int:
    """Return 0 where the leak that was planted has been found."""
    sample = Path(_FOLDER) / "checkout.py"
    sample.parent.mkdir(exist_ok=True)
    sample.write_text(resources.files("profiler.demo").joinpath("checkout.py").read_text("utf-8"), "utf-8")
    store = os.environ.get("PROFILER_STORE", "profiles")
    say(f"The sample is an order service, {sample}. It is slow now and then, and one of its caches leaks.")

    say(f"1. Run it {_COUNT} times, in one warm environment; every invocation leaves a capture in {store}/.")
    step(
        "profiler",
        "run",
        "demo/checkout.handler",
        "--count",
        str(_COUNT),
        "--store",
        store,
        "--memory-size",
        "256",
    )
    say("2. Where did the time of the slowest invocation go?")
    step("viewer", "top", "checkout", "--store", store, "--slowest", "--tree")
    say("3. The same as a flame graph: a page that needs no network.")
    arguments = ["checkout", "--store", store, "--slowest", "-o", _FLAME_GRAPH, "--force"]
    step("viewer", "flamegraph", *arguments, *(["--open"] if options.open else []))
    say("4. Which cache grows without bound?")
    verdict = step("viewer", "leaks", "checkout", "--store", store, "--last", str(_COUNT), expected=(0, 1))
    if verdict != 1:
        raise ProfilerError("the planted leak was not found: please report this")
    say(f"Open {Path(_FLAME_GRAPH).resolve().as_uri()} and look at the slow spot.")
    return 0


def say(text: str) -> None:
    print(f"\n{text}\n", flush=True)


def step(program: str, *arguments: str, expected: tuple[int, ...] = (0,)) -> int:
    """Show a command line and run it. Raises ProfilerError where it ends otherwise than expected."""
    print(f"$ {program} {' '.join(arguments)}", flush=True)
    code = subprocess.run([sys.executable, "-m", program, *arguments], check=False).returncode
    if code not in expected:
        raise ProfilerError(f"demo: `{program} {arguments[0]}` ended with exit code {code}")
    return code
