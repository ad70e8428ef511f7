"""Every subject of all environments → one judgement each.

The same subject in several environments of a function is one hypothesis: its p-values are joined by
Fisher's method, for environments are separate processes. Over all subjects of all functions the
p-values are then adjusted by Benjamini and Hochberg's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from viewer.leaks.series import ContainerSeries, EnvironmentSeries, Series, TypeSeries
from viewer.leaks.statistics import Slope, benjamini_hochberg, fisher
from viewer.leaks.trend import FEWEST_POINTS, Trend, next_look, trend_of
from viewer.leaks.verdict import BOUNDED, INSUFFICIENT, LEAK, Judgement, judge_series, settle


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject of one function. Series, trend and environment are those that decided.

    `agreeing` are the environments with the same verdict, the deciding one first, and `peers` the same
    subject's judgements in the others of them; `p` is adjusted for looks, environments and subjects.
    """

    series: Series
    environment: EnvironmentSeries
    container: ContainerSeries | None
    trend: Trend
    judgement: Judgement
    p: float
    agreeing: tuple[str, ...]
    peers: tuple[Judged, ...] = ()
    objects: TypeSeries | None = None

    @property
    def verdict(self) -> str:
        return self.judgement.verdict

    @property
    def name(self) -> str:
        return self.series.subject.name

    @property
    def slope(self) -> Slope | None:
        return self.trend.slope


@dataclass(frozen=True, slots=True)
class _Trial:
    """A subject in one environment; `settled` where its bound decides and not its numbers."""

    series: Series
    environment: EnvironmentSeries
    container: ContainerSeries | None
    trend: Trend
    settled: Judgement | None
    objects: TypeSeries | None = None

    @property
    def is_tested(self) -> bool:
        return self.settled is None and self.trend.points >= FEWEST_POINTS


def judge_subjects(environments: Sequence[EnvironmentSeries]) -> list[Judged]:
    """Return the judgement of every subject, in the order in which the subjects were met."""
    cases: dict[object, list[_Trial]] = {}
    for environment in environments:
        for trial in _trials(environment):
            subject = trial.series.subject
            key = (environment.function, subject.kind, subject.stack or subject.name)
            cases.setdefault(key, []).append(trial)
    tested = [[trial.trend.p for trial in trials if trial.is_tested] for trials in cases.values()]
    adjusted = iter(benjamini_hochberg([fisher(p_values) for p_values in tested if p_values]))
    return [
        _join(trials, next(adjusted) if p_values else 1.0)
        for trials, p_values in zip(cases.values(), tested, strict=True)
    ]


def _trials(environment: EnvironmentSeries) -> Iterator[_Trial]:
    for container in environment.containers:
        settled = settle(container, environment.limit_bytes)
        yield _Trial(container.entries, environment, container, trend_of(container.entries), settled)
    for one in environment.types:
        yield _Trial(one.objects, environment, None, trend_of(one.objects), None, one)
    for series in (*environment.sites, *environment.process):
        yield _Trial(series, environment, None, trend_of(series), None)


def _join(trials: Sequence[_Trial], p: float) -> Judged:
    """Return one judgement: a leak where one environment shows it and no longer look shows its end."""
    judged = [_judge(trial, p) for trial in trials]
    longest = max(judged, key=lambda one: one.trend.points)
    leaks = [one for one in judged if one.verdict == LEAK]
    chosen = max(leaks, key=lambda one: one.trend.points, default=longest)
    ended = [one for one in judged if one.verdict == BOUNDED and one.trend.points >= chosen.trend.points]
    if leaks and ended:
        here, there = (one.environment.environment for one in (chosen, ended[0]))
        reason = f"grows in environment {here}, but has stopped in {there}, which was watched for as long"
        unsure = Judgement(INSUFFICIENT, reason, next_look(chosen.trend.points))
        return replace(chosen, judgement=unsure)
    peers = tuple(one for one in judged if one.verdict == chosen.verdict and one is not chosen)
    names = (one.environment.environment for one in (chosen, *peers))
    return replace(chosen, agreeing=tuple(names), peers=peers)


def _judge(trial: _Trial, p: float) -> Judged:
    expires = trial.container is not None and trial.container.expires
    judgement = trial.settled or judge_series(trial.series, trial.trend, p, expires)
    name = trial.environment.environment
    return Judged(
        trial.series,
        trial.environment,
        trial.container,
        trial.trend,
        judgement,
        p,
        (name,),
        objects=trial.objects,
    )
