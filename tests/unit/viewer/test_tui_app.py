"""The view in a terminal, driven by keys and mouse as a person would."""

import asyncio

import pytest
from rich.segment import Segment
from textual.widgets import Input, OptionList, Static

from profiler.capture import Frame
from tests.page.sample import FRAMES, LOOKUP, MS, order_service, profile_of
from viewer.tui.app import FlameApp
from viewer.tui.dialogs import Chooser, Pairs
from viewer.tui.graph import FlameGraph, fitted
from viewer.tui.keys import KEYS
from viewer.tui.ruler import Ruler
from viewer.tui.table import FunctionTable

EVIL = "[red]x[/red] \x1b]0;owned\x07 \x9b2J \u202eback"


def drive(body, profile=None, size=(100, 30), **options):
    """Run the application without a terminal and let `body(app, pilot)` use it."""

    async def run():
        app = FlameApp(order_service() if profile is None else profile, **{"sixteen": False, **options})
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await body(app, pilot)

    asyncio.run(run())


def said(app, selector):
    return str(app.query_one(selector, Static).render())


def axis(app):
    return str(app.query_one(Ruler).render())


def graph(app, pane="graph"):
    return app.query_one(f"#{pane}", FlameGraph)


def focused(app, pane="graph"):
    view = graph(app, pane)
    frame = view.boxes.frame[view.focused]
    return view.names[frame] if frame >= 0 else "-"


def rows(app, pane="graph"):
    """Return what stands in each row of a graph."""
    view = graph(app, pane)
    return ["".join(part.text for part in view.render_line(y)).rstrip() for y in range(view.size.height)]


def test_it_begins_in_time_order_and_tells_what_is_pointed_at():
    async def body(app, pilot):
        assert said(app, "#title") == "checkout · 100 ms"
        assert said(app, "#lane") == "MainThread · 100 ms"
        shown = rows(app)
        assert "MainThread · 100 ms" in shown[0]
        assert "handler" in shown[1]
        assert [word for word in shown[2].replace("▏", " ").split() if word != "Client.get_object"] == [
            "lookup", "lookup", "loads", "walk",
        ]  # fmt: skip
        assert "▏20 ms" in axis(app)
        await pilot.press("down", "down", "right")
        assert focused(app) == "Client.get_object"
        assert "total 30.0 ms (30.0%) · self 30.0 ms (30.0%)" in said(app, "#detail")
        assert "botocore/client.py:551  handler › Client.get_object" in said(app, "#detail")
        await pilot.press("left")
        assert "in all 3 stretches 30.0 ms (30.0%)" in said(app, "#detail")
        await pilot.press("up", "up", "up")
        assert focused(app) == "-"

    drive(body)


def test_zoom_and_the_way_back():
    async def body(app, pilot):
        await pilot.press("m", "down", "down")
        assert focused(app) == "Client.get_object"
        await pilot.press("enter")
        assert graph(app).window == (0, 30 * MS)
        zoomed = graph(app).window
        await pilot.press("t", "backspace")
        assert (app.history.current.view, graph(app).window) == ("merged", zoomed)
        await pilot.press("backspace")
        assert graph(app).is_whole
        await pilot.press("backslash")
        assert graph(app).window == zoomed
        assert "of it in view" in rows(app)[0]
        await pilot.press("escape")
        assert graph(app).is_whole

    drive(body)


def test_magnify_and_move():
    async def body(app, pilot):
        await pilot.press("plus")
        span = graph(app).window.span
        assert span == pytest.approx(100 * MS / 1.5)
        start = graph(app).window.start
        await pilot.press("full_stop")
        assert graph(app).window.start > start
        await pilot.press(*["full_stop"] * 10)
        assert graph(app).window.stop == pytest.approx(100 * MS)
        assert graph(app).window.span == pytest.approx(span)
        await pilot.press(*["minus"] * 3)
        assert graph(app).is_whole
        # However long somebody magnifies, something is left to see.
        await pilot.press(*["plus"] * 60)
        assert graph(app).window.span >= 1
        # And wandering about is no step of the history.
        await pilot.press("backspace")
        assert app.history.current.view == "order"

    drive(body)


def test_keys_bring_what_they_reach_into_view():
    async def body(app, pilot):
        await pilot.press("down", "down", "enter", "right")
        view = graph(app)
        assert view.window.start <= view.boxes.start[view.focused] < view.window.stop
        await pilot.press("n")  # without a search, nowhere
        assert view.focused >= 0

    drive(body)


def test_search_tells_the_share_and_goes_from_match_to_match():
    async def body(app, pilot):
        await pilot.press("slash", *"lookup")
        assert said(app, "#found") == "1 function: 30.0 ms (30.0%)"
        await pilot.press("enter")
        assert focused(app) == "lookup"
        first = graph(app).focused
        await pilot.press("n")
        assert focused(app) == "lookup"
        assert graph(app).focused != first
        await pilot.press("p")
        assert graph(app).focused == first
        for view in "mi":
            await pilot.press(view)
            assert said(app, "#found") == "1 function: 30.0 ms (30.0%)"
        await pilot.press("right_square_bracket")
        assert said(app, "#found") == "0 functions: 0 ns (0.0%)"
        await pilot.press("escape")
        assert said(app, "#found") == ""
        assert not app.query_one("#query").has_class("open")

    drive(body)


