"""How long an invocation waits for a store, by how it did lately."""

from __future__ import annotations

import pytest

from profiler.outbox import patience as module
from profiler.outbox.patience import IMPATIENT_S, PATIENT_S, Patience, share_at_random


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patience(clock: Clock) -> Patience:
    return Patience(clock)


def test_a_store_that_is_well_gets_what_there_is_up_to_a_bound(patience: Patience) -> None:
    assert patience.granted_s(3) == 3
    assert patience.granted_s(900) == PATIENT_S
    assert patience.granted_s(-1) == -1


def test_one_that_failed_or_is_slow_gets_little(patience: Patience) -> None:
    patience.slow = True
    assert patience.granted_s(3) == IMPATIENT_S
    patience.slow = False
    patience.failed()
    assert patience.failing
    assert patience.granted_s(3) == IMPATIENT_S
    assert patience.granted_s(0.1) == 0.1
    patience.succeeded()
    assert not patience.failing
    assert patience.granted_s(3) == 3


def test_a_few_failures_bring_no_pause(patience: Patience) -> None:
    for _ in range(7):
        patience.failed()
        assert patience.granted_s(3) > 0


def asked_before_time(patience: Patience) -> int:
    """Return how many calls a pause lasts."""
    calls = 0
    while patience.granted_s(3) == 0:
        calls += 1
    return calls


def test_further_ones_bring_pauses_that_double_up_to_a_bound(
    patience: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "share_at_random", lambda: 1.0)
    for _ in range(7):
        patience.failed()
    pauses = []
    for _ in range(9):
        patience.failed()
        pauses.append(asked_before_time(patience))
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    monkeypatch.setattr(module, "share_at_random", lambda: 0.0)
    patience.failed()
    assert asked_before_time(patience) == 32
    patience.failed()
    patience.succeeded()
    assert patience.granted_s(3) == 3


def test_a_pause_ends_by_the_clock_too(patience: Patience, clock: Clock) -> None:
    for _ in range(30):
        patience.failed()
    assert patience.granted_s(3) == 0
    clock.now_s += 65
    assert patience.granted_s(3) == IMPATIENT_S


def test_a_thousand_calls_of_a_store_that_hangs_cost_seconds(patience: Patience) -> None:
    waited_s = 0.0
    for _ in range(1000):
        granted_s = patience.granted_s(10)
        waited_s += granted_s
        if granted_s:
            patience.failed()
    assert waited_s < PATIENT_S + 15


def test_a_share_is_random_and_not_of_the_users_generator() -> None:
    import random

    state = random.getstate()
    shares = [share_at_random() for _ in range(200)]
    assert random.getstate() == state
    assert all(0 <= share < 1 for share in shares)
    assert min(shares) < 0.2
    assert max(shares) > 0.8
