"""Judged subjects → findings: what belongs to one leak is told once.

Allocation sites belong to the container that they fill (`ownership`), and containers below a leaking one
are part of it. Process growth is a finding of its own only where no Python subject
explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from profiler.capture import Frame
from viewer.leaks.advice import Clues, advise
from viewer.leaks.holding import NOT_HELD, Held, bytes_per_invocation, held, held_by
from viewer.leaks.ownership import Holders, Owners, lines_of, outermost, same_line
from viewer.leaks.report import Curve, Finding, Other, confidence_of
from viewer.leaks.series import EnvironmentFacts, Series
from viewer.leaks.statistics import Slope, differences, theil_sen, thin
from viewer.leaks.subjects import Judged
from viewer.leaks.trend import ALPHA, FEWEST_POINTS, trend_of
from viewer.leaks.verdict import INSUFFICIENT, LEAK, SAWTOOTH, STABLE

# Below this, growth of the process is what an allocator retains and what noise reaches.
PROCESS_FLOOR_BYTES = 16 * 1024
# A site alone below this may be bookkeeping of the interpreter, or of the profiler itself.
SITE_FLOOR_BYTES = 128
# pymalloc's blocks hold 512 bytes at most; what is larger does not count as a block.
_LARGEST_BLOCK_BYTES = 512
_TOO_SMALL = (
    f"grows by less than {SITE_FLOOR_BYTES} B per invocation, in no known container: "
    "that may be the interpreter's own bookkeeping"
)
_DRAWN_POINTS = 200
_LINES_NAMED = 3
# Tracing that woke for a suspicion lasts a few invocations: too few for a verdict, enough to name a line.
_FEWEST_RISING = 3
_STEADY_MISSES = 5
# So often the objects of the collector must have been counted before their number proves anything.
_FEWEST_COUNTS = 5


def find(judged: Sequence[Judged]) -> tuple[list[Finding], list[Other]]:
    """Return the findings of one function and its other judgements."""
    containers = [one for one in judged if one.series.subject.kind == "container"]
    sites = [one for one in judged if one.series.subject.kind == "allocation site"]
    leaking = outermost([one for one in containers if one.verdict == LEAK])
    types = held([one for one in judged if one.objects is not None], leaking, containers)
    owners = Owners(leaking, containers)
    holders = Holders(leaking)
    below: dict[str, list[str]] = {one.name: [] for one in leaking}
    others: list[Other] = []
    for one in containers:
        holder = holders.of(one.name)
        if holder is None:
            others.append(_other(one))
        elif holder is not one:
            below[holder.name].append(one.name)
    filled = _filled(sites, owners, holders)
    others += filled.others
    findings = [
        _container_finding(
            one, filled.joined.get(one.name, ()), below[one.name], types.joined.get(one.name, ())
        )
        for one in leaking
    ]
    unowned = [site for site in sites if owners.of(site) is None and _rises_steadily(site)]
    findings += [_type_finding(group, unowned) for group in types.alone]
    others += [
        _other(one, owner.verdict, f"held by {owner.name}: {owner.judgement.reason}")
        for one, owner in types.explained
    ]
    others += [_other(one, INSUFFICIENT, NOT_HELD) for one in types.unheld]
    for group in filled.alone.values():
        if _growth(group) >= SITE_FLOOR_BYTES:
            findings.append(_site_finding(group))
        else:
            others += [_other(site, INSUFFICIENT, _TOO_SMALL) for site in group]
    process, rest = _process(judged, findings, types, unowned)
    return findings + process, others + rest


@dataclass(slots=True)
class _Filled:
    """Allocation sites by what they fill: a leaking container by its name, or nothing that is known."""

    joined: dict[str, list[Judged]] = field(default_factory=dict)
    alone: dict[tuple[str, str], list[Judged]] = field(default_factory=dict)
    others: list[Other] = field(default_factory=list)


def _filled(sites: Sequence[Judged], owners: Owners, holders: Holders) -> _Filled:
    found = _Filled()
    for site in sites:
        leaks = site.verdict == LEAK
        owner = owners.of(site) if leaks or _rises(site) else None
        holder = holders.of(owner.name) if owner is not None else None
        if holder is not None:
            # Also one without a verdict of its own, for it grows in steps as the table of a dict does.
            found.joined.setdefault(holder.name, []).append(site)
        elif leaks and owner is not None:
            reason = f"fills {owner.name}: {owner.judgement.reason}"
            found.others.append(_other(site, owner.verdict, reason))
        elif leaks:
            frame = site.series.subject.stack[-1]
            found.alone.setdefault((frame.file, frame.name), []).append(site)
        elif site.verdict not in (STABLE, INSUFFICIENT):
            found.others.append(_other(site))
    return found


# ---- findings ----------------------------------------------------------------------------------


def _container_finding(
    one: Judged, sites: Sequence[Judged], below: Sequence[str], types: Sequence[Judged]
) -> Finding:
    assert one.container is not None
    lines = list(dict.fromkeys([*lines_of(one)]))
    seen = [line for line in lines if any(same_line(line, s.series.subject.stack[-1]) for s in sites)]
    elsewhere = [site.name for site in sites if site.series.subject.stack[-1] not in lines]
    holds = [f"{each.name} objects" for each in types]
    bytes_slope = _growth(sites) if sites else None
    if bytes_slope is None and len(one.container.bytes.xs) >= FEWEST_POINTS:
        bytes_slope = theil_sen(one.container.bytes.xs, one.container.bytes.ys).value
    return _finding(one, bytes_slope, seen or lines, bool(seen), [*elsewhere, *holds, *below])


def _type_finding(group: Sequence[Judged], unowned: Sequence[Judged]) -> Finding:
    """Return the finding of objects that stay, held by something that is no container known by name."""
    also = [f"{one.name} objects" for one in group[1:]]
    lines = _lines_of(unowned)
    return _finding(group[0], bytes_per_invocation(group[0]), lines, bool(lines), also)


def _lines_of(unowned: Sequence[Judged]) -> list[Frame]:
    """Return the lines that kept most, of those that allocated more in each invocation that was traced."""
    largest = sorted(unowned, key=_mean_growth, reverse=True)
    return [site.series.subject.stack[-1] for site in largest if _mean_growth(site) >= SITE_FLOOR_BYTES]


def _growth(sites: Sequence[Judged]) -> float:
    """Return by how many bytes per invocation sites grow together.

    Of one without a verdict it is the mean over all invocations: the median of a growth in steps is none.
    """
    return sum(
        site.slope.value if site.slope and site.verdict == LEAK else _mean_growth(site) for site in sites
    )


def _mean_growth(site: Judged) -> float:
    xs, ys = site.series.xs, site.series.ys
    return (ys[-1] - ys[0]) / (xs[-1] - xs[0])


def _rises(site: Judged) -> bool:
    ys = site.series.ys
    return len(ys) >= _FEWEST_RISING and ys[-1] > ys[0]


def _rises_steadily(site: Judged) -> bool:
    steps = differences(site.series.ys)
    return _rises(site) and sum(step <= 0 for step in steps) <= len(steps) // _STEADY_MISSES


def _site_finding(group: Sequence[Judged]) -> Finding:
    """Return the finding of growing sites in one function that fill no known container."""
    ordered = sorted(group, key=lambda site: -site.slope.value if site.slope else 0.0)
    bytes_slope = _growth(ordered)
    lines = [site.series.subject.stack[-1] for site in ordered]
    return _finding(ordered[0], bytes_slope, lines, True, [site.name for site in ordered[1:]])


def _finding(
    one: Judged,
    bytes_slope: float | None,
    lines: Sequence[Frame],
    seen: bool,
    also: Sequence[str],
) -> Finding:
    assert one.slope is not None
    environment = one.environment
    growth = _process_growth(one)
    known = bytes_slope if bytes_slope is not None and bytes_slope > 0 else None
    left = _invocations_left(environment.limit_bytes, environment.last_rss_bytes, known)
    subject = one.series.subject
    kind = one.container.type if one.container else ""
    bound = one.container.bound if one.container else None
    curves = [_curve(environment, one.series), *(_curve(peer.environment, peer.series) for peer in one.peers)]
    return Finding(
        kind=subject.kind,
        function=environment.function,
        environments=one.agreeing,
        subject=one.name,
        type=kind,
        held_by=held_by(one),
        unit=subject.unit,
        slope=one.slope,
        bytes_per_invocation=known,
        confidence=confidence_of(max(one.p, one.trend.p) if len(one.agreeing) == 1 else one.p),
        invocations=one.trend.points,
        filled_at=tuple(lines[:_LINES_NAMED]),
        filled_at_seen=seen,
        also=tuple(dict.fromkeys(also)),
        process_share=min(1.0, known / growth) if known and growth else None,
        limit_bytes=environment.limit_bytes,
        invocations_left=left,
        hours_left=left / environment.per_hour if left is not None and environment.per_hour else None,
        curves=tuple(curves),
        memory=_curve(environment, environment.process[0]),
        advice=advise(Clues(subject.kind, held_by(one) or one.name, kind or one.name, bound, tuple(lines))),
    )


def _curve(environment: EnvironmentFacts, series: Series) -> Curve:
    return Curve(
        environment=environment.environment,
        started_at_ns=environment.started_at_ns,
        invocations=tuple(int(x) for x in thin(series.xs, _DRAWN_POINTS)),
        values=tuple(int(y) for y in thin(series.ys, _DRAWN_POINTS)),
    )


def _process_growth(one: Judged) -> float | None:
    """Return by how many bytes per invocation resident memory grows, None where that is not clear."""
    if one.environment.process_traced:
        return None
    trend = trend_of(one.environment.process[0])
    return trend.slope.value if trend.slope and trend.p < ALPHA and trend.slope.value > 0 else None


def _invocations_left(limit: int | None, rss: int | None, bytes_slope: float | None) -> int | None:
    if limit is None or rss is None or not bytes_slope or rss >= limit:
        return None
    return int((limit - rss) / bytes_slope)


def _process(
    judged: Sequence[Judged], findings: Sequence[Finding], types: Held, unowned: Sequence[Judged]
) -> tuple[list[Finding], list[Other]]:
    """Return the finding of growth that no name explains, inside the heap or not, or what else there is."""
    readings = {one.name: one for one in judged if one.series.subject.kind == "process"}
    memory, heap = readings["resident memory"], readings["Python heap"]
    others = [_other(one) for one in readings.values() if one.verdict != LEAK]
    if findings:  # what they explain needs no doubt of its own
        others = [other for other in others if other.verdict != INSUFFICIENT]
    is_sure = memory.verdict == LEAK and not memory.environment.process_traced
    if is_sure and memory.slope and _is_outside(memory.slope, heap.slope, findings):
        return [_finding(memory, memory.slope.value, (), False, ())], others
    if findings:
        return [], others
    if heap.verdict == LEAK and _is_held(heap, judged, types):
        lines = _lines_of(unowned)
        bytes_slope = sum(map(_mean_growth, unowned)) if lines else None
        return [_finding(heap, bytes_slope, lines, bool(lines), ())], others
    return [], others + [_unexplained(one) for one in readings.values() if one.verdict == LEAK]


def _is_outside(memory: Slope, heap: Slope | None, findings: Sequence[Finding]) -> bool:
    """Tell whether most of the growth can neither be in the blocks of the heap nor in any finding."""
    sizes = [finding.bytes_per_invocation for finding in findings]
    explained = sum(known for known in sizes if known is not None)
    in_heap = max(0.0, heap.value) * _LARGEST_BLOCK_BYTES if heap else 0.0
    unexplained = memory.value - max(explained, in_heap)
    return None not in sizes and unexplained >= max(PROCESS_FLOOR_BYTES, memory.value / 2)


def _is_held(heap: Judged, judged: Sequence[Judged], types: Held) -> bool:
    """Tell whether growth of the heap can be neither garbage nor a container that will be full.

    Garbage that waits to be collected is of objects that the collector counts, and that nothing holds.
    Numbers and texts, which it does not count, are never garbage: they go when nothing holds them.
    """
    if heap.environment.process_traced or heap.environment.objects_counted < _FEWEST_COUNTS:
        return False
    filling = [one for one in judged if one.container is not None and one.verdict not in (STABLE, SAWTOOTH)]
    return not (types.unheld or types.explained or any(map(_rises, filling)))


def _unexplained(one: Judged) -> Other:
    hint = (
        "no container explains it; PROFILER_MEMORY=tracemalloc with PROFILER_GC=collect would name the line"
    )
    if one.name == "resident memory":
        hint = "too little, or too much in step with the Python heap, to be a leak outside of it"
    assert one.slope is not None
    rate = f"{one.slope.value:,.1f} {one.series.subject.unit}"
    return _other(one, INSUFFICIENT, f"grows by {rate} per invocation; {hint}")


def _other(one: Judged, verdict: str = "", reason: str = "") -> Other:
    return Other(
        kind=one.series.subject.kind,
        function=one.environment.function,
        environments=one.agreeing,
        subject=one.name,
        verdict=verdict or one.verdict,
        reason=reason or one.judgement.reason,
        invocations=one.trend.points,
        wanted=one.judgement.wanted,
    )
