"""The small parts of the view in a terminal: search, axis, history, colours, keys."""

import pytest

from profiler.capture import Frame
from viewer.tui.history import History
from viewer.tui.inks import Inks
from viewer.tui.keys import KEYS, bindings
from viewer.tui.palette import hue_places, module_colours, sixteen_colours
from viewer.tui.pieces import Window
from viewer.tui.ruler import ruler, tick_step
from viewer.tui.search import BadPattern, match_frames

FRAMES = [
    Frame("handler", "/var/task/app.py", 12),
    Frame("Client.get", "/opt/python/botocore/client.py", 5),
    Frame("loads", "/var/lang/lib/python3.12/json/__init__.py", 299),
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("HANDLER", [True, False, False]),
        ("client.py", [False, True, False]),
        ("botocore", [False, True, False]),
        ("module:json", [False, False, True]),
        ("module:", [False, False, False]),
        ('"loads"', [False, False, True]),
        ('"load"', [False, False, False]),
        ("/^(loads|handler)$/", [True, False, True]),
        ("/^client", [False, True, False]),
        (r"/\.get$", [False, True, False]),
        ("/", [False, True, True]),
    ],
)
def test_search(query, expected):
    assert match_frames(FRAMES, query) == expected


def test_no_search_is_not_a_search_for_nothing():
    assert match_frames(FRAMES, "") is None


def test_a_wrong_expression_says_so():
    with pytest.raises(BadPattern, match="unterminated"):
        match_frames(FRAMES, "/(a/")


def test_the_axis_counts_in_round_steps():
    assert ruler(Window(0, 100e6), 70).split("▏")[1:] == [
        "0" + " " * 12,
        *[f"{n} ms" + " " * 8 for n in (20, 40, 60)],
        "80 ms" + " " * 8,
    ]
    assert "▏1.25 s" in ruler(Window(1.2e9, 1.3e9), 40)
    assert len(ruler(Window(0, 1), 5)) == 5


@pytest.mark.parametrize(("span", "count", "step"), [(100, 5, 20), (100, 10, 10), (99, 4, 50), (3, 30, 0.1)])
def test_steps_are_one_two_or_five(span, count, step):
    assert tick_step(span, count) == pytest.approx(step)


def test_history_forgets_what_was_ahead():
    history = History("a")
    assert not history.back()
    history.visit("b")
    history.visit("b")
    history.visit("c")
    assert history.back()
    assert history.current == "b"
    assert history.forward()
    assert history.current == "c"
    assert not history.forward()
    history.back()
    history.replace("b2")
    history.visit("d")
    assert history.back()
    assert history.current == "b2"
    assert history.back()
    assert history.current == "a"


def test_modules_of_one_page_get_colours_of_their_own():
    modules = [("own", name) for name in ("app", "prices", "orders", "tree", "main")]
    assert sorted(hue_places(modules)) == [0, 1, 2, 3, 4]
    assert len({colours.fills for colours in module_colours(modules, dark=True)}) == 5


def test_sixteen_colours_are_the_terminals_own():
    modules = [("own", "app"), ("package", "boto3"), ("stdlib", "json"), ("native", "native")]
    for dark in (True, False):
        colours = sixteen_colours(modules, dark=dark)
        assert len({each.fills[0] for each in colours}) == 4
        assert not [each for each in colours if "#" in "".join(each.fills) + each.text + each.faded]


@pytest.mark.parametrize("sixteen", [True, False])
@pytest.mark.parametrize("dark", [True, False])
def test_every_state_of_a_box_looks_different(dark, sixteen):
    inks = Inks(FRAMES, dark=dark, sixteen=sixteen)
    states = [
        inks.box(0, False, False, False, False),
        inks.box(0, True, False, False, False),
        inks.box(0, False, True, False, False),
        inks.box(0, False, False, True, False),
        inks.box(0, False, False, False, True),
        inks.box(-1, False, False, False, False),
    ]
    assert len(set(states)) == len(states)


def test_a_key_has_one_meaning():
    names = [name for key in KEYS for name in key.names.split(",") if name]
    assert len(names) == len(set(names))
    assert len(bindings()) == len([key for key in KEYS if key.action])
