"""Many captures as one profile. What is kept grows with the distinct stacks, not with the captures."""

from __future__ import annotations

from collections.abc import Iterable

from profiler.capture import Capture, Frame
from viewer.building import LaneSums, ProfileBuilder, Stacks, WeightedStacks
from viewer.callgraph import CallGraph
from viewer.facts import MergedFacts
from viewer.lanes import LIVE_MEMORY, is_guessed, lanes_of, live, normalised
from viewer.profile import Lane, Profile
from viewer.units import counted


class Merger:
    """Adds captures up, one after the other, and keeps none of them.

    Lanes are joined by their roles (`viewer.lanes`). Live memory does not add up over time: it is the
    newest capture's.
    """

    def __init__(self) -> None:
        self._builder = ProfileBuilder()
        self._graph = CallGraph()
        self._facts = MergedFacts()
        self._newest_ns: int | None = None
        self._newest: tuple[tuple[Frame, ...], WeightedStacks] = ((), ())

    def add(self, capture: Capture) -> None:
        """Add one capture."""
        stacks = self._builder.stacks(capture.frames)
        for lane in lanes_of(capture):
            self._builder.add(lane.role, lane.name, lane.unit, stacks.runs(lane.stacks))
        if is_guessed(capture):
            self._graph.add(capture.call_graph or (), stacks.indexes)
        self._facts.add(capture)
        started_ns = capture.invocation.started_at_ns
        if self._newest_ns is None or started_ns >= self._newest_ns:
            self._newest_ns = started_ns
            self._newest = (capture.frames, live(capture.memory))

    def profile(self) -> Profile:
        """Return the sum.

        Raises:
            ValueError: there was no capture.
        """
        if self._newest_ns is None:
            raise ValueError("nothing to merge")
        builder = self._builder
        frames, newest = self._newest
        lanes = [*builder.lanes(), *_live_lane(builder.stacks(frames), newest)]
        facts = self._facts.told()
        graph = self._graph if self._graph.edges else None
        title = f"{facts['Function']} · {counted(self._facts.count, 'capture')} merged"
        return Profile(title, builder.frames, builder.table, lanes, facts, graph is not None, graph)


def merge(captures: Iterable[Capture]) -> Profile:
    """Return the sum of several captures, read one after the other and not kept.

    Raises:
        ValueError: there is no capture.
    """
    merger = Merger()
    for capture in captures:
        merger.add(capture)
    return merger.profile()


def merge_profiles(profiles: Iterable[Profile], title: str) -> Profile:
    """Return the sum of several profiles; lanes are joined by name and unit."""
    builder = ProfileBuilder()
    approximate = False
    facts: dict[str, str] = {}
    for number, profile in enumerate(profiles, 1):
        stacks = builder.stacks(profile.frames)
        approximate = approximate or profile.approximate
        for lane in profile.lanes:
            weighted = ((profile.table.stack(node), weight) for node, weight in lane.runs)
            name = normalised(lane.name)
            builder.add((name, lane.unit), name, lane.unit, stacks.runs(weighted))
        facts = {"Files": f"{number:,}"}
    return Profile(title, builder.frames, builder.table, builder.lanes(), facts, approximate)


def _live_lane(stacks: Stacks, newest: WeightedStacks) -> list[Lane]:
    sums = LaneSums()
    sums.add((LIVE_MEMORY,), LIVE_MEMORY, "bytes", stacks.runs(newest))
    return sums.lanes()
