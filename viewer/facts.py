"""The facts of a capture in words: what stands beside a flame graph and at the top of `viewer show`."""

from __future__ import annotations

from array import array
from collections import Counter

from profiler.capture import Capture, Memory
from viewer.units import duration, moment, round_duration, signed_size, size


def facts_of(capture: Capture) -> dict[str, str]:
    """Return label → text; what is not known is left out."""
    invocation = capture.invocation
    version = f" (version {invocation.function_version})" if invocation.function_version else ""
    facts = {
        "Function": invocation.function_name + version,
        "Request": invocation.request_id,
        "Environment": invocation.environment_id,
        "Invocation": f"number {invocation.sequence:,} of its environment, {start_of(capture)}"
        if not invocation.is_init
        else "none: the import of the function's module, before the first",
        "Started": moment(invocation.started_at_ns),
        "Duration": duration(invocation.duration_ns),
        "Outcome": capture.outcome + ("" if capture.complete else ", the capture is partial"),
        "Region": invocation.region,
        "Trace": invocation.trace_id,
        "Labels": ", ".join(f"{name}={value}" for name, value in invocation.labels.items()),
        "Trigger": capture.trigger,
        "Engine": _engine(capture),
        "Memory": _memory(capture.memory, invocation.memory_limit_mb),
        "Overhead": _overhead(capture),
        "Notes": "; ".join(capture.notes),
    }
    return {label: text for label, text in facts.items() if text}


class MergedFacts:
    """What several captures have in common, told after the last of them.

    Of each capture there stay its duration, eight bytes for an exact median, and what is new about it.
    """

    def __init__(self) -> None:
        self.durations_ns = array("q")
        self._first_ns = self._last_ns = 0
        self._environments: set[str] = set()
        self._functions: set[str] = set()
        self._engines: set[str] = set()
        self._outcomes: Counter[str] = Counter()
        self._cold = self._init = 0

    @property
    def count(self) -> int:
        """How many captures there were."""
        return len(self.durations_ns)

    @property
    def environments(self) -> int:
        """How many execution environments they came from."""
        return len(self._environments)

    def add(self, capture: Capture) -> None:
        """Take note of one capture."""
        invocation = capture.invocation
        started_ns = invocation.started_at_ns
        self._first_ns = min(self._first_ns, started_ns) if self.count else started_ns
        self._last_ns = max(self._last_ns, started_ns) if self.count else started_ns
        self.durations_ns.append(invocation.duration_ns)
        self._environments.add(invocation.environment_id)
        self._functions.add(invocation.function_name)
        self._engines.add(_engine(capture))
        self._outcomes[capture.outcome] += 1
        self._cold += invocation.cold
        self._init += invocation.is_init

    def told(self) -> dict[str, str]:
        """Return label → text; what is not known is left out."""
        durations = sorted(self.durations_ns)
        outcomes = self._outcomes.most_common()
        facts = {
            "Function": _names(self._functions),
            "Captures": f"{self.count:,}",
            "Environments": f"{self.environments:,}",
            "Started": f"{moment(self._first_ns)} to {moment(self._last_ns)}",
            "Duration": f"{duration(durations[0])} to {duration(durations[-1])}, "
            f"median {duration(durations[len(durations) // 2])}",
            "Outcome": ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes),
            "Cold": self._starts(),
            "Engine": _names(self._engines - {""}),
        }
        return {label: text for label, text in facts.items() if text}

    def _starts(self) -> str:
        if self._init == self.count:
            return ""
        init = f", and {self._init:,} init phases" if self._init else ""
        return f"{self._cold:,} of {self.count - self._init:,}{init}"


def start_of(capture: Capture) -> str:
    """Return `cold`, `warm` or `init`, and the platform's own word where it gave one."""
    start = "init" if capture.invocation.is_init else "cold" if capture.invocation.cold else "warm"
    return f"{start} ({capture.invocation.init_type})" if capture.invocation.init_type else start


def process_facts(memory: Memory) -> dict[str, str]:
    """Return what the process said of its memory at the end of the invocation."""
    process = memory.process
    facts = {}
    if process.rss_bytes is not None:
        grown = f" ({signed_size(process.rss_growth_bytes)})" if process.rss_growth_bytes is not None else ""
        facts["Resident"] = size(process.rss_bytes) + grown
    if process.blocks is not None:
        grown = f" ({process.blocks_growth:+,})" if process.blocks_growth is not None else ""
        facts["Python blocks"] = f"{process.blocks:,}{grown}"
    if process.native_bytes is not None:
        facts["Native heap"] = size(process.native_bytes)
    if process.threads is not None:
        facts["Threads"] = f"{process.threads:,}"
    if process.open_files is not None:
        facts["Open files"] = f"{process.open_files:,}"
    return facts


def _engine(capture: Capture) -> str:
    engine = capture.engine
    if engine is None:
        return ""
    parts = [f"{engine.name} {engine.version}".strip(), f"{engine.clock} clock"]
    if engine.interval_ns:
        parts.append(f"every {round_duration(engine.interval_ns)}")
    return ", ".join(parts)


def _memory(memory: Memory, limit_mb: int | None) -> str:
    parts = [memory.mode] if memory.mode != "off" else []
    if memory.process.rss_bytes is not None:
        limit = f" of {limit_mb:,} MB" if limit_mb else ""
        parts.append(f"{size(memory.process.rss_bytes)} resident{limit}")
    return ", ".join(parts)


def _overhead(capture: Capture) -> str:
    overhead = capture.overhead
    spent = overhead.start_ns + overhead.stop_ns + overhead.encode_ns
    if not spent:
        return ""
    return (
        f"{duration(spent)} (start {duration(overhead.start_ns)}, stop {duration(overhead.stop_ns)}, "
        f"encode {duration(overhead.encode_ns)})"
    )


def _names(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
