"""The process's own signals: cheap enough to read at both ends of every captured invocation."""

from __future__ import annotations

import _thread
import sys
from dataclasses import dataclass

from profiler import host
from profiler.capture import ProcessMemory


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """Resident bytes (None where the platform is silent) and blocks of Python's allocator."""

    rss_bytes: int | None
    blocks: int


def read_process() -> ProcessReading:
    """Return the signals now."""
    return ProcessReading(host.rss_bytes(), sys.getallocatedblocks())


def compare(before: ProcessReading, after: ProcessReading) -> ProcessMemory:
    """Return the state after an invocation and how it changed."""
    growth = None
    if before.rss_bytes is not None and after.rss_bytes is not None:
        growth = after.rss_bytes - before.rss_bytes
    return ProcessMemory(
        rss_bytes=after.rss_bytes,
        rss_growth_bytes=growth,
        blocks=after.blocks,
        blocks_growth=after.blocks - before.blocks,
        native_bytes=host.native_bytes(),
        threads=_thread._count() + 1,  # it leaves out the main thread
        open_files=host.open_files(),
    )