def test_a_regular_expression_and_one_that_is_none():
    async def body(app, pilot):
        app.action_search()
        query = app.query_one(Input)
        query.value = "/^(lookup|walk)$/"
        await pilot.pause()
        assert said(app, "#found") == "2 functions: 45.0 ms (45.0%)"
        query.value = "/(/"
        await pilot.pause()
        assert "no regular expression yet" in said(app, "#found")

    drive(body)


def test_matches_stand_out_and_the_rest_fades():
    async def body(app, pilot):
        await pilot.press("m")
        before = styles(app)
        await pilot.press("slash", *"loads", "enter", "home")
        after = styles(app)
        assert after["loads"] != before["loads"]
        assert after["loads"].bgcolor == before["loads"].bgcolor
        assert after["Client.get_object"].bgcolor != before["Client.get_object"].bgcolor

    def styles(app):
        return {
            part.text.strip(): part.style
            for y in range(6)
            for part in graph(app).render_line(y)
            if isinstance(part, Segment)
        }

    drive(body)


def test_threads_and_memory():
    async def body(app, pilot):
        await pilot.press("l")
        assert isinstance(app.screen, Chooser)
        options = app.screen.query_one(OptionList)
        texts = [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]
        assert texts == ["MainThread · 100 ms", "worker_0 · 100 ms", "memory retained · 4.00 KB"]
        await pilot.press("down", "enter")
        await pilot.pause()
        assert said(app, "#lane") == "worker_0 · 100 ms"
        assert "_worker" in rows(app)[1]
        await pilot.press("right_square_bracket")
        assert app.history.current.view == "merged"  # memory has no order in time
        await pilot.press("t")
        assert app.history.current.view == "merged"
        await pilot.press("right_square_bracket", "left_square_bracket", "backspace")
        assert said(app, "#lane") == "MainThread · 100 ms"
        await pilot.press("l", "escape")
        assert said(app, "#lane") == "MainThread · 100 ms"

    drive(body)


def test_callers_and_callees():
    async def body(app, pilot):
        await pilot.press("s")
        assert app.history.current.view == "order"  # the lane itself is no function
        await pilot.press("m", "down", "down", "right", "s")
        assert app.history.current.view == "function"
        assert "who calls lookup" in said(app, "#turn")
        assert "30.0 ms (30.0%) of MainThread" in rows(app, "callees")[0]
        callers = [row for row in rows(app, "callers") if row]
        assert "lookup" in callers[-2]
        assert callers[-3].count("handler") == 1
        assert "walk" in "".join(callers)
        await pilot.press("shift+tab", "up", "up")
        assert graph(app, "callers").has_focus
        assert focused(app, "callers") == "handler"
        await pilot.press("enter")
        assert not graph(app, "callers").is_whole or graph(app, "callers").zoomed
        await pilot.press("backspace", "backspace")
        assert app.history.current.view == "merged"

    drive(body)


def test_the_table_of_functions():
    async def body(app, pilot):
        await pilot.press("b")
        table = app.query_one(FunctionTable)
        assert [row.frame.name for row in table.rows_shown][:2] == ["Client.get_object", "lookup"]
        assert "Client.get_object  total 30.0 ms" in said(app, "#detail")
        await pilot.press("o")
        assert table.rows_shown[0].frame.name == "handler"
        await pilot.press("o")
        names = [row.frame.name for row in table.rows_shown]
        assert names == sorted(names, key=str.casefold)
        await pilot.press("slash", *"walk", "enter")
        assert [row.frame.name for row in table.rows_shown] == ["walk"]
        await pilot.press("enter")
        await pilot.pause()
        assert "who calls walk" in said(app, "#turn")

    drive(body)


def test_flame_stands_on_its_last_row():
    async def body(app, pilot):
        await pilot.press("m", "f")
        shown = rows(app)
        assert "MainThread" in shown[-1]
        assert "handler" in shown[-2]
        await pilot.press("up")
        assert focused(app) == "handler"
        await pilot.press("f")
        assert "MainThread" in rows(app)[0]

    drive(body)


def test_the_mouse():
    async def body(app, pilot):
        await pilot.press("m")
        await pilot.hover("#graph", offset=(5, 2))
        assert "lookup" in said(app, "#detail") or "Client.get_object" in said(app, "#detail")
        await pilot.click("#graph", offset=(5, 2))
        assert graph(app).zoomed
        await pilot.click("#graph", offset=(5, 3), button=3)
        assert graph(app).is_whole
        await pilot.click("#graph", offset=(50, 20))  # nothing is there
        assert graph(app).is_whole
        await pilot.click("#tab-inverted")
        assert app.history.current.view == "inverted"
        await pilot.click("#lane")
        assert isinstance(app.screen, Chooser)

    drive(body)


