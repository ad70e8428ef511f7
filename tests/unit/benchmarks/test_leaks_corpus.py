"""The corpus of leaking handlers: labelled, marked, split for good; and a few of its cases, for real."""

from __future__ import annotations

import sys

import pytest
from leaks import ours
from leaks.corpus import CULPRITS, Case, cases

CASES = {case.function: case for case in cases()}


def test_there_are_enough_of_both() -> None:
    assert sum(case.leaks for case in CASES.values()) >= 30
    assert sum(not case.leaks for case in CASES.values()) >= 25
    assert len(CASES) == len(cases())  # no name stands for two


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_leak_has_its_culprit_and_a_look_alike_has_none(case: Case) -> None:
    assert (case.function in CULPRITS) is case.leaks
    assert bool(case.marks) is case.leaks


def test_the_half_that_is_set_aside_stays_the_same() -> None:
    set_aside = [case for case in CASES.values() if case.is_set_aside]
    assert (sum(case.leaks for case in set_aside), sum(not case.leaks for case in set_aside)) == (27, 15)
    assert CASES["module_dict"].is_set_aside
    assert not CASES["one_path_in_ten"].is_set_aside


@pytest.mark.skipif(sys.platform == "win32", reason="the handlers use what Windows has not")
@pytest.mark.parametrize(
    ("function", "verdict"),
    [
        ("slow_leak", (True, True)),
        ("logging_handler_per_call", (True, True)),
        ("cache_on_a_function", (True, True)),
        ("full_lru", (False, False)),
        ("ring_buffer", (False, False)),
    ],
)
def test_a_case_is_run_and_judged(function: str, verdict: tuple[bool, bool]) -> None:
    said = ours.run(CASES[function], 40, "census")
    assert said.at(40) == verdict
    assert said.needed == (20 if verdict[0] else None)
