"""The decision, after an invocation, whether what was captured is kept.

It is made before anything is put together or encoded: what is not kept costs neither, and no upload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from profiler.capture import Memory

_ALLOWED = "allowed are always, or any of error, cold, timeout, slow:500ms and grew:64KB, separated by commas"
_AMOUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([a-zµμ]*)", re.IGNORECASE)
_NANOSECONDS = {"us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}
# As everywhere in this project, 1 KB is 1,024 bytes.
_BYTES = {"b": 1, "kb": 1024, "kib": 1024, "mb": 1024**2, "mib": 1024**2, "gb": 1024**3, "gib": 1024**3}
_FAILED = ("error", "crashed", "out-of-memory")


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of an invocation when it has ended, however that was."""

    outcome: str
    cold: bool
    duration_ns: int
    memory: Memory
    trigger: str = "rate"

    @property
    def growth_bytes(self) -> int:
        """By how much memory grew: what tracemalloc saw stay, where it traces, else resident memory."""
        if self.memory.tracing_since is not None:
            return sum(site.growth_bytes for site in self.memory.sites)
        return self.memory.process.rss_growth_bytes or 0


@dataclass(frozen=True, slots=True)
class Keep:
    """What PROFILER_KEEP asks for; without anything, everything is kept.

    What a signed request asked for is kept in any case: its token is used up.
    """

    error: bool = False
    cold: bool = False
    timeout: bool = False
    slow_ns: int | None = None
    grew_bytes: int | None = None

    @property
    def is_always(self) -> bool:
        """Whether everything is kept."""
        return self == Keep()

    def reason(self, seen: Seen) -> str | None:
        """Return why a capture is kept, in a word or two, or None where it is not."""
        if self.is_always:
            return "always"
        if seen.trigger == "request":
            return "request"
        if self.error and seen.outcome in _FAILED:
            return seen.outcome
        if self.timeout and seen.outcome == "timeout":
            return "timeout"
        if self.cold and seen.cold:
            return "cold"
        if self.slow_ns is not None and seen.duration_ns >= self.slow_ns:
            return "slow"
        if self.grew_bytes is not None and seen.growth_bytes >= self.grew_bytes:
            return "grew"
        return None


def parse_keep(value: object) -> Keep:
    """Return what `error,slow:500ms,grew:64KB` asks for. Raises ValueError."""
    if isinstance(value, Keep):
        return value
    found: dict[str, bool | int] = {}
    parts = [part.strip() for part in str(value).split(",") if part.strip()]
    if [part.lower() for part in parts] == ["always"]:
        return Keep()
    for part in parts:
        name, colon, amount = part.partition(":")
        name = name.strip().lower()
        if name in ("error", "cold", "timeout") and not colon:
            found[name] = True
        elif name == "slow":
            found["slow_ns"] = _amount(amount, _NANOSECONDS)
        elif name == "grew":
            found["grew_bytes"] = _amount(amount, _BYTES)
        else:
            raise ValueError(_ALLOWED)
    if not found:
        raise ValueError(_ALLOWED)
    return Keep(**found)  # type: ignore[arg-type]


def _amount(text: str, units: dict[str, int]) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[2].lower() not in units:
        raise ValueError(_ALLOWED)
    return round(float(match[1]) * units[match[2].lower()])
