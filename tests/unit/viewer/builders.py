"""Captures built by hand, and stores filled with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from profiler.capture import (
    AllocationSite,
    Capture,
    Container,
    EngineInfo,
    Frame,
    Invocation,
    Memory,
    ThreadProfile,
)
from profiler.codec import encode
from profiler.keys import CaptureKey

MILLISECOND = 1_000_000
# 2026-01-02 03:04:05 UTC
STARTED_NS = 1_767_323_045_000_000_000

HANDLER = Frame("handler", "/var/task/app.py", 12)
PRICE = Frame("price", "/var/task/app.py", 30)
PARSE = Frame("parse", "/var/task/vendor/parser.py", 5)
FRAMES = (HANDLER, PRICE, PARSE)


def invocation(sequence: int = 17) -> Invocation:
    """Return an invocation of `checkout`; a second later, and a millisecond longer, than the one before."""
    return Invocation(
        function_name="checkout",
        request_id=f"request-{sequence}",
        environment_id="env-a",
        sequence=sequence,
        started_at_ns=STARTED_NS + sequence * 1_000_000_000,
        duration_ns=400 * MILLISECOND + sequence * MILLISECOND,
        cold=sequence == 1,
        memory_limit_mb=512,
    )


def thread(*runs: tuple[tuple[int, ...], int], name: str = "MainThread") -> ThreadProfile:
    """Return a thread of (stack, milliseconds) runs."""
    return ThreadProfile(
        name, tuple(stack for stack, _ in runs), tuple(weight * MILLISECOND for _, weight in runs)
    )


def capture(sequence: int = 17, *, of: dict[str, Any] | None = None, **changes: Any) -> Capture:
    """Return a capture; `of` changes its invocation, `changes` the capture itself."""
    values: dict[str, Any] = {
        "invocation": replace(invocation(sequence), **(of or {})),
        "frames": FRAMES,
        "threads": (thread(((0,), 100), ((0, 1), 200), ((0, 1, 2), 50), ((0, 1), 50)),),
        "engine": EngineInfo("sampler", MILLISECOND, samples=400),
    }
    return Capture(**values | changes)


def memory(growth_bytes: int = 1000, entries: int = 5) -> Memory:
    """Return what a tracing mode leaves: one container, one site that grew and one that shrank."""
    return Memory(
        mode="tracemalloc",
        census=(Container("app.PRICES", "dict", entries, bytes=4096, filled_at=(1,)),),
        sites=(
            AllocationSite((0, 1), 8000, 80, growth_bytes, 10),
            AllocationSite((2,), 500, 5, -100, -1),
        ),
    )


def fill(store: Path, captures: Iterable[Capture]) -> list[Path]:
    """Write captures into a local store and return their paths."""
    paths = []
    for each in captures:
        path = store / str(CaptureKey.of(each))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(each))
        paths.append(path)
    return paths
