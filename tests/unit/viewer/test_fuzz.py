"""Half a minute of damaged files, every time others: `benchmarks/fuzz.py` does the same for longer."""

import random

import pytest

from benchmarks.fuzz import fuzz, judged
from tests.unit.viewer.samples import SAMPLES

SECONDS = 30


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_not_damaged_is_read(name):
    assert judged(SAMPLES[name]()) == "read"


def test_damaged_files_are_refused_or_read_and_do_no_harm():
    seed = random.randrange(2**32)
    outcomes = {"read": 0, "refused": 0}
    for name, outcome, data in fuzz(SECONDS, seed):
        assert outcome in outcomes, f"seed {seed}, made from {name}: {outcome}\n{data[:2000]!r}"
        outcomes[outcome] += 1
    assert all(outcomes.values())
