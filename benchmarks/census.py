"""What the census costs an invocation: a function of 200 globals, in a process with boto3 and pandas loaded.

Containers, caches, classes with caches, objects, functions and constants, in equal parts; nothing changes
from one census to the next, and the same where ten containers grow each time. One survey as it follows every
captured invocation, in microseconds: own modules, packages, process and types together. pandas is loaded
where it is installed.

    python benchmarks/census.py [--rounds N] [--quick] [--markdown]
"""

from __future__ import annotations

import importlib
import statistics
import sys
from array import array
from contextlib import suppress
from pathlib import Path
from types import ModuleType

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import conditions, options, print_table, progress, spread
from profiler.capture import Container
from profiler.memory.census import Found
from profiler.memory.survey import Survey

GLOBALS, SURVEYS = 200, 200
DURATION_NS = 50_000_000
KINDS = (
    "D{n} = {{k: str(k) for k in range(50)}}",
    "L{n} = [1, 2, 3]",
    "def f{n}(a, b={{}}): return a",
    "class C{n}:\n    cache = {{}}\n    def __init__(self): self.items = []; self.names = {{}}",
    "I{n} = C{before}()",
    "N{n} = {n}",
    "@functools.lru_cache(maxsize=100)\ndef g{n}(x): return x",
    "T{n} = ({n}, 'a', ('b',))",
)


def function_of(count: int) -> ModuleType:
    """Return a module with so many globals, as a function's own."""
    module = ModuleType("shop")
    module.__file__ = "/var/task/shop.py"
    sys.modules["shop"] = module
    lines = [KINDS[n % len(KINDS)].format(n=n, before=n - 1) for n in range(count)]
    exec("\n".join(["import functools", *lines]), vars(module))
    return module


def container_of(found: Found) -> Container:
    return Container(found.path, found.type, found.entries, found.bytes, found.bound, found.expires)


def surveyed(survey: Survey, module: ModuleType, growing: int) -> list[float]:
    """Return the microseconds of each of many surveys, after a warm-up."""
    took_us = array("d", bytes(8 * (SURVEYS + 20)))  # a list of floats would be a heap that grows
    for number in range(SURVEYS + 20):
        for index in range(growing):
            vars(module)[f"D{index * len(KINDS)}"][f"new-{number}"] = str(number)
        counted = survey.take(container_of, None, DURATION_NS, None)
        took_us[number] = counted.ns / 1000
    return list(took_us[20:])


def main() -> None:
    """Print the table."""
    chosen = options(__doc__ or "")
    loaded = []
    for name in ("boto3", "pandas"):
        with suppress(ImportError):
            importlib.import_module(name)
            loaded.append(name)
    module = function_of(GLOBALS)
    medians: dict[str, list[float]] = {}
    means: dict[str, list[float]] = {}
    for _ in progress(range(chosen.rounds), "census"):
        for name, growing in (("at rest", 0), ("10 containers grow", 10)):
            survey = Survey()
            # What this program has imported for itself is no function's.
            survey.own_modules.list = lambda: [("shop", module)]  # type: ignore[method-assign]
            took_us = surveyed(survey, module, growing)
            medians.setdefault(name, []).append(statistics.median(took_us))
            means.setdefault(name, []).append(statistics.fmean(took_us))
    rows = [[name, spread(medians[name], ".0f"), spread(means[name], ".0f")] for name in medians]
    print_table(
        f"A survey of {GLOBALS} globals of the function's own",
        ("function", "µs, median", "µs, mean"),
        rows,
        note=f"{len(sys.modules):,} modules loaded, with {' and '.join(loaded) or 'neither'} · "
        f"medians of {chosen.rounds} rounds of {SURVEYS} surveys · {conditions()}",
        markdown=chosen.markdown,
    )


if __name__ == "__main__":
    main()
