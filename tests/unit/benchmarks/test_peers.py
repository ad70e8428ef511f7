from __future__ import annotations

import time

import pytest
from peers import PEERS, UNTIMED, total_seconds
from truth import Call, execute


def outer_leaf() -> None:
    inner_helper()


def inner_helper() -> None:
    # Longer than pyinstrument's widest interval, so that every engine has something to see.
    until_s = time.perf_counter() + 0.05
    while time.perf_counter() < until_s:
        pass


def one_leaf(call: Call) -> None:
    call(outer_leaf)


@pytest.mark.parametrize("name", [name for name in PEERS if name not in UNTIMED])
def test_an_engine_tells_the_total_of_a_leaf(name: str) -> None:
    pytest.importorskip(name.split()[0] if name.startswith(("yappi", "pyinstrument")) else "time")
    peer = PEERS[name]()
    peer.run(lambda: execute(one_leaf))
    times = peer.times()
    assert times["execute"] >= times["outer_leaf"] >= times["inner_helper"] > 0


@pytest.mark.parametrize("name", UNTIMED)
def test_what_measures_no_time_says_so(name: str) -> None:
    called = []
    peer = PEERS[name]()
    peer.run(lambda: called.append(1))
    assert (called, peer.times()) == ([1], {})


def test_a_recursive_function_counts_once_in_a_stack() -> None:
    assert total_seconds([(["a", "b", "b"], 2.0), (["a"], 1.0)]) == {"a": 3.0, "b": 2.0}
