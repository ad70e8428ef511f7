"""Who writes an invocation's capture: its end, the watch, or SIGTERM. In any order, on a clock of our own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from profiler import host
from profiler.aws.context import facts_of
from profiler.capture import Capture, Invocation
from profiler.codec import decode, encode
from profiler.guard import Guard
from profiler.keys import CaptureKey
from profiler.watch.desk import Desk
from profiler.watch.draft import Signs
from profiler.watch.drafting import DRAFT_NS, DRAFT_PAUSE, LOOK_NS, SECOND_NS, is_near
from profiler.watch.watched import Watched
from profiler.window import Window

MB = 2**20


class Clock:
    now_ns = 10 * SECOND_NS

    def __call__(self) -> int:
        return self.now_ns


class FakeOutbox:
    """What waits, and what has gone out; `during_add` runs between the two halves of an `add`."""

    def __init__(self) -> None:
        self.waiting: dict[str, Capture] = {}
        self.delivered: list[Capture] = []
        self.budgets: list[float] = []
        self.during_add: Any = lambda: None

    def add(self, key: CaptureKey, data: bytes) -> str:
        name = f"{len(self.waiting)}-{key.outcome}"
        self.waiting[name] = decode(data)
        self.during_add()
        return name

    def withdraw(self, name: str) -> bool:
        return self.waiting.pop(name, None) is not None

    def deliver(self, budget_s: float) -> bool:
        self.budgets.append(budget_s)
        self.delivered += self.waiting.values()
        self.waiting.clear()
        return True

    def all(self) -> list[Capture]:
        return [*self.delivered, *self.waiting.values()]


class FakeEntry:
    """A draft: None, or the capture and the signs in it."""

    def __init__(self) -> None:
        self.body: bytes | None = b"first"
        self.seen: list[Signs] = []
        self.replaced_ns: list[int] = []

    def see(self, signs: Signs) -> None:
        self.seen.append(replace(signs))

    def replace(self, signs: Signs, body: bytes) -> None:
        signs.size = len(body)
        self.body = body
        self.replaced_ns.append(signs.seen_ns)

    def drop(self) -> None:
        self.body = None


class Invoked:
    """One invocation on a clock, from its begin."""

    def __init__(
        self, deadline_s: float | None = 10.0, reserve_s: float = 0.5, keeps_drafts: bool = True, **signs: Any
    ) -> None:
        self.clock = Clock()
        self.outbox = FakeOutbox()
        self.guard = Guard()
        self.window = Window(facts_of((), "app", {}), "e", 3, "rate", started_at_ns=1)
        self.window.started_ns = self.began_ns = self.clock.now_ns
        self.during_partial: Any = lambda: None
        deadline_ns = None if deadline_s is None else self.began_ns + round(deadline_s * SECOND_NS)
        self.keeps = True
        self.relieved = 0
        desk = Desk(
            self.partial,
            lambda _: self.keeps,
            self.outbox,  # type: ignore[arg-type]
            self.guard,
            self.relieve,
            self.clock,
        )
        self.watched = Watched(
            desk, self.window, Signs(1, 1, 1, **signs), deadline_ns, round(reserve_s * SECOND_NS)
        )
        self.entry = FakeEntry()
        if keeps_drafts:
            self.watched.keep_drafts(self.entry)  # type: ignore[arg-type]

    def relieve(self) -> None:
        self.relieved += 1

    def partial(self, window: Window, outcome: str) -> Capture:
        self.during_partial()
        return self.capture(outcome, complete=False)

    def capture(self, outcome: str, *, complete: bool) -> Capture:
        duration_ns = self.clock.now_ns - self.began_ns
        return Capture(
            Invocation("f", "r", "e", 3, 1, duration_ns, False), outcome=outcome, complete=complete
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, and the thread do what is due meanwhile."""
        until_ns = self.clock.now_ns + round(seconds * SECOND_NS)
        while self.watched.due_ns is not None and self.watched.due_ns <= until_ns:
            self.clock.now_ns = max(self.clock.now_ns, self.watched.due_ns)
            self.watched.tick()
        self.clock.now_ns = until_ns

    def end(self) -> None:
        """What the recorder does at the handler's end."""
        self.watched.end()
        self.spool()

    def spool(self) -> None:
        whole = self.capture("ok", complete=True)
        self.outbox.add(CaptureKey.of(whole), encode(whole))
        self.watched.settle()


