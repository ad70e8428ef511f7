import io
import itertools
import json
import re

import pytest

from profiler.capture import ProcessMemory
from tests.unit.leaks.builders import MEGABYTE, capture, container, of_entries
from tests.unit.viewer.builders import fill
from viewer.cli import main
from viewer.leaks.reports import words
from viewer.leaks.reports.terminal import sparkline


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILER_STORE", raising=False)
    return tmp_path / "profiles"


def leaking(count=40, path="app.PRICES"):
    return [
        capture(
            n,
            [container(5 * n, path, bytes=2350 * n, filled_at=(1,)), container(128, "app.SMALL", bound=128)],
            process=ProcessMemory(rss_bytes=100 * MEGABYTE + 2350 * n, blocks=90_000),
        )
        for n in range(1, count + 1)
    ]


def test_a_leak_is_one_sentence_and_exit_code_1(store, capsys):
    fill(store, leaking())
    assert main(["leaks"]) == 1
    out = capsys.readouterr().out
    assert (
        "app.PRICES grows by 5.0 entries (2.29 KB) per invocation, "
        "more than 99.9 % sure after 39 warm invocations" in out
    )
    assert "written to at app.py:7 in lookup" in out
    assert "the 256 MB limit is reached after about 70,000 more invocations" in out
    assert "it has no bound: give it one." in out
    assert "▁" in out
    assert "bounded  app.SMALL" in out
    assert "1 leak in 39 warm invocations in 1 environment" in out
    assert "100" not in out.partition("% sure")[0]


def test_no_leak_is_exit_code_0(store, capsys):
    fill(store, of_entries([7] * 40))
    assert main(["leaks", "app"]) == 0
    assert "No leak in 40 warm invocations" in capsys.readouterr().out


def test_too_few_says_how_many_more(store, capsys):
    fill(store, leaking(12))
    assert main(["leaks"]) == 0
    assert (
        "only 11 warm invocations so far, 20 are needed; look again after 9 more" in capsys.readouterr().out
    )


def test_nothing_to_judge_says_why(store, capsys):
    fill(store, [capture(n, memory={"mode": "off"}) for n in (1, 2)])
    assert main(["leaks"]) == 0
    assert "PROFILER_MEMORY is off" in capsys.readouterr().out


def test_a_broken_capture_is_named_and_a_leak_outweighs_it(store, capsys):
    fill(store, leaking())[-1].write_bytes(b"broken")
    assert main(["leaks"]) == 1
    assert "skipped" in capsys.readouterr().err
    clean = store.parent / "clean"
    fill(clean, of_entries([7] * 40))[-1].write_bytes(b"broken")
    assert main(["leaks", "--store", str(clean)]) == 2


def test_an_empty_store_is_exit_code_2(store, capsys):
    assert main(["leaks", "app"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_json(store, capsys):
    fill(store, leaking())
    assert main(["leaks", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["findings"][0]["subject"] == "app.PRICES"
    assert {other["verdict"] for other in report["others"]} >= {"bounded"}
    assert report["environments"] == [
        {"function": "app", "environment": "env-a", "warm": 39, "ran": 39, "skipped": 0, "notes": []}
    ]


def test_all_lists_what_is_stable(store, capsys):
    fill(store, of_entries([7] * 40))
    main(["leaks"])
    assert "app.CACHE" not in capsys.readouterr().out
    main(["leaks", "--all"])
    assert "always 7 entries" in capsys.readouterr().out


def test_names_cannot_move_the_cursor(store, capsys):
    fill(store, leaking(path="app.\x1b[2JX"))
    assert main(["leaks"]) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_sparkline():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([5, 5]) == "▁▁"
    assert sparkline([]) == ""


def test_what_is_odd_is_said(store, capsys):
    shared = [
        capture(n, [container(7)], of={"request_id": f"{who}{n}", "started_at_ns": 10 * n + offset})
        for who, offset, count in (("a", 0, 30), ("b", 5, 40))
        for n in range(1, count + 1)
    ]
    fill(store, shared)
    assert main(["leaks"]) == 0
    assert "environment env-a: 2 environments share this id" in capsys.readouterr().err


LONG = "app.services.catalog.PRICES_BY_SKU_AND_COUNTRY"


class Screen(io.StringIO):
    """A terminal of 80 columns."""

    encoding = "utf-8"

    def isatty(self):
        return True

    @property
    def lines(self):
        return re.sub(r"\x1b\[[\d;]*m", "", self.getvalue()).splitlines()


def on_screen(monkeypatch):
    """Return what `viewer leaks` shows there, called in the store's parent."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    assert main(["leaks"]) == 1
    return screen


def test_on_a_terminal_of_80_columns_everything_fits_and_sentences_are_whole(store, monkeypatch):
    fill(store, leaking(path=LONG))
    screen = on_screen(monkeypatch)
    assert "\x1b[1;31mleak" in screen.getvalue()
    assert max(map(len, screen.lines)) <= 80
    sentence = " ".join(line.strip() for line in itertools.takewhile(str.strip, screen.lines))
    assert sentence.startswith(
        f"leak  {LONG} grows by 5.0 entries (2.29 KB) per invocation, more than 99.9 %"
    )
    assert "it has no bound: give it one." in sentence


def test_the_table_has_the_numbers_of_each_leak(store, monkeypatch):
    fill(store, leaking())
    lines = on_screen(monkeypatch).lines
    start = next(n for n, line in enumerate(lines) if line.startswith("verdict  what grows"))
    titles, numbers, below = (re.split(r"\s{2,}", line) for line in lines[start : start + 3])
    assert titles == ["verdict", "what grows, and where", "per invocation", "sure", "growth", "left"]
    assert numbers == ["leak", "app.PRICES", "5.0 entries", ">99.9 %", "▁▁▂▂▃▄▄▅▆▆▇█", "70,000"]
    assert below[1:] == ["app.py:7 in lookup", "5.0 to 5.0", "after 39", "10 to 200", "19 h"]


def test_in_a_pipe_a_sentence_is_one_line_without_colour(store, capsys):
    fill(store, leaking(path=LONG))
    assert main(["leaks"]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines()[0].endswith("it has no bound: give it one.")
    [row] = [line for line in out.splitlines() if "▁" in line]
    assert row.startswith(f"leak     {LONG}")


def test_amounts_in_words():
    assert words.span("870 KB", "879 KB") == "870 to 879 KB"
    assert words.span("0 B", "1.00 KB") == "0 B to 1.00 KB"
    assert words.span("10", "200") == "10 to 200"


def test_the_page_is_opened_when_asked(store, tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    fill(store, of_entries([7] * 40))
    assert main(["leaks", "--html", "report.html", "--open"]) == 0
    assert opened == [(tmp_path / "report.html").as_uri()]
    assert main(["leaks", "--open"]) == 2
    assert "--html FILE" in capsys.readouterr().err
