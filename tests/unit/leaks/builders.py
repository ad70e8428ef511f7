"""Captures that hold nothing but memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from profiler.capture import (
    AllocationSite,
    Capture,
    Container,
    Frame,
    Invocation,
    Memory,
    ProcessMemory,
)

MEGABYTE = 1 << 20
FRAMES = (
    Frame("handler", "/var/task/app.py", 3),
    Frame("lookup", "/var/task/app.py", 7),
    Frame("sign", "/var/task/app.py", 20),
    Frame("dumps", "/usr/lib/python3.11/json/__init__.py", 231),
)


def capture(
    sequence: int,
    census: Iterable[Container] = (),
    sites: Iterable[AllocationSite] = (),
    *,
    of: dict[str, Any] | None = None,
    memory: dict[str, Any] | None = None,
    process: ProcessMemory | None = None,
    **changes: Any,
) -> Capture:
    """Return one capture; the first of an environment is cold."""
    values: dict[str, Any] = {
        "function_name": "app",
        "request_id": f"r{sequence}",
        "environment_id": "env-a",
        "sequence": sequence,
        "started_at_ns": sequence * 10**9,
        "duration_ns": 10**6,
        "cold": sequence == 1,
        "memory_limit_mb": 256,
    }
    kept: dict[str, Any] = {
        "mode": "census",
        "process": process or ProcessMemory(),
        "census": tuple(census),
        "sites": tuple(sites),
    }
    return Capture(
        Invocation(**values | (of or {})), FRAMES, memory=Memory(**kept | (memory or {})), **changes
    )


def container(entries: int, path: str = "app.CACHE", **changes: Any) -> Container:
    return Container(path, "dict", entries, **changes)


def site(frame: int, live_bytes: int) -> AllocationSite:
    return AllocationSite((frame,), live_bytes, live_bytes // 50, 0, 0)


def of_entries(entries: Sequence[int], path: str = "app.CACHE", **changes: Any) -> list[Capture]:
    """Return captures of warm invocations after which a container held so many entries."""
    return [capture(number, [container(value, path, **changes)]) for number, value in enumerate(entries, 2)]
