"""What `judge` answers: findings, every other judgement, and what was looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from profiler.capture import Frame
from viewer.leaks.advice import Advice
from viewer.leaks.statistics import Slope

# Nothing seen from outside is certain: what is surer is told as "more than".
SUREST = 0.999


@dataclass(frozen=True, slots=True)
class Curve:
    """Values of one subject over the warm invocations of one environment, thinned to a drawing.

    `invocations` are their sequence numbers; `started_at_ns` is when the first of them began.
    """

    environment: str
    started_at_ns: int
    invocations: tuple[int, ...]
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One leak, with everything that belongs to it.

    `kind` is "container", "allocation site", "type" or "process"; `held_by` the path from a module's global
    to the objects of a type; `slope` is in `unit` per invocation, with a
    95 % confidence interval. `filled_at` are the lines that fill it; `filled_at_seen` tells that
    tracemalloc saw them allocate, otherwise they were read in the code. `also` names further subjects
    that are part of it. `process_share` is the share of the growth of resident memory that it explains.
    `values` are its sizes over the warm invocations, thinned to a drawing.
    """

    kind: str
    function: str
    environments: tuple[str, ...]
    subject: str
    type: str
    held_by: str
    unit: str
    slope: Slope
    bytes_per_invocation: float | None
    confidence: float
    invocations: int
    filled_at: tuple[Frame, ...]
    filled_at_seen: bool
    also: tuple[str, ...]
    process_share: float | None
    limit_bytes: int | None
    invocations_left: int | None
    hours_left: float | None
    curves: tuple[Curve, ...]
    memory: Curve
    advice: Advice


@dataclass(frozen=True, slots=True)
class Other:
    """A subject that is no leak as far as can be said, and why; `wanted` more invocations would tell."""

    kind: str
    function: str
    environments: tuple[str, ...]
    subject: str
    verdict: str
    reason: str
    invocations: int
    wanted: int | None


@dataclass(frozen=True, slots=True)
class Environment:
    """What was looked at: warm invocations with memory, captures without, and what was odd about them.

    `ran` is how many invocations there were from the first to the last of the warm ones, captured or not.
    """

    function: str
    environment: str
    warm: int
    ran: int
    skipped: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All judgements over all environments, the worst leak first."""

    findings: tuple[Finding, ...]
    others: tuple[Other, ...]
    environments: tuple[Environment, ...]

    def ignoring(self, patterns: Sequence[str]) -> Report:
        """Return the report with the findings whose subject matches a pattern (`app.KNOWN*`) set aside."""
        ignored = [one for one in self.findings if any(fnmatchcase(one.subject, p) for p in patterns)]
        findings = tuple(one for one in self.findings if one not in ignored)
        return replace(self, findings=findings, others=(*self.others, *map(_set_aside, ignored)))

    def to_json(self) -> dict[str, Any]:
        """Return the report as what `json` can write."""
        return dataclasses.asdict(self)


def _set_aside(finding: Finding) -> Other:
    return Other(
        kind=finding.kind,
        function=finding.function,
        environments=finding.environments,
        subject=finding.subject,
        verdict="leak",
        reason="ignored, as it was asked for",
        invocations=finding.invocations,
        wanted=None,
    )


def confidence_of(p: float) -> float:
    """Return how sure a finding is: one minus its p-value, never more than `SUREST`."""
    return min(SUREST, 1 - p)
