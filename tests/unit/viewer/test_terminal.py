"""Tables, notes and progress, with and without a terminal."""

import io

import pytest

from viewer import units
from viewer.cli import terminal
from viewer.cli.terminal import Column


class FakeTerminal(io.StringIO):
    def isatty(self):
        return True


def text(lines):
    return ["".join(part for part, _ in line) for line in lines]


COLUMNS = (Column("name", elastic=True), Column("size", right=True))


def test_columns_are_aligned():
    lines = text(terminal.table(COLUMNS, [["a", "1"], ["longer", "1,000"]], width=80))
    assert lines == ["name     size", "a           1", "longer  1,000"]


def test_a_narrow_terminal_cuts_the_elastic_column_only():
    lines = text(terminal.table(COLUMNS, [["x" * 50, "12345"]], width=30))
    assert lines[1] == "x" * 22 + "…  12345"
    assert {len(line) for line in lines} == {30}


def test_without_a_terminal_nothing_is_cut():
    assert "x" * 500 in text(terminal.table(COLUMNS, [["x" * 500, "1"]]))[1]


def test_wide_characters_count_twice_and_combining_ones_not_at_all():
    lines = text(terminal.table(COLUMNS, [["価格", "1"], ["e\u0301", "2"]], width=80))
    assert [terminal.cell_width(line) for line in lines] == [10, 10, 10]


def test_a_name_with_markup_or_an_escape_is_only_text(monkeypatch):
    screen = FakeTerminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    terminal.write(terminal.table(COLUMNS, [["[red]x[/red] \x1b]0;title\x07", "1"]]))
    assert "[red]x[/red] \\x1b]0;title\\x07" in screen.getvalue()
    assert "\x1b]0;" not in screen.getvalue()


def test_without_a_terminal_there_are_no_colours(capsys):
    terminal.write([[("loud", "bold red"), ("  ", "")]])
    assert capsys.readouterr().out == "loud\n"


def test_progress_says_nothing_without_a_terminal(capsys):
    assert list(terminal.watched(range(3), "Reading", 3)) == [0, 1, 2]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds_each", "shown"), [(0.1, False), (0.6, True)])
def test_progress_appears_after_a_second(monkeypatch, seconds_each, shown):
    screen = FakeTerminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    moments = iter(number * seconds_each for number in range(100))
    monkeypatch.setattr(terminal, "monotonic_s", lambda: next(moments))
    assert list(terminal.watched(range(4), "Reading", 4)) == [0, 1, 2, 3]
    assert ("Reading" in screen.getvalue()) == shown


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (85_000, "85.0 µs"),
        (412_345_678, "412 ms"),
        (1_240_000_000, "1.24 s"),
        (999_999_999, "1.00 s"),
        (900 * 10**9, "900 s"),
    ],
)
def test_durations(nanoseconds, expected):
    assert units.duration(nanoseconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1000, "1,000 B"),
        (1024, "1.00 KB"),
        (10_342, "10.1 KB"),
        (3 * 2**30, "3.00 GB"),
        (2**50, "1,024 TB"),
    ],
)
def test_sizes(count, expected):
    assert units.size(count) == expected
    assert units.signed_size(-count) == (f"-{expected}" if count else f"+{expected}")


def test_a_moment_out_of_all_bounds_is_still_text():
    assert units.moment(10**30).endswith("after 1970")
    assert units.moment(0) == "1970-01-01 00:00:00.000Z"
