"""Which invocations are captured."""

from __future__ import annotations

import random

import pytest

from profiler.triggers import RateTrigger


@pytest.mark.parametrize(("rate", "expected"), [(1.0, 50), (0.0, 0)])
def test_all_or_none(rate: float, expected: int) -> None:
    trigger = RateTrigger(rate, 1000)
    assert sum(trigger.fires() for _ in range(50)) == expected


def test_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([0, 2**30 - 1, 2**30, 2**32 - 1])
    monkeypatch.setattr("os.urandom", lambda size: next(draws).to_bytes(size, "little"))
    trigger = RateTrigger(0.25, 1000)
    assert [trigger.fires() for _ in range(4)] == [True, True, False, False]


def test_no_more_than_the_bound() -> None:
    trigger = RateTrigger(1, 3)
    assert [trigger.fires() for _ in range(5)] == [True] * 3 + [False] * 2


def test_the_handlers_random_numbers_are_not_touched() -> None:
    state = random.getstate()
    trigger = RateTrigger(0.5, 1000)
    for _ in range(20):
        trigger.fires()
    assert random.getstate() == state
