"""Every subject of all environments → one judgement each.

The same subject in several environments of a function is one hypothesis: its p-values are joined by
Fisher's method, for environments are separate processes. Over all subjects of all functions the
p-values are then adjusted by Benjamini and Hochberg's.

Environments come one after the other. What is kept of each is, per subject, a p-value and the two verdicts
that the joined p-value will choose from; series are kept only of the one or two environments that may decide,
and of a few to draw.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from viewer.leaks.series import ContainerSeries, EnvironmentFacts, Series, SubjectSeries, TypeSeries
from viewer.leaks.statistics import Slope, benjamini_hochberg, fisher
from viewer.leaks.trend import ALPHA, FEWEST_POINTS, Trend, next_look, trend_of
from viewer.leaks.verdict import BOUNDED, INSUFFICIENT, LEAK, Judgement, is_leak, judge_series, settle

# A leak is drawn in so many environments besides the deciding one.
_PEERS_AT_MOST = 7

Subjects = Iterable[tuple[EnvironmentFacts, Iterable[SubjectSeries]]]


@dataclass(frozen=True, slots=True)
class Peer:
    """The same subject in another environment."""

    series: Series
    environment: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject of one function. Series, trend and environment are those that decided.

    `agreeing` are the environments with the same verdict, the deciding one first; of a leak `peers` are the
    same subject's series in a few of the others. `p` is adjusted for looks, environments and subjects.
    """

    series: Series
    environment: EnvironmentFacts
    container: ContainerSeries | None
    trend: Trend
    judgement: Judgement
    p: float
    agreeing: tuple[str, ...]
    peers: tuple[Peer, ...] = ()
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
    """A subject in one environment, and its judgement if growth is certain once joined, and if it is not."""

    subject: SubjectSeries
    environment: EnvironmentFacts
    trend: Trend
    certain: Judgement
    otherwise: Judgement
    is_tested: bool

    @classmethod
    def of(cls, subject: SubjectSeries, environment: EnvironmentFacts) -> _Trial:
        series, container, trend = subject.series, subject.container, trend_of(subject.series)
        settled = settle(container, environment.limit_bytes) if container is not None else None
        if settled is not None:  # its bound decides, and not its numbers
            return cls(subject, environment, trend, settled, settled, False)
        expires = container is not None and container.expires
        otherwise = judge_series(series, trend, 1.0, expires)
        certain = judge_series(series, trend, 0.0, expires) if is_leak(trend, 0.0) else otherwise
        return cls(subject, environment, trend, certain, otherwise, trend.points >= FEWEST_POINTS)

    def judged(self, judgement: Judgement, p: float, agreeing: Iterable[str] = ()) -> Judged:
        name, subject = self.environment.environment, self.subject
        return Judged(
            series=subject.series,
            environment=self.environment,
            container=subject.container,
            trend=self.trend,
            judgement=judgement,
            p=p,
            agreeing=(name, *(other for other in agreeing if other != name)),
            objects=subject.objects,
        )


@dataclass(slots=True)
class _Case:
    """One subject in all environments so far: what its judgement takes, however many there are.

    `longest` has the most points, `leaking` the most of those that leak if growth is certain, `ended` of
    those that came to rest. `said` has, by environment, its verdict if growth is certain and if not.
    """

    p_values: list[float] = field(default_factory=list)
    said: list[tuple[str, str, str]] = field(default_factory=list)
    longest: _Trial | None = None
    leaking: _Trial | None = None
    ended: tuple[int, str] = (0, "")
    peers: list[Peer] = field(default_factory=list)

    def add(self, trial: _Trial, said: tuple[str, str, str]) -> None:
        points = trial.trend.points
        if trial.is_tested:
            self.p_values.append(trial.trend.p)
        self.said.append(said)
        if self.longest is None or points > self.longest.trend.points:
            self.longest = trial
        if trial.certain.verdict == BOUNDED and points > self.ended[0]:
            self.ended = (points, trial.environment.environment)
        if trial.certain.verdict == LEAK:
            if self.leaking is None or points > self.leaking.trend.points:
                self.leaking = trial
            if len(self.peers) <= _PEERS_AT_MOST:  # one more, which may be the deciding one
                self.peers.append(Peer(trial.subject.series, trial.environment))

    def judged(self, p: float) -> Judged:
        """Return one judgement: a leak where one environment shows it and no longer look shows its end."""
        assert self.longest is not None
        is_certain = p < ALPHA
        if not is_certain or self.leaking is None:
            judgement = self.longest.certain if is_certain else self.longest.otherwise
            return self.longest.judged(judgement, p, self._agreeing(judgement.verdict, is_certain))
        chosen = self.leaking
        points, environment = self.ended
        if points >= chosen.trend.points:
            reason = (
                f"grows in environment {chosen.environment.environment}, but has stopped in {environment}, "
                "which was watched for as long"
            )
            return chosen.judged(Judgement(INSUFFICIENT, reason, next_look(chosen.trend.points)), p)
        judged = chosen.judged(chosen.certain, p, self._agreeing(LEAK, is_certain))
        peers = [peer for peer in self.peers if peer.environment is not chosen.environment]
        return replace(judged, peers=tuple(peers[:_PEERS_AT_MOST]))

    def _agreeing(self, verdict: str, is_certain: bool) -> list[str]:
        return [name for name, *verdicts in self.said if verdicts[not is_certain] == verdict]


def judge_subjects(environments: Subjects) -> list[Judged]:
    """Return the judgement of every subject, in the order in which the subjects were met."""
    cases: dict[object, _Case] = {}
    for environment, subjects in environments:
        said: dict[tuple[str, str, str], tuple[str, str, str]] = {}
        for one in subjects:
            trial, subject = _Trial.of(one, environment), one.series.subject
            key = (environment.function, subject.kind, subject.stack or subject.name)
            verdicts = (environment.environment, trial.certain.verdict, trial.otherwise.verdict)
            cases.setdefault(key, _Case()).add(trial, said.setdefault(verdicts, verdicts))
    adjusted = iter(benjamini_hochberg([fisher(case.p_values) for case in cases.values() if case.p_values]))
    return [case.judged(next(adjusted) if case.p_values else 1.0) for case in cases.values()]
