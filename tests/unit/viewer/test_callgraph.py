"""Stacks guessed from a call graph add up, whatever the graph."""

from hypothesis import given
from hypothesis import strategies as st

from profiler.capture import CallEdge
from viewer.callgraph import guess_stacks


def test_a_callee_of_two_callers_is_shared_out_by_their_edges():
    edges = [
        CallEdge(None, 0, 1, 0, 100),
        CallEdge(0, 1, 1, 0, 75),
        CallEdge(0, 2, 1, 0, 25),
        CallEdge(1, 3, 3, 75, 75),
        CallEdge(2, 3, 1, 25, 25),
    ]
    assert dict(guess_stacks(edges)) == {(0, 1, 3): 75, (0, 2, 3): 25}


def test_a_recursion_ends():
    edges = [CallEdge(None, 0, 1, 0, 100), CallEdge(0, 1, 1, 40, 100), CallEdge(1, 1, 9, 60, 90)]
    assert dict(guess_stacks(edges)) == {(0, 1): 100}


def test_without_a_root_edge_whoever_nobody_calls_is_the_root():
    assert dict(guess_stacks([CallEdge(0, 1, 1, 30, 30)])) == {(0, 1): 30}


def test_an_empty_graph_has_no_stacks():
    assert list(guess_stacks([])) == []


@given(
    st.lists(
        st.builds(
            CallEdge,
            caller=st.none() | st.integers(0, 6),
            callee=st.integers(0, 6),
            calls=st.integers(1, 5),
            self_ns=st.integers(0, 10**9),
            total_ns=st.integers(0, 10**9),
        ),
        max_size=20,
    )
)
def test_any_graph_ends_and_never_shows_more_than_its_roots(edges):
    stacks = list(guess_stacks(edges))
    roots = sum(edge.total_ns for edge in edges if edge.caller is None)
    if roots:
        # Each stack is rounded to a nanosecond.
        assert abs(sum(weight for _, weight in stacks) - roots) <= len(stacks) + 20_000
    assert all(len(set(stack)) == len(stack) for stack, _ in stacks)
