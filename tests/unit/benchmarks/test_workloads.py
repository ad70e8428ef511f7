from __future__ import annotations

import pytest
from workloads import WORKLOADS

RESULTS = {
    "many small calls": 137_942_526,
    "allocation": 20_000,
    "threads": 120_372_731,
    "asyncio": 4_035_076_800,
}


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_does_the_same_work_every_time(name: str) -> None:
    # The literal pins it over runs, interpreters and edits: figures of two dates can be compared.
    assert WORKLOADS[name]({}, None) == RESULTS[name]
