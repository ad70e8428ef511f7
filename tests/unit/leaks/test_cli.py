import json

import pytest

from profiler.capture import ProcessMemory
from tests.unit.leaks.builders import MEGABYTE, capture, container, of_entries
from tests.unit.viewer.builders import fill
from viewer.cli import main
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
        {"function": "app", "environment": "env-a", "warm": 39, "skipped": 0, "notes": []}
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


def test_the_page_is_opened_when_asked(store, tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    fill(store, of_entries([7] * 40))
    assert main(["leaks", "--html", "report.html", "--open"]) == 0
    assert opened == [(tmp_path / "report.html").as_uri()]
    assert main(["leaks", "--open"]) == 2
    assert "--html FILE" in capsys.readouterr().err
