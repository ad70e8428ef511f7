"""Whether there is memory left for tracing, which takes some for every block that it knows."""

from __future__ import annotations

from profiler import host

# tracemalloc takes about as much again as small blocks have, and a summary of it some more.
_SHARE_LEFT = 0.15
_LEAST_LEFT_BYTES = 24 * 1024 * 1024


def shortage(limit_bytes: int | None) -> str:
    """Return in words how little is left of a function's memory; "" where it is enough, or not known."""
    used = host.rss_bytes()
    if used is None or not limit_bytes:
        return ""
    left = limit_bytes - used
    if left >= max(_LEAST_LEFT_BYTES, limit_bytes * _SHARE_LEFT):
        return ""
    return f"{max(0, left) >> 20:,} MB are left of {limit_bytes >> 20:,} MB"