@pytest.fixture(autouse=True)
def small_process(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A process that has 50 MB; the test may say otherwise."""
    rss = [50 * MB]
    monkeypatch.setattr(host, "rss_bytes", lambda: rss[0])
    return rss


# ---- the reserve before the deadline --------------------------------------------------------------


def test_at_the_reserve_a_partial_capture_is_written_and_delivered_until_the_deadline() -> None:
    it = Invoked(deadline_s=10.0, reserve_s=0.5)
    it.wait(9.49)
    assert it.outbox.all() == []
    it.wait(0.02)
    (capture,) = it.outbox.delivered
    assert (capture.outcome, capture.complete) == ("timeout", False)
    assert capture.invocation.duration_ns == 9.5 * SECOND_NS
    (budget_s,) = it.outbox.budgets
    assert 0.4 < budget_s < 0.5
    assert it.entry.body is None
    it.wait(100)
    assert len(it.outbox.all()) == 1


def test_of_a_short_time_at_least_half_is_waited_for() -> None:
    it = Invoked(deadline_s=0.6, reserve_s=0.5)
    it.wait(0.29)
    assert it.outbox.all() == []
    it.wait(0.02)
    assert len(it.outbox.all()) == 1


def test_without_a_deadline_nothing_is_partial() -> None:
    it = Invoked(deadline_s=None)
    it.wait(3600)
    assert it.outbox.all() == []
    assert not it.watched.is_late


@pytest.mark.parametrize("ended_s", [0.0, 3.0, 9.4])
def test_an_end_in_time_leaves_the_whole_capture_alone(ended_s: float) -> None:
    it = Invoked()
    it.wait(ended_s)
    it.end()
    it.wait(100)  # a thread that did not hear of it wakes, and finds nothing to do
    assert [capture.outcome for capture in it.outbox.all()] == ["ok"]
    assert it.entry.body is None
    assert it.watched.due_ns is None or it.watched.due_ns > it.began_ns


def test_an_end_while_the_partial_capture_is_made() -> None:
    it = Invoked()
    it.during_partial = it.end
    it.wait(9.6)
    assert [capture.outcome for capture in it.outbox.all()] == ["ok"]


def test_an_end_while_the_partial_capture_is_added() -> None:
    it = Invoked()
    ends = [it.watched.end]
    it.outbox.during_add = lambda: ends.pop()() if ends else None
    it.wait(9.6)
    it.spool()
    assert [capture.outcome for capture in it.outbox.all()] == ["ok"]


def test_an_end_after_the_partial_capture_went_out() -> None:
    it = Invoked()
    it.wait(9.7)
    it.end()
    outcomes = [(capture.outcome, capture.complete) for capture in it.outbox.all()]
    assert outcomes == [("timeout", False), ("ok", True)]
    # The viewer takes the one that saw most.
    durations = [capture.invocation.duration_ns for capture in it.outbox.all()]
    assert durations == sorted(durations)


def test_a_partial_capture_that_fails_is_contained(caplog: pytest.LogCaptureFixture) -> None:
    it = Invoked()
    it.during_partial = lambda: 1 / 0
    it.wait(9.6)
    assert it.outbox.all() == []
    assert it.guard.failures >= 1
    assert it.entry.body is not None  # the draft is what is left
    it.end()
    assert [capture.outcome for capture in it.outbox.all()] == ["ok"]


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order, an invocation leaves what it should, and nothing twice."""

    @initialize(deadline_s=st.one_of(st.none(), st.floats(0.01, 20.0)))
    def begin(self, deadline_s: float | None) -> None:
        self.it = Invoked(deadline_s=deadline_s)
        self.state = "running"

    @rule(seconds=st.floats(0.0, 5.0))
    def time_passes(self, seconds: float) -> None:
        self.it.wait(seconds)

    @rule()
    def the_thread_wakes_late(self) -> None:
        self.it.clock.now_ns += 3 * SECOND_NS
        self.it.watched.tick()

    @rule(late=st.booleans())
    def sigterm(self, late: bool) -> None:
        self.it.watched.partial("timeout" if late else "crashed")

    @rule()
    def what_waits_goes_out(self) -> None:
        self.it.outbox.deliver(1.0)

    @precondition(lambda self: self.state == "running")
    @rule()
    def the_handler_ends(self) -> None:
        self.it.watched.end()
        self.state = "ended"

    @precondition(lambda self: self.state == "ended")
    @rule()
    def its_capture_is_spooled(self) -> None:
        self.it.spool()
        self.state = "spooled"

    @invariant()
    def nothing_is_there_twice(self) -> None:
        if not hasattr(self, "it"):
            return
        captures = self.it.outbox.all()
        partial = [capture for capture in captures if not capture.complete]
        whole = [capture for capture in captures if capture.complete]
        assert len(partial) <= 1
        assert len(whole) == (self.state == "spooled")
        if self.state == "spooled":
            # What could be taken back was; of the rest the viewer chooses the whole one.
            assert not [capture for capture in self.it.outbox.waiting.values() if not capture.complete]
            assert self.it.entry.body is None
            longest = max(captures, key=lambda capture: capture.invocation.duration_ns)
            assert longest.complete or longest.invocation.duration_ns == whole[0].invocation.duration_ns
        if self.state == "running" and not partial:
            assert self.it.entry.body is not None


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


# ---- drafts ---------------------------------------------------------------------------------------


def test_a_draft_after_a_second_and_then_every_few() -> None:
    it = Invoked(deadline_s=100.0)
    it.wait(0.9)
    assert it.entry.replaced_ns == []
    assert len(it.entry.seen) == 6  # after 25, 75, 175, 375, 625 and 875 ms
    it.wait(11.2)
    assert len(it.entry.replaced_ns) == 3
    assert it.entry.body is not None
    draft = decode(it.entry.body)
    assert (draft.outcome, draft.complete) == ("crashed", False)
    assert 10.9 * SECOND_NS < draft.invocation.duration_ns < 11.3 * SECOND_NS


def test_a_short_deadline_has_an_early_draft() -> None:
    it = Invoked(deadline_s=1.0)
    it.wait(0.3)
    assert len(it.entry.replaced_ns) == 1


@given(cost_s=st.floats(0.0, 3.0))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_drafts_take_less_than_a_hundredth_of_the_time(cost_s: float) -> None:
    it = Invoked(deadline_s=None)

    def take_time() -> None:
        it.clock.now_ns += round(cost_s * SECOND_NS)

    it.during_partial = take_time
    it.wait(1000)
    spent_s = len(it.entry.replaced_ns) * cost_s
    # The last one has not been paid off yet.
    assert spent_s <= 0.01 * 1000 + cost_s
    assert (
        len(it.entry.replaced_ns)
        >= min(1000 * SECOND_NS // DRAFT_NS, 1000 / max(cost_s, 0.001) / DRAFT_PAUSE) - 1
    )


def test_memory_near_the_limit_makes_a_draft_at_once(small_process: list[int]) -> None:
    it = Invoked(deadline_s=100.0, limit_bytes=512 * MB)
    it.wait(2.0)
    assert len(it.entry.replaced_ns) == 1
    small_process[0] = 420 * MB
    it.wait(0.3)
    assert len(it.entry.replaced_ns) == 2
    assert is_near(it.entry.seen[-1])
    it.wait(3.0)
    assert len(it.entry.replaced_ns) == 2
    assert it.relieved == 1  # once, however long it stays near


def test_with_hardly_any_memory_left_only_the_facts_are_written(small_process: list[int]) -> None:
    it = Invoked(deadline_s=100.0, limit_bytes=128 * MB)
    small_process[0] = 120 * MB
    it.wait(20.0)
    assert it.entry.replaced_ns == []
    assert it.entry.seen[-1].rss_bytes == 120 * MB
    assert is_near(it.entry.seen[-1])


def test_a_large_draft_needs_more_room(small_process: list[int]) -> None:
    it = Invoked(deadline_s=None, limit_bytes=1024 * MB)
    it.watched._signs.size = 10 * MB
    it.wait(20.0)
    assert it.entry.replaced_ns == []


def test_memory_that_grows_fast_is_looked_at_more_often(small_process: list[int]) -> None:
    it = Invoked(deadline_s=100.0, limit_bytes=1024 * MB, rss_bytes=50 * MB)
    it.wait(1.0)
    for _ in range(24):
        small_process[0] += 40 * MB
        it.wait(0.1)
    pauses = [b.seen_ns - a.seen_ns for a, b in zip(it.entry.seen, it.entry.seen[1:], strict=False)]
    assert max(pauses) == LOOK_NS
    assert min(pauses[5:]) < LOOK_NS / 4
    assert is_near(it.entry.seen[-1])


def test_a_process_that_tells_no_memory_is_watched_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "rss_bytes", lambda: None)
    it = Invoked(deadline_s=5.0, limit_bytes=128 * MB)
    it.wait(5.0)
    assert len(it.outbox.all()) == 1
    assert it.guard.failures == 0
    assert it.entry.seen[-1].rss_bytes is None


def test_without_a_disk_only_the_reserve_is_waited_for() -> None:
    it = Invoked(deadline_s=10.0, keeps_drafts=False)
    it.wait(1.0)
    assert it.watched.due_ns == it.began_ns + 9_500_000_000
    it.wait(9.0)
    assert len(it.outbox.all()) == 1


# ---- the last words -------------------------------------------------------------------------------


class FakeWords:
    def __init__(self, text: str = "", ours: bool = True) -> None:
        self.text = text
        self.ours = ours
        self.set_ns: list[int] = []

    def expect(self, in_ns: int) -> bool:
        self.set_ns.append(in_ns)
        return self.ours

    def cancel(self) -> None:
        self.set_ns.append(0)

    def take(self) -> str:
        text, self.text = self.text, ""
        return text


def test_the_timer_is_set_behind_the_threads_own_time_and_stopped_by_it() -> None:
    it, words = Invoked(deadline_s=10.0, reserve_s=0.5), FakeWords()
    it.watched.expect_words(words)  # type: ignore[arg-type]
    assert words.set_ns == [round(9.9 * SECOND_NS)]
    it.wait(9.6)
    assert words.set_ns[1:] == [0]


def test_the_timer_is_stopped_at_the_end() -> None:
    it, words = Invoked(), FakeWords()
    it.watched.expect_words(words)  # type: ignore[arg-type]
    it.end()
    assert words.set_ns[1:] == [0]


def test_what_was_written_is_forgotten_where_the_handler_ends() -> None:
    it, words = Invoked(), FakeWords("Stack")
    it.watched.expect_words(words)  # type: ignore[arg-type]
    it.clock.now_ns += 9_950_000_000
    it.end()
    assert words.text == ""
    assert [capture.outcome for capture in it.outbox.all()] == ["ok"]


@pytest.mark.parametrize("deadline_s", [None, 10.0])
def test_without_a_deadline_or_a_file_no_timer_is_set(deadline_s: float | None) -> None:
    it, words = Invoked(deadline_s=deadline_s), FakeWords(ours=False)
    it.watched.expect_words(words)  # type: ignore[arg-type]
    it.end()
    assert 0 not in words.set_ns
    assert it.watched._signs.words_ns is None


def test_the_limits_of_this_machine_can_be_asked_for() -> None:
    for value in host.memory_limit_bytes(), host.oom_kills():
        assert value is None or value >= 0


def test_what_is_not_kept_leaves_no_partial_capture_and_no_draft() -> None:
    it = Invoked(deadline_s=2.0, reserve_s=0.5)
    it.keeps = False
    it.wait(2.0)
    assert it.outbox.all() == []
    assert it.entry.body is None
