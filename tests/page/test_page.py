"""The page as a person uses it: opened from a file, pointed at, typed into, read by a screen reader."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from profiler.capture import Frame
from tests.page.page import Page
from tests.page.sample import MS, order_service, profile_of, random_profile
from viewer.profile import Profile

Open = Callable[[Profile], Page]


def test_it_opens_from_a_file_quietly_and_asks_the_network_for_nothing(open_page: Open) -> None:
    page = open_page(order_service())
    events = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    urls = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
    assert page.complaints() == []
    assert page.browser.title == "checkout · 100 ms"
    assert page.text("title") == "checkout · 100 ms"
    assert "Duration\n100 ms" in page.text("facts")
    assert page.run("return document.querySelectorAll('script[src], link[href^=http], img').length") == 0


def test_a_click_zooms_and_escape_goes_back(open_page: Open) -> None:
    page = open_page(order_service())
    page.click_picture(
        0.4, 2
    )  # rows: the lane, handler, its callees by size: get_object 0–30 %, lookup to 55 %
    assert page.zoomed() == "lookup"
    assert [item.text for item in page.element("path").find_elements(By.TAG_NAME, "li")] == [
        "All",
        "handler",
        "lookup",
    ]
    page.element("path").find_elements(By.TAG_NAME, "button")[1].click()
    assert page.zoomed() == "handler"
    page.press(Keys.ESCAPE)
    assert page.zoomed() == "MainThread"
    assert page.text("path") == "All"


def test_hovering_tells_self_total_and_location(open_page: Open) -> None:
    page = open_page(order_service())
    page.hover_picture(0.85, 2)
    assert page.text("tip-name") == "walk"
    assert page.text("tip-numbers") == "total 20.0 ms (20.0 %) · self 5.00 ms (5.0 %)"
    assert page.text("tip-location") == "tree.py:3"


def test_it_works_without_a_mouse(open_page: Open) -> None:
    page = open_page(order_service())
    page.focus_picture()
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.focused() == "Client.get_object"
    page.press(Keys.ARROW_RIGHT)
    assert page.focused() == "lookup"
    assert page.run("return document.getElementById('announcer').textContent") == (
        "lookup, total 25.0 ms (25.0 %), self 25.0 ms (25.0 %), app.py:20"
    )
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert page.text("detail-name") == "walk"
    page.press(Keys.ENTER)
    assert page.zoomed() == "walk"
    page.press(Keys.BACKSPACE)
    assert page.zoomed() == "walk"  # the walk that called this one
    page.press(Keys.BACKSPACE)
    assert page.zoomed() == "handler"
    page.press(Keys.HOME)
    assert page.zoomed() == "MainThread"
    page.press("/")
    page.press("loads", Keys.ENTER)
    assert page.text("matched") == "20.0 % matched"
    page.press("?")
    assert page.element("help").is_displayed()
    page.press(Keys.ESCAPE)
    assert not page.element("help").is_displayed()


def test_search_shows_its_share_and_goes_when_cleared(open_page: Open) -> None:
    page = open_page(order_service())
    page.element("search").send_keys("lookup")
    assert page.text("matched") == "30.0 % matched"
    page.element("search").send_keys(Keys.ESCAPE)
    assert page.text("matched") == ""
    assert page.element("search").get_property("value") == ""


def test_matches_can_be_walked_also_out_of_the_zoom(open_page: Open) -> None:
    page = open_page(order_service())
    page.click_picture(0.6, 2)
    assert page.zoomed() == "loads"
    page.press("/")
    page.press('"lookup"', Keys.ENTER)
    assert page.text("matched") == "30.0 % matched"
    stack = "return flamegraph.words.stack(flamegraph.flame.focused)"
    stacks = {page.run(stack)}
    assert page.focused() == "lookup"
    assert page.zoomed() == "handler"  # the nearest box that shows both
    page.press("n")
    stacks.add(page.run(stack))
    assert stacks == {
        "handler  app.py:10\nlookup  app.py:20",
        "handler  app.py:10\nwalk  tree.py:3\nwalk  tree.py:3\nlookup  app.py:20",
    }
    page.press("p", "p")
    assert page.focused() == "lookup"


def test_a_function_in_many_places_tells_their_sum(open_page: Open) -> None:
    page = open_page(order_service())
    page.click_picture(0.4, 2)
    assert page.text("detail-everywhere") == ("in all 2 stacks total 30.0 ms (30.0 %), self 30.0 ms (30.0 %)")
    page.element("view-order").click()
    page.run("flamegraph.focus(2)")
    assert page.text("detail-everywhere").startswith("in all 3 stretches total 30.0 ms")


def test_keys_and_wheel_magnify_and_pan(open_page: Open) -> None:
    page = open_page(order_service())
    page.element("view-order").click()
    page.press("+", "+")
    assert page.run("return flamegraph.flame.to - flamegraph.flame.from") == pytest.approx(100 * MS / 2.25)
    before = page.run("return flamegraph.flame.from")
    page.press(".")
    assert page.run("return flamegraph.flame.from") > before
    page.press(Keys.ESCAPE)
    assert page.zoomed() == "MainThread"
    page.run(
        """
        const canvas = document.getElementById("canvas"), box = canvas.getBoundingClientRect();
        const wheel = (more) => canvas.dispatchEvent(
          new WheelEvent("wheel", {clientX: box.left, clientY: box.top + 60, ...more}));
        wheel({deltaY: -300, ctrlKey: true});
        wheel({deltaX: box.width / 5});
        """
    )
    view = page.run("return [flamegraph.flame.from / 1e6, flamegraph.flame.to / 1e6]")
    assert view == pytest.approx([10, 60], abs=0.2)


def test_the_tip_goes_when_the_keyboard_takes_over(open_page: Open) -> None:
    page = open_page(order_service())
    page.hover_picture(0.85, 2)
    assert page.element("tip").is_displayed()
    page.focus_picture()
    page.press(Keys.ARROW_DOWN)
    assert not page.element("tip").is_displayed()


def test_the_stack_is_copied(open_page: Open) -> None:
    page = open_page(order_service())
    page.click_picture(0.4, 2)
    page.element("copy").click()
    page.wait("return document.getElementById('copy').textContent === 'Copied'")


def test_the_legend_searches_a_module_alone(open_page: Open) -> None:
    page = open_page(order_service())
    legend = page.run(
        "const parts = document.querySelectorAll('#legend li:first-child > :not(select)');"
        "return [...parts].map(part => part.textContent)"
    )
    assert legend[:2] == ["Own code 50.0 %", "app 35.0 %"]
    page.browser.find_element(By.CSS_SELECTOR, "#legend button[title='Search json']").click()
    assert page.element("search").get_property("value") == "module:json"
    assert page.text("matched") == "20.0 % matched"


def test_it_fits_a_narrow_screen(open_page: Open) -> None:
    page = open_page(order_service())
    size = {"width": 400, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.wait("return flamegraph.flame.width < 400")
        assert page.run("return document.documentElement.scrollWidth") == 400
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_time_order_stands_beside_merged(open_page: Open) -> None:
    page = open_page(order_service())
    page.element("view-order").click()
    assert page.run("return flamegraph.flame.layout.ordered") is True
    assert page.element("view-order").get_attribute("aria-pressed") == "true"
    page.press("m")
    assert page.run("return flamegraph.flame.layout.ordered") is False


def test_lanes_can_be_chosen_and_memory_is_in_bytes(open_page: Open) -> None:
    page = open_page(order_service())
    options = [option.text for option in page.element("lane").find_elements(By.TAG_NAME, "option")]
    assert options == [
        "MainThread · 100 ms · 50.0 %",
        "worker_0 · 100 ms · 50.0 %",
        "memory retained · 4.00 KB",
        "All threads · 200 ms",
    ]
    page.element("lane").find_elements(By.TAG_NAME, "option")[2].click()
    assert [row[0] for row in page.rows()] == ["lookup", "Client.get_object"]
    assert page.rows()[0][1] == "3.00 KB"
    assert page.element("view-order").get_property("disabled") is True


def test_a_lane_chosen_while_a_zoom_moves_is_shown_whole(open_page: Open) -> None:
    page = open_page(order_service())
    page.run("flamegraph.zoom(3); flamegraph.zoom(0); flamegraph.showLane(3)")
    page.wait("return new Promise(done => setTimeout(() => done(true), 300))")
    assert page.run("return [flamegraph.flame.from, flamegraph.flame.to]") == [
        0,
        140 * MS,
    ]  # without the worker's waiting


def test_the_table_says_the_same_and_can_be_sorted(open_page: Open) -> None:
    page = open_page(order_service())
    assert page.rows()[0] == ["lookup", "30.0 ms", "30.0 %", "30.0 ms", "30.0 %", "app.py:20"]
    header = page.browser.find_element(By.CSS_SELECTOR, "th[data-column=total]")
    assert header.get_attribute("aria-sort") == "none"
    header.find_element(By.TAG_NAME, "button").click()
    assert header.get_attribute("aria-sort") == "descending"
    assert [row[0] for row in page.rows()][:2] == ["handler", "lookup"]
    header.find_element(By.TAG_NAME, "button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    page.browser.find_element(By.CSS_SELECTOR, "#functions tbody button").click()
    assert page.element("search").get_property("value") == f'"{page.rows()[0][0]}"'
    assert page.focused() == page.rows()[0][0]


def test_icicle_and_flame(open_page: Open) -> None:
    page = open_page(order_service())
    page.element("flame").click()
    rows = page.run("return flamegraph.flame.layout.depthCount")
    page.click_picture(0.5, rows - 2)  # the lane lies at the bottom now, the handler above it
    assert page.zoomed() == "handler"


def test_light_and_dark(open_page: Open) -> None:
    page = open_page(order_service())
    background = "return getComputedStyle(document.body).backgroundColor"
    light = page.run(background)
    page.press("d")
    assert page.run(background) != light
    assert page.element("theme").get_attribute("aria-pressed") == "true"
    page.press("d")
    assert page.run(background) == light


def test_every_control_has_a_name(open_page: Open) -> None:
    page = open_page(order_service())
    unnamed = page.run(
        """
        return [...document.querySelectorAll("button, select, input, [tabindex]")]
          .filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels?.length))
          .map(e => e.outerHTML)
        """
    )
    assert unnamed == []
    assert page.element("canvas").get_attribute("aria-hidden") == "true"
    assert page.run("return document.documentElement.lang") == "en"


HOSTILE = [
    "<img src=x onerror=document.title='owned'>",
    "</script><script>document.title='owned'</script>",
    "bell\x07 escape\x1b[31m null\x00",
    "right\u202eto left",
    "line\u2028separator",
    "{script}",
    "x" * 5000,
]


def test_hostile_names_are_shown_and_do_nothing(open_page: Open) -> None:
    profile = profile_of(
        [(HOSTILE[0], "nanoseconds", True, [([number], MS) for number in range(len(HOSTILE))])],
        title=HOSTILE[1],
        frames=[Frame(name, name, 1) for name in HOSTILE],
        facts={HOSTILE[0]: HOSTILE[1]},
    )
    page = open_page(profile)
    page.click_picture(0.1, 1)
    page.hover_picture(0.5, 1)
    assert "owned" not in (page.browser.title,)
    assert page.run("return document.querySelectorAll('img, main script').length") == 0
    shown = {row[0] for row in page.rows()}
    assert HOSTILE[0] in shown
    assert "bell\\x07 escape\\x1b[31m null\\x00" in shown
    assert "right\\x202eto left" in shown
    assert page.complaints() == []


def test_nothing_sampled_is_said_plainly(open_page: Open) -> None:
    page = open_page(profile_of([]))
    assert "No samples" in page.text("empty")
    page = open_page(profile_of([("MainThread", "nanoseconds", True, [])]))
    assert "No samples" in page.text("empty")
    assert not page.element("stage").is_displayed()
    assert not page.element("table").is_displayed()
    assert page.complaints() == []


def test_an_approximate_graph_is_labelled(open_page: Open) -> None:
    lanes = [("MainThread", "nanoseconds", False, [([0], MS)])]
    assert not open_page(profile_of(lanes)).element("approximate").is_displayed()
    assert open_page(profile_of(lanes, approximate=True)).element("approximate").is_displayed()


@pytest.mark.parametrize("nodes", [1, 100_000])
def test_it_answers_at_every_size(open_page: Open, nodes: int) -> None:
    page = open_page(random_profile(nodes))
    largest = page.run("return flamegraph.zoom(1), 1")
    assert largest == 1
    assert page.zoomed().startswith("function_")
    page.element("search").send_keys("function_1")
    assert page.text("matched").endswith("% matched")
    assert len(page.rows()) <= 200
    assert page.complaints() == []
