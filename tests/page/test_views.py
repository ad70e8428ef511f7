"""What can be done with a profile: turned over, looked at around one function, folded, gone back to, sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from profiler.capture import Frame
from tests.page.page import Page
from tests.page.sample import GET, HANDLER, LOADS, LOOKUP, MS, WALK, order_service, profile_of
from viewer.profile import Lane, Profile
from viewer.renderers.html import document_of

Open = Callable[[Profile], Page]
Evaluate = Callable[..., Any]


def tree(evaluate: Evaluate, profile: Profile, changes: dict[str, Any]) -> list[list[Any]]:
    """Return [name, row, start ms, total ms] of each box that the page draws for a state."""
    return list(
        evaluate(
            """
            const profile = m.decodeProfile(given[0]);
            const view = new m.Views(profile).of({...m.firstState(), ...given[1]}), l = view.layout;
            const name = box => profile.frames[l.frame[box]]?.name ?? (m.titleOf(l, box) || "All");
            return [...Array(l.count).keys()].map(box =>
              [name(box), m.rowOfDepth(l, l.depth[box]), l.start[box] / 1e6, l.total[box] / 1e6]);
            """,
            document_of(profile),
            changes,
        )
    )


def groups(**modes: str) -> dict[str, str]:
    return {**dict.fromkeys(("own", "package", "stdlib", "frozen", "native"), "show"), **modes}


def test_inverted_shows_functions_by_self_and_their_callers_below(evaluate: Evaluate) -> None:
    profile = profile_of(
        [
            (
                "MainThread",
                "nanoseconds",
                True,
                [
                    ([HANDLER, LOOKUP], 30 * MS),
                    ([HANDLER, WALK, LOOKUP], 20 * MS),
                    ([HANDLER], 10 * MS),
                ],
            )
        ]
    )
    assert tree(evaluate, profile, {"view": "inverted"}) == [
        ["All", 0, 0, 60],
        ["lookup", 1, 0, 50],
        ["handler", 2, 0, 30],
        ["walk", 2, 30, 20],
        ["handler", 3, 30, 20],
        ["handler", 1, 50, 10],
    ]


def test_a_function_stands_between_its_callers_and_its_callees(evaluate: Evaluate) -> None:
    assert tree(evaluate, order_service(), {"view": "around", "subject": WALK}) == [
        ["walk", 1, 0, 20],  # a walk inside a walk is counted once, and is a callee
        ["walk", 2, 0, 15],
        ["lookup", 3, 0, 5],
        ["handler", 0, 0, 20],
    ]


def test_callers_come_from_every_place_of_the_tree(evaluate: Evaluate) -> None:
    assert tree(evaluate, order_service(), {"view": "around", "subject": LOOKUP}) == [
        ["lookup", 3, 0, 30],
        ["handler", 2, 0, 25],
        ["walk", 2, 25, 5],
        ["walk", 1, 25, 5],
        ["handler", 0, 25, 5],
    ]


def test_hidden_groups_count_as_their_callers_own(evaluate: Evaluate) -> None:
    boxes = tree(evaluate, order_service(), {"groups": groups(package="hide", stdlib="hide")})
    assert [box[0] for box in boxes] == ["All", "handler", "lookup", "walk", "walk", "lookup"]
    assert boxes[1][3] == 100


def test_a_folded_module_is_one_box(evaluate: Evaluate) -> None:
    profile = profile_of(
        [("MainThread", "nanoseconds", True, [([0, 1, 2, 3], 10 * MS), ([0, 1, 2], 5 * MS), ([0, 4], MS)])],
        frames=[
            Frame("handler", "/var/task/app.py", 1),
            Frame("dumps", "/var/lang/lib/python3.12/json/__init__.py", 1),
            Frame("encode", "/var/lang/lib/python3.12/json/encoder.py", 2),
            Frame("escape", "/var/lang/lib/python3.12/re/__init__.py", 3),
            Frame("import", "<frozen importlib._bootstrap>", 4),
        ],
    )
    assert tree(evaluate, profile, {"groups": groups(stdlib="fold", frozen="hide")}) == [
        ["All", 0, 0, 16],
        ["handler", 1, 0, 16],
        ["dumps", 2, 0, 15],
        ["escape", 3, 0, 10],
    ]


def test_recursion_collapses_also_through_others(evaluate: Evaluate) -> None:
    profile = profile_of(
        [("MainThread", "nanoseconds", True, [([0, 4, 1, 4, 4, 1], 8 * MS), ([0, 4, 1], 2 * MS)])]
    )
    assert tree(evaluate, profile, {"recursion": True}) == [
        ["All", 0, 0, 10],
        ["handler", 1, 0, 10],
        ["walk", 2, 0, 10],
        ["lookup", 3, 0, 10],
    ]


def two_threads() -> Profile:
    """Return a handler that waits for a worker, which came later and was idle before and after."""
    profile = profile_of(
        [
            ("MainThread", "nanoseconds", True, [([HANDLER, LOOKUP], 60 * MS), ([HANDLER], 40 * MS)]),
            ("worker_0", "nanoseconds", True, [([5], 20 * MS), ([5, GET], 30 * MS), ([5], 10 * MS)]),
        ]
    )
    main, worker = profile.lanes
    lanes = [main, Lane(worker.name, worker.unit, worker.runs, True, 40 * MS)]
    return Profile(profile.title, profile.frames, profile.table, lanes)


def test_threads_are_bands_under_one_axis(evaluate: Evaluate) -> None:
    assert tree(evaluate, two_threads(), {"lane": 2, "view": "order", "parked": True}) == [
        ["All", 0, 0, 100],
        ["MainThread · 100 ms", 1, 0, 100],
        ["handler", 2, 0, 100],
        ["lookup", 3, 0, 60],
        ["worker_0 · 60.0 ms", 4, 40, 60],
        ["_worker", 5, 40, 60],
        ["Client.get_object", 6, 60, 30],
    ]


def test_time_in_which_threads_wait_for_work_is_left_out(evaluate: Evaluate, open_page: Open) -> None:
    assert tree(evaluate, two_threads(), {"lane": 2})[:2] == [["All", 0, 0, 130], ["handler", 1, 0, 100]]
    bands = tree(evaluate, two_threads(), {"lane": 2, "view": "order"})
    assert bands[4:] == [
        ["worker_0 · busy 30.0 ms of 60.0 ms", 4, 40, 60],
        ["_worker", 5, 60, 30],
        ["Client.get_object", 6, 60, 30],
    ]
    page = open_page(two_threads())
    page.run("flamegraph.showLane(2)")
    assert page.text("omitted") == "30.0 ms in which threads only waited for work are left out."
    page.focus_picture()
    page.press("w")
    assert page.text("omitted") == ""
    assert page.run("return flamegraph.view.lane.total") == 160 * MS
    # A thread looked at by itself is shown as it was.
    page.run("flamegraph.change({lane: 1, parked: false})")
    assert page.run("return flamegraph.view.lane.total") == 60 * MS


stacks = st.lists(st.integers(0, 5), max_size=6)
runs = st.lists(st.tuples(stacks, st.integers(1, 1000)), min_size=1, max_size=40)
modes = st.sampled_from(["show", "fold", "hide"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs, modes, modes, modes, st.booleans(), st.integers(0, 5))
def test_every_view_adds_up(
    evaluate: Evaluate,
    given_runs: Sequence[tuple[list[int], int]],
    own: str,
    package: str,
    stdlib: str,
    recursion: bool,
    subject: int,
) -> None:
    profile = profile_of([("MainThread", "nanoseconds", True, list(given_runs))])
    state = {
        "groups": groups(own=own, package=package, stdlib=stdlib),
        "recursion": recursion,
        "subject": subject,
    }
    problems = evaluate(
        """
        const profile = m.decodeProfile(given[0]), views = new m.Views(profile), problems = [];
        const of = view => views.of({...m.firstState(), ...given[1], view});
        const totals = of("merged").totals, total = new Map(totals.map(row => [row.frame, row]));
        for (const view of ["merged", "order", "inverted", "around"]) {
          const l = of(view).layout;
          const whole = view === "around" ? total.get(given[1].subject)?.total ?? 0 : profile.lanes[0].total;
          if (Math.abs(l.total[0] - whole) > 1e-6) problems.push([view, "whole", l.total[0], whole]);
          const below = new Float64Array(l.count), above = new Float64Array(1);
          for (let box = l.count - 1; box > 0; box--) {
            const sum = l.self[box] + below[box];
            if (Math.abs(sum - l.total[box]) > 1e-6) problems.push([view, "sum", box, sum, l.total[box]]);
            if (l.parent[box] === 0 && box >= l.firstCaller) above[0] += l.total[box];
            else below[l.parent[box]] += l.total[box];
          }
          const self = l.self[0];
          if (Math.abs(below[0] + self - l.total[0]) > 1e-6) problems.push([view, "root", below[0], self]);
          if (above[0] > l.total[0] + 1e-6) problems.push([view, "callers", above[0]]);
        }
        const first = new Map(), l = of("inverted").layout;
        for (let box = 1; box < l.count; box++) if (l.depth[box] === 1) first.set(l.frame[box], l.total[box]);
        for (const row of totals) {
          if (Math.abs((first.get(row.frame) ?? 0) - row.self) > 1e-6) problems.push(["self", row]);
        }
        return problems;
        """,
        document_of(profile),
        state,
    )
    assert problems == []


# ---- as a person uses it ---------------------------------------------------------------------


def test_around_a_function_by_key_table_and_picture(open_page: Open) -> None:
    page = open_page(order_service())
    page.click_picture(0.4, 2)
    assert page.zoomed() == "lookup"
    page.focus_picture()
    page.press("b")
    assert page.run("return flamegraph.state.view") == "around"
    assert page.text("detail-name") == "lookup"
    page.focus_picture()
    page.press(Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert page.run("return flamegraph.words.stack(flamegraph.flame.focused)") == (
        "walk  tree.py:3\nwalk  tree.py:3\nlookup  app.py:20"
    )
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.focused() == "lookup"
    names = [row[0] for row in page.rows()]
    page.browser.find_elements(By.CSS_SELECTOR, "#functions tbody .name")[names.index("loads")].click()
    assert page.run("return flamegraph.state.subject") == LOADS
    assert page.rows()[0][:3] == ["lookup", "30.0 ms", "30.0 %"]  # the table stays that of the lane


def test_the_inverted_view_copies_stacks_root_first(open_page: Open) -> None:
    page = open_page(order_service())
    page.element("view-inverted").click()
    page.focus_picture()
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    stack = page.run("return flamegraph.words.stack(flamegraph.flame.focused)")
    assert stack == "handler  app.py:10\nlookup  app.py:20"
    assert "self" not in page.run("return document.getElementById('announcer').textContent")


def test_groups_are_folded_and_hidden_from_the_legend_and_by_key(open_page: Open) -> None:
    page = open_page(order_service())
    Select(page.element("mode-stdlib")).select_by_value("hide")
    assert "loads" not in [row[0] for row in page.rows()]
    page.focus_picture()
    page.press("3")  # the standard library, back to shown
    assert "loads" in [row[0] for row in page.rows()]
    page.press("2", "2")
    assert "Client.get_object" not in [row[0] for row in page.rows()]
    assert page.run("return document.getElementById('mode-package').value") == "hide"


def test_zooms_are_steps_back_and_forth(open_page: Open) -> None:
    page = open_page(order_service())
    assert page.element("back").get_property("disabled")
    page.click_picture(0.5, 1)
    assert page.zoomed() == "handler"
    page.click_picture(0.4, 2)
    assert page.zoomed() == "lookup"
    page.element("back").click()
    page.wait("return flamegraph.words.name(flamegraph.flame.zoomed) === 'handler'")
    assert not page.element("forward").get_property("disabled")
    page.browser.back()
    page.wait("return flamegraph.flame.isWhole()")
    page.focus_picture()
    page.press("]", "]")
    page.wait("return flamegraph.words.name(flamegraph.flame.zoomed) === 'lookup'")
    page.press("i")
    page.press("[")
    page.wait("return flamegraph.state.view === 'merged'")
    assert page.zoomed() == "lookup"
    assert page.complaints() == []


@pytest.mark.parametrize(
    "act",
    [
        "flamegraph.change({lane: 3, view: 'order', parked: true}); flamegraph.zoom(3)",
        "flamegraph.showAround(4); flamegraph.zoom(2); flamegraph.change({query: '/walk|a+b/'})",
        "flamegraph.change({view: 'inverted', groups: {...flamegraph.state.groups, stdlib: 'fold'}})",
        "flamegraph.change({recursion: true, flame: true, palette: 'groups'})",
        "flamegraph.showView('order'); flamegraph.look(20e6, 35e6); flamegraph.remember()",
    ],
)
def test_an_address_opens_what_was_seen(open_page: Open, act: str) -> None:
    page = open_page(order_service())
    seen = (
        "const {state, flame} = flamegraph;"
        "const matched = document.getElementById('matched').textContent;"
        "return [state, flame.target, flame.zoomed, flame.layout.count, matched]"
    )
    page.run(act)
    before = page.run(seen)
    address = page.run("return location.hash")
    assert len(address) > 3
    page.browser.get("about:blank")
    page.browser.get((page.folder / "page.html").as_uri() + address)
    page.wait("return document.documentElement.dataset.ready === 'true'")
    assert page.run(seen) == before


@pytest.mark.parametrize(
    "address",
    [
        "#lane=99&view=around&subject=-1",
        "#box=1e9&range=9-1&view=<b>",
        "#query=%00%ff&lane=NaN",
        "#functions",
        "#%",
    ],
)
def test_a_broken_address_opens_the_page_all_the_same(open_page: Open, address: str) -> None:
    page = open_page(order_service())
    page.browser.get("about:blank")
    page.browser.get((page.folder / "page.html").as_uri() + address)
    page.wait("return document.documentElement.dataset.ready === 'true'")
    assert page.run("return flamegraph.state.lane") == 0
    assert page.run("return flamegraph.flame.isWhole()") is True
    assert [text for text in page.complaints() if "favicon" not in text] == []


def test_the_minimap_moves_the_view(open_page: Open) -> None:
    page = open_page(order_service())
    page.element("view-order").click()
    page.run(
        """
        const map = document.getElementById("minimap"), box = map.getBoundingClientRect();
        map.setPointerCapture = () => {};
        const at = (type, share) => map.dispatchEvent(new PointerEvent(type,
          {clientX: box.left + share * box.width, clientY: box.top + 9, pointerId: 1, bubbles: true}));
        at("pointerdown", 0.2); at("pointermove", 0.4); at("pointerup", 0.4);
        """
    )
    view = "return [flamegraph.flame.from / 1e6, flamegraph.flame.to / 1e6]"
    assert page.run(view) == pytest.approx([20, 40], abs=0.3)
    page.run(
        """
        const map = document.getElementById("minimap"), box = map.getBoundingClientRect();
        map.setPointerCapture = () => {};
        const at = (type, share) => map.dispatchEvent(new PointerEvent(type,
          {clientX: box.left + share * box.width, clientY: box.top + 9, pointerId: 1, bubbles: true}));
        at("pointerdown", 0.3); at("pointermove", 0.7); at("pointerup", 0.7);
        """
    )
    assert page.run(view) == pytest.approx([60, 80], abs=0.3)
    page.wait("return location.hash.includes('range=')")


def test_nothing_moves_for_those_who_want_less_motion(open_page: Open) -> None:
    page = open_page(order_service())
    feature = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
    try:
        assert page.run("flamegraph.zoom(3); return [flamegraph.flame.from, flamegraph.flame.to]") == [
            30 * MS,
            55 * MS,
        ]
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_memory_is_told_by_allocation_site(open_page: Open) -> None:
    page = open_page(order_service())
    assert page.text("functions-title") == "Functions"
    page.run("flamegraph.showLane(2)")
    assert page.text("functions-title") == "Allocation sites"
    assert page.rows()[0] == ["lookup", "3.00 KB", "75.0 %", "3.00 KB", "75.0 %", "app.py:20"]
