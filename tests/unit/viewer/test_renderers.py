"""Text and collapsed stacks, as a person and as another tool read them."""

from pathlib import Path

import viewer.renderers
from profiler.capture import Frame
from tests.unit.viewer.builders import HANDLER, capture, memory, thread
from viewer.load import profile_of
from viewer.renderers import RENDERERS, renderer


def test_every_registered_renderer_can_be_loaded():
    for name in RENDERERS:
        assert callable(renderer(name))


def test_the_registry_knows_every_renderer_there_is():
    folder = Path(viewer.renderers.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {entry.partition(":")[0].rpartition(".")[2] for entry in RENDERERS.values()} == modules


def test_collapsed_stacks():
    handler, price = "handler (/var/task/app.py:12)", "price (/var/task/app.py:30)"
    assert renderer("collapsed")(profile_of(capture())).splitlines() == [
        f"{handler} 100000000",
        f"{handler};{price} 250000000",
        f"{handler};{price};parse (/var/task/vendor/parser.py:5) 50000000",
    ]


def test_collapsed_stacks_begin_with_the_thread_where_there_are_several():
    profile = profile_of(capture(threads=(thread(((0,), 1)), thread(((0,), 2), name="pool;1"))))
    lines = renderer("collapsed")(profile).splitlines()
    assert [line.partition(";")[0] for line in lines] == ["MainThread", "pool:1"]


def test_collapsed_stacks_leave_out_memory_where_there_is_time():
    assert renderer("collapsed")(profile_of(capture(memory=memory()))).count("\n") == 3


def test_a_separator_in_a_name_does_not_make_a_frame():
    frames = (Frame("a;b\nc", "x;y.py", 3),)
    profile = profile_of(capture(frames=frames, threads=(thread(((0,), 1)),)))
    assert renderer("collapsed")(profile) == "a:b c (x:y.py:3) 1000000\n"


def test_an_empty_profile_is_an_empty_text():
    profile = profile_of(capture(threads=()))
    assert renderer("collapsed")(profile) == ""
    assert renderer("text")(profile) == ""


def test_the_tree_as_text():
    lines = renderer("text")(profile_of(capture())).splitlines()
    assert lines[0] == "MainThread  400 ms"
    assert [line.split("  ")[-2].strip() for line in lines[2:]] == ["handler", "└─ price", "└─ parse"]
    assert lines[2].split() == ["400", "ms", "100.0%", "100", "ms", "handler", "app.py:12"]


def test_what_is_too_small_is_counted_in_one_line():
    rest = tuple(((0, index), 1) for index in (1, 2))
    profile = profile_of(capture(threads=(thread(((0,), 1000), *rest),)))
    assert renderer("text")(profile).splitlines()[-1].split() == [
        "2.00",
        "ms",
        "0.2%",
        "└─",
        "(2",
        "smaller)",
    ]


def test_a_name_cannot_move_the_cursor():
    frames = (Frame("\x1b[2Jevil\u202e", "a.py", 1),)
    text = renderer("text")(profile_of(capture(frames=frames, threads=(thread(((0,), 1)),))))
    assert "\\x1b[2Jevil\\u202e" in text
    assert "\x1b" not in text


def test_a_very_deep_tree_stays_readable():
    profile = profile_of(capture(frames=(HANDLER,), threads=(thread(((0,) * 3000, 1)),)))
    lines = renderer("text")(profile).splitlines()
    assert len(lines) < 210
    assert "smaller" in lines[-1] or "more" in lines[-1]