def test_help_names_every_key_and_about_tells_the_facts():
    async def body(app, pilot):
        await pilot.press("question_mark")
        assert isinstance(app.screen, Pairs)
        shown = "\n".join(str(line.render()) for line in app.screen.query(Static))
        assert all(key.text in shown for key in KEYS)
        await pilot.press("escape", "a")
        shown = "\n".join(str(line.render()) for line in app.screen.query(Static))
        assert "Duration  100 ms" in shown
        await pilot.press("a")
        assert not isinstance(app.screen, Pairs)

    drive(body)


def test_the_stack_goes_to_the_clipboard():
    async def body(app, pilot):
        await pilot.press("c")
        assert app.clipboard == ""
        await pilot.press("down", "down", "c")
        assert app.clipboard == "handler  app.py:10\nlookup  app.py:20"

    drive(body)


def test_light_and_dark():
    async def body(app, pilot):
        await pilot.press("d")
        assert app.theme == "page-light"
        await pilot.press("d")
        assert app.theme == "page-dark"

    drive(body)


def test_sixteen_colours_are_sent_as_such():
    async def body(app, pilot):
        assert app.theme == "ansi-dark"
        colours = {
            colour
            for part in graph(app).render_line(2)
            if part.style
            for colour in (part.style.color, part.style.bgcolor)
            if colour is not None
        }
        assert colours
        assert all(colour.number is not None and colour.number < 16 for colour in colours)

    drive(body, sixteen=True)


def test_nothing_of_a_capture_is_read_as_markup_or_as_an_order_to_the_terminal():
    evil = [Frame(EVIL, f"/var/task/{EVIL}.py", 3), *FRAMES]
    hostile = profile_of(
        [
            (EVIL, "nanoseconds", True, [([0], 50 * MS), ([0, LOOKUP], 50 * MS)]),
            (EVIL, "bytes", False, [([0], 1)]),
        ],
        title=EVIL,
        frames=evil,
        facts={EVIL: EVIL},
    )

    async def body(app, pilot):
        harmless = "[red]x[/red] \\x1b]0;owned\\x07"
        assert harmless in said(app, "#title")
        assert harmless in rows(app)[1]
        await pilot.press("down")
        assert harmless in said(app, "#detail")
        for keys in (["s"], ["b"], ["a"], ["escape", "l"], ["escape", "i"], ["slash", *"[red]", "enter"]):
            await pilot.press(*keys)
            await pilot.pause()
            shown = app.export_screenshot()
            text = "".join(part.text for strip in app.screen._compositor.render_strips() for part in strip)
            assert "owned" in text
            assert not [char for char in text if not char.isprintable()]
            assert "\x1b" not in shown
        await pilot.press("home", "down", "c")
        assert "\x1b" not in app.clipboard

    drive(body, hostile)


def test_wide_and_combining_characters_keep_the_columns():
    frames = [Frame("価格計算の関数", "app.py", 1), Frame("e\u0301te\u0301", "app.py", 2)]
    profile = profile_of([("MainThread", "nanoseconds", True, [([0], 1), ([1], 99)])], frames=frames)

    async def body(app, pilot):
        for y in range(3):
            strip = graph(app).render_line(y)
            assert sum(part.cell_length for part in strip) == graph(app).size.width

    for width in (20, 37, 100):
        drive(body, profile, size=(width, 12))


@pytest.mark.parametrize("width", [1, 2, 3, 5, 9])
def test_a_label_has_its_width(width):
    assert Segment(fitted("価格 of things", width)).cell_length == width


def test_a_lane_in_which_nothing_ran():
    empty = profile_of([("T", "nanoseconds", True, [])])

    async def body(app, pilot):
        for keys in ("down", "enter", "plus", "m", "i", "s", "b", "o", "enter", "t", "n", "f", "c", "escape"):
            await pilot.press(keys)
        assert "T · 0 ns" in said(app, "#lane")

    drive(body, empty)


def test_a_small_terminal():
    async def body(app, pilot):
        await pilot.press("down", "down", "down", "m", "s", "b", "question_mark")
        await pilot.resize_terminal(100, 30)
        await pilot.press("escape", "t")
        assert "▏20 ms" in axis(app)

    drive(body, size=(20, 6))


def test_a_deep_stack_scrolls_with_the_cursor():
    deep = profile_of([("MainThread", "nanoseconds", True, [([LOOKUP] * 200, 5 * MS)])])

    async def body(app, pilot):
        await pilot.press(*["down"] * 100)
        assert graph(app).scroll_y >= 100 - graph(app).size.height
        assert graph(app).boxes.depth[graph(app).focused] == 100

    drive(body, deep)


def test_many_stacks_are_laid_out_beside_the_loop():
    many = profile_of(
        [("MainThread", "nanoseconds", True, [([n % 6, n // 6 % 6, n // 36 % 6], MS) for n in range(40_000)])]
    )

    async def body(app, pilot):
        await pilot.press("i")
        await pilot.pause()
        assert app.history.current.view == "inverted"
        assert graph(app).boxes.total[0] == 40_000 * MS

    drive(body, many)
