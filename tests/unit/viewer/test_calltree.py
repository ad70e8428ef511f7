"""Self and total, over trees built by hand."""

import pytest

from tests.unit.viewer.builders import MILLISECOND, capture, thread
from viewer.calltree import CallTreeNode, call_tree, self_weights, total_weights
from viewer.load import profile_of


def shape(node: CallTreeNode) -> dict:
    """Return a tree as name → (self ms, total ms, children), which a failing test shows whole."""
    return {
        child.frame.name: (
            child.self_weight // MILLISECOND,
            child.total_weight // MILLISECOND,
            shape(child),
        )
        for child in node.children
        if child.frame
    }


def test_self_is_what_was_seen_there_and_total_is_with_all_below():
    profile = profile_of(capture())
    root = call_tree(profile, profile.lanes)
    assert root.total_weight == 400 * MILLISECOND
    assert shape(root) == {"handler": (100, 400, {"price": (250, 300, {"parse": (50, 50, {})})})}


def test_the_same_function_called_from_two_places_is_two_nodes():
    profile = profile_of(capture(threads=(thread(((0, 2), 10), ((1, 2), 30)),)))
    root = call_tree(profile, profile.lanes)
    assert shape(root) == {
        "price": (0, 30, {"parse": (30, 30, {})}),
        "handler": (0, 10, {"parse": (10, 10, {})}),
    }


def test_children_come_largest_first():
    profile = profile_of(capture(threads=(thread(((0, 1), 10), ((0, 2), 30)),)))
    root = call_tree(profile, profile.lanes)
    assert [child.frame.name for child in root.children[0].children] == ["parse", "price"]


def test_time_with_an_empty_stack_belongs_to_the_root():
    profile = profile_of(capture(threads=(thread(((), 40), ((0,), 60)),)))
    root = call_tree(profile, profile.lanes)
    assert (root.self_weight, root.total_weight) == (40 * MILLISECOND, 100 * MILLISECOND)


def test_totals_of_roots_add_up_to_all_selves():
    profile = profile_of(capture())
    selves = self_weights(profile.table, profile.lanes)
    totals = total_weights(profile.table, selves)
    roots = [total for total, parent in zip(totals, profile.table.parents, strict=True) if parent < 0]
    assert sum(roots) == sum(selves)


@pytest.mark.parametrize("depth", [5_000])
def test_a_very_deep_stack_needs_no_recursion(depth):
    profile = profile_of(
        capture(
            threads=(
                thread(
                    ((0, 1) * depth, 5),
                ),
            )
        )
    )
    root = call_tree(profile, profile.lanes)
    assert sum(1 for _ in root.walk()) == 2 * depth + 1
