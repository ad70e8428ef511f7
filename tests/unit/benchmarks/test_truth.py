from __future__ import annotations

import inspect
from typing import Any

import pytest
import truth
from truth import ELSEWHERE, SCENARIOS, Call, Scenario, measure, observed, score, shares


def first_leaf(number: int) -> int:
    return number + 1


def second_leaf(number: int) -> int:
    return number * 2


def small_scenario(call: Call) -> None:
    for number in range(3):
        call(second_leaf, call(first_leaf, number))


def test_the_same_time_in_every_leaf_is_no_error() -> None:
    assert score({"a": 2.0, "b": 6.0}, {"a": 1.0, "b": 3.0}).wrong_share == 0.0


def test_time_given_to_the_wrong_leaf_counts_once() -> None:
    result = score({"a": 7.0, "b": 3.0}, {"a": 5.0, "b": 5.0})
    assert result.wrong_share == pytest.approx(0.2)
    assert result.worst_points == pytest.approx(20.0)


def test_the_worst_leaf_is_named() -> None:
    result = score({"a": 5.0, "b": 4.0, "c": 1.0}, {"a": 4.0, "b": 2.0, "c": 4.0})
    assert (result.worst_leaf, result.worst_points) == ("c", pytest.approx(30.0))


def test_a_leaf_that_was_never_seen_is_an_error() -> None:
    assert score({"a": 1.0}, {"a": 1.0, "sleep": 1.0}).wrong_share == pytest.approx(0.5)


def test_an_engine_that_saw_nothing_has_no_shares() -> None:
    assert shares({"a": 0.0, "b": 0.0}) == {"a": 0.0, "b": 0.0}


def test_time_outside_every_leaf_is_kept_apart() -> None:
    seen = observed({"execute": 10.0, "a": 4.0, "b": 5.0, "a_helper": 3.0}, frozenset({"a", "b"}))
    assert seen == {"a": 4.0, "b": 5.0, ELSEWHERE: 1.0}


def test_the_truth_times_each_leaf_around_its_call() -> None:
    assert set(measure(small_scenario)) == {"first_leaf", "second_leaf", ELSEWHERE}


def test_a_scenario_returns_to_its_leaves_what_they_return() -> None:
    passed = []

    def call(leaf: Call, *arguments: Any) -> Any:
        passed.append(arguments)
        return leaf(*arguments)

    small_scenario(call)
    assert passed == [(0,), (1,), (1,), (2,), (2,), (3,)]


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_a_leaf_runs_below_no_other_leaf(scenario: Scenario) -> None:
    leaves: dict[str, Any] = {}
    open_leaves = []

    def call(leaf: Call, *arguments: Any) -> Any:
        assert open_leaves == []
        leaves[leaf.__name__] = leaf
        open_leaves.append(leaf)
        result = leaf(*arguments)
        open_leaves.pop()
        return result

    scenario(call)
    assert len(leaves) >= 4
    # Engines are compared by bare function name, so no other function may share one.
    source = inspect.getsource(truth)
    for name in (*leaves, "execute"):
        assert source.count(f"def {name}(") == 1
