"""Init phases beside invocations: chosen by `--init`, and never taken for one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from profiler.capture import CallEdge, Frame
from profiler.codec import decode, encode
from profiler.keys import CaptureKey
from tests.unit.viewer.builders import MILLISECOND, capture, fill, thread
from viewer.cli import main
from viewer.leaks import judge
from viewer.load import merge, profile_of

APP, JSON = Frame("app", "/var/task/app.py", 0), Frame("json", "/usr/lib/python3.11/json/__init__.py", 0)
WORK = Frame("work", "/var/task/app.py", 7)


def init(environment="env-a", scale=1):
    """Return an init phase: `app` imports `json`, and runs `work` itself."""
    threads = (
        thread(((0,), 10 * scale), ((0, 1), 30 * scale), ((0,), 60 * scale), name="imports"),
        thread(((2,), 100 * scale)),
    )
    # Longer than any invocation, so that who takes it for one finds it the slowest.
    of = {"environment_id": environment, "request_id": "", "duration_ns": 900 * MILLISECOND}
    return capture(0, of=of, frames=(APP, JSON, WORK), threads=threads, trigger="init")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Two environments of checkout: an init phase and three invocations each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILER_STORE", raising=False)
    for environment in ("env-a", "env-b"):
        fill(Path("profiles"), (capture(n, of={"environment_id": environment}) for n in (1, 2, 3)))
        fill(Path("profiles"), [init(environment)])
    return tmp_path / "profiles"


def listed(capsys, *words):
    assert main(["ls", "--json", *words]) == 0
    return [(record["sequence"], record["init"]) for record in json.loads(capsys.readouterr().out)]


def test_it_is_known_by_its_name_and_in_the_file():
    one = init()
    assert decode(encode(one)) == one
    key = CaptureKey.parse(str(CaptureKey.of(one)))
    assert key == CaptureKey.of(one)
    assert (key.is_init, key.cold, one.invocation.is_init) == (True, False, True)
    assert not CaptureKey.of(capture(1)).is_init


def test_ls_shows_both_kinds_and_says_which(store, capsys):
    assert sorted(listed(capsys)) == [(0, True)] * 2 + [(n, False) for n in (1, 1, 2, 2, 3, 3)]
    assert main(["ls"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert sorted(row[6] for row in rows) == ["cold"] * 2 + ["init"] * 2 + ["warm"] * 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--cold"], [1, 1]),
        (["--warm"], [2, 2, 3, 3]),
        (["--slowest"], [3]),
        (["--init"], [0, 0]),
        (["--init", "--slowest"], [0]),
        (["--init", "--environment", "env-b"], [0]),
        (["--request-id", "request-2"], [2, 2]),
    ],
)
def test_selectors_of_ls(store, capsys, words, expected):
    assert sorted(sequence for sequence, _ in listed(capsys, *words)) == expected


def test_the_other_commands_take_no_init_for_an_invocation(store, capsys):
    assert main(["show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["invocation"]["sequence"] == 3
    assert main(["top", "--json", "--since", "2020-01-01"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert "6 captures merged" in record["title"]
    assert "app" not in {row["name"] for row in record["functions"]}


def test_top_tables_modules_by_self_and_total(store, capsys):
    assert main(["top", "--init"]) == 0
    out = capsys.readouterr().out
    heading, *rows = [line.split() for line in out.splitlines()[3:]]
    assert heading[0] == "module"
    assert rows == [
        ["app", "140", "ms", "70.0%", "200", "ms", "100.0%", "app.py"],
        ["json", "60.0", "ms", "30.0%", "60.0", "ms", "30.0%", "json/__init__.py"],
    ]
    assert main(["top", "--init", "--thread", "MainThread", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["functions"]] == ["work"]
    assert main(["top", "--init", "--tree"]) == 0
    assert "└─ json" in capsys.readouterr().out


def test_a_flame_graph_of_all_init_phases(store, tmp_path, capsys):
    assert main(["flamegraph", "checkout", "--init", "-o", "init.html"]) == 0
    assert "2 captures merged" in capsys.readouterr().err
    assert "imports" in (tmp_path / "init.html").read_text()


def test_an_init_named_by_its_path_needs_no_selector(store, capsys):
    [path] = [path for path in store.rglob("00000000-*.gz") if "env-a" in str(path)]
    assert main(["show", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["invocation"]["sequence"] == 0
    assert main(["show", f"profiles/{path.relative_to(store)}"]) == 0
    shown = capsys.readouterr().out
    assert "none: the import of the function's module" in shown
    assert "Request" not in shown


def test_pull_takes_both_kinds(store, capsys):
    assert main(["pull", "-o", "copy"]) == 0
    assert len(list(Path("copy").rglob("*.gz"))) == 8


def test_where_there_are_init_phases_only_it_says_how_to_choose_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "profiles", [init()])
    assert main(["top", "checkout"]) == 2
    assert "--init chooses init phases" in capsys.readouterr().err
    assert main(["top", "checkout", "--init"]) == 0


def test_merged_with_an_invocation_the_trees_stay_apart():
    profile = merge([init(), capture(1), init("env-b")])
    assert [(lane.name, lane.total // MILLISECOND) for lane in profile.lanes] == [
        ("imports", 200),
        ("MainThread", 200),
        ("MainThread", 400),
    ]
    assert profile.facts["Cold"] == "1 of 1, and 2 init phases"
    assert "Cold" not in merge([init(), init("env-b")]).facts


def test_the_tree_comes_first_and_is_exact():
    profile = profile_of(init())
    assert profile.title == "checkout · 900 ms · init"
    assert [lane.name for lane in profile.lanes] == ["imports", "MainThread"]
    assert [weight // MILLISECOND for _, weight in profile.lanes[0].runs] == [10, 30, 60]
    assert not profile.approximate
    edges = (CallEdge(None, 2, 1, 5, 5),)
    assert not profile_of(replace(init(), call_graph=edges)).approximate


def test_the_leak_verdict_looks_at_invocations_alone():
    invocations = [capture(n) for n in range(1, 30)]
    assert judge([init(), *invocations]) == judge(invocations)
    assert judge([init()]).environments == ()
