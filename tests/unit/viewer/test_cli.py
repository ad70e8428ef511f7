"""The commands, as they are called: output, files and exit codes."""

import gzip
import json
import os
import subprocess
import sys

import pytest

from profiler.codec import encode
from tests.unit.viewer.builders import HANDLER, capture, fill, memory, thread
from tests.unit.viewer.samples import SAMPLES
from viewer.cli import COMMANDS, load, main
from viewer.cli.export import FORMATS


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Three captures of checkout in the default store; the current folder is its parent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILER_STORE", raising=False)
    fill(tmp_path / "profiles", [capture(n, memory=memory()) for n in (1, 2, 3)])
    return tmp_path / "profiles"


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.speedscope.json"
    profile = {"type": "sampled", "name": "main", "unit": "seconds", "samples": [[0]], "weights": [1.5]}
    path.write_text(json.dumps({"shared": {"frames": [{"name": "work"}]}, "profiles": [profile]}))
    return path


def test_every_command_explains_itself(capsys):
    for name in COMMANDS:
        assert "\n" not in load(name).HELP
        assert main([name, "--help"]) == 0
        assert "--store" in capsys.readouterr().out


def test_the_overview_names_every_command(capsys):
    assert main(["--help"]) == 0
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in COMMANDS)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("invocation-profiler ")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["ls", "--nonsense"], ["export"], ["ls", "--since", "x"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err


def test_only_the_chosen_command_is_imported():
    code = (
        "import sys, viewer.cli\n"
        "viewer.cli.main(['ls', '--store', '/nowhere'])\n"
        "print(sorted(m for m in sys.modules if m.startswith(('viewer.', 'rich', 'boto'))))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = eval(found)
    assert "viewer.cli.ls" in loaded
    forbidden = {f"viewer.cli.{name}" for name in COMMANDS if name != "ls"} | {"viewer.load", "rich", "boto3"}
    assert not forbidden & set(loaded)


def test_errors_are_one_line_and_exit_code_2(store, capsys):
    for arguments in (["ls", "other"], ["top", "--store", "missing"], ["show", "missing.json"]):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("viewer: ")
        assert error.count("\n") == 1


# ---- ls and show --------------------------------------------------------------------------------


def test_ls_is_a_table_newest_first(store, capsys):
    assert main(["ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["function", "started"]
    assert [line.split()[-3] for line in lines[1:]] == ["request-3", "request-2", "request-1"]
    assert [line.split()[6] for line in lines[1:]] == ["warm", "warm", "cold"]


def test_ls_opens_nothing(store, capsys):
    for path in store.rglob("*.gz"):
        path.write_bytes(b"not even gzip")
    assert main(["ls"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_ls_as_json_gives_paths_that_other_commands_take(store, capsys):
    assert main(["ls", "--json", "--last", "1"]) == 0
    [record] = json.loads(capsys.readouterr().out)
    assert (record["function"], record["sequence"], record["cold"]) == ("checkout", 3, False)
    assert main(["show", f"profiles/{record['path']}"]) == 0
    assert "request-3" in capsys.readouterr().out


def test_show_tells_facts_memory_and_notes(store, capsys):
    fill(store, [capture(4, memory=memory(), notes=("tracemalloc was already tracing",))])
    assert main(["show"]) == 0
    out, err = capsys.readouterr()
    for expected in ("request-4", "app.PRICES", "no bound", "app.py:30 in price", "already tracing"):
        assert expected in out
    assert "the newest capture, started 2026" in err


def test_show_as_json_writes_frames_out(store, capsys):
    assert main(["show", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["memory"]["census"][0]["filled_at"][0]["name"] == "price"
    assert record["threads"] == [{"name": "MainThread", "watched_ns": 400_000_000}]
    assert "frames" not in record


# ---- top ----------------------------------------------------------------------------------------


def test_top_tables_self_and_total(store, capsys):
    assert main(["top"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[4:]]
    assert rows[0] == ["price", "250", "ms", "62.5%", "300", "ms", "75.0%", "app.py:30"]
    assert [row[0] for row in rows] == ["price", "handler", "parse"]


def test_top_adds_up_what_selectors_choose(store, capsys):
    assert main(["top", "--json", "--last", "3"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["total"] == 3 * 400_000_000
    assert record["functions"][0]["self"] == 3 * 250_000_000


def test_top_of_another_thread_of_all_and_of_memory(store, capsys):
    fill(
        store,
        [capture(9, threads=(thread(((0,), 10)), thread(((1,), 30), name="worker_1")), memory=memory())],
    )
    for arguments, total in (
        ([], 10_000_000),
        (["--thread", "worker"], 30_000_000),
        (["--all-threads"], 40_000_000),
        (["--thread", "memory retained"], 1000),
    ):
        assert main(["top", "--json", *arguments]) == 0
        assert json.loads(capsys.readouterr().out)["total"] == total
    assert main(["top", "--thread", "nobody"]) == 2
    assert "there is MainThread, worker_1, memory" in capsys.readouterr().err


def test_top_as_a_tree(store, capsys):
    assert main(["top", "--tree"]) == 0
    assert "└─ price  app.py:30" in capsys.readouterr().out


def test_top_limits_and_says_so(store, capsys):
    assert main(["top", "--limit", "1"]) == 0
    assert "and 2 more" in capsys.readouterr().out


def test_a_capture_without_samples_says_why(store, capsys):
    fill(store, [capture(9, threads=())])
    assert main(["top"]) == 2
    assert "PROFILER_CPU=off" in capsys.readouterr().err


def test_a_lane_without_weight_is_an_empty_table(store, capsys):
    fill(store, [capture(9, threads=(thread(),))])
    assert main(["top"]) == 0
    assert main(["top", "--tree"]) == 0


# ---- export and flamegraph ----------------------------------------------------------------------


def test_export_to_stdout_and_to_a_file(store, tmp_path, capsys):
    assert main(["export", "--to", "collapsed"]) == 0
    assert "handler (/var/task/app.py:12) 100000000\n" in capsys.readouterr().out
    target = tmp_path / "out.json.gz"
    assert main(["export", "--to", "speedscope", "-o", str(target)]) == 0
    assert json.loads(gzip.decompress(target.read_bytes()))["profiles"][0]["unit"] == "nanoseconds"
    assert main(["top", "--json", str(target)]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 400_000_000


def test_nothing_is_overwritten_without_force(store, tmp_path, capsys):
    target = tmp_path / "out.txt"
    target.write_text("precious")
    command = ["export", "--to", "collapsed", "-o", str(target)]
    assert main(command) == 2
    assert target.read_text() == "precious"
    assert "--force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0
    assert target.read_text() != "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.txt", "profiles"]


def test_a_file_that_cannot_be_written_is_one_line(store, tmp_path, capsys):
    assert main(["export", "--to", "collapsed", "-o", str(tmp_path / "no" / "out.txt")]) == 2
    assert f"{tmp_path / 'no'}: no such folder" in capsys.readouterr().err
    assert main(["export", "--to", "collapsed", "-o", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_a_pipe_is_written_to_and_not_replaced(store, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert main(["export", "--to", "collapsed", "-o", str(pipe), "--force"]) == 0
        assert reader.communicate()[0].startswith("handler")
    assert pipe.is_fifo()


def test_writing_through_a_link_keeps_the_link(store, tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    assert main(["export", "--to", "collapsed", "-o", str(link)]) == 0
    assert link.is_symlink()
    assert target.read_text().startswith("handler")


def test_plain_files_are_taken_alone_and_together(store, plain, capsys):
    assert main(["top", "--json", str(plain)]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 1_500_000_000
    path = next(iter(store.rglob("*.gz")))
    assert main(["top", "--json", "--all-threads", str(plain), str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 1_900_000_000
    assert main(["show", str(plain)]) == 2


@pytest.mark.parametrize("to", sorted(set(FORMATS) - {"png"}))
def test_every_format_goes_to_a_file_and_to_stdout(store, tmp_path, to, capfdbinary):
    target = tmp_path / "out"
    assert main(["export", "--to", to, "-o", str(target)]) == 0
    assert main(["export", "--to", to]) == 0
    assert capfdbinary.readouterr().out == target.read_bytes()


def test_only_what_is_asked_for_is_exported(store, tmp_path, capsys):
    target = tmp_path / "out.json"
    assert main(["export", "--to", "speedscope", "--thread", "memory", "-o", str(target)]) == 0
    assert {profile["unit"] for profile in json.loads(target.read_text())["profiles"]} == {"bytes"}
    assert main(["export", "--to", "speedscope", "--thread", "nobody"]) == 2
    assert "no thread 'nobody'; there is MainThread, memory" in capsys.readouterr().err


def test_what_a_format_has_no_place_for_is_said(store, capsys):
    assert main(["export", "--to", "chrome"]) == 0
    assert "left out, because chrome has no place for it: memory retained" in capsys.readouterr().err
    assert main(["export", "--to", "firefox"]) == 0
    assert "left out" not in capsys.readouterr().err


def test_what_is_merged_has_no_order_to_draw(store, capsys):
    assert main(["export", "--to", "svg", "--view", "order"]) == 0
    assert "in time order" in capsys.readouterr().out
    assert main(["export", "--to", "svg", "--view", "order", "--last", "2"]) == 2
    assert "--view order needs one capture" in capsys.readouterr().err


def test_nothing_binary_goes_to_a_screen(store, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["export", "--to", "pprof"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "pprof is binary and not for a screen: give -o FILE" in err


@pytest.mark.parametrize("name", SAMPLES)
def test_profiles_made_elsewhere_are_taken_under_any_name(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "anything").write_bytes(SAMPLES[name]())
    assert main(["top", "--json", "anything"]) == 0
    assert json.loads(capsys.readouterr().out)["functions"]
    assert main(["top", "--tree", "./anything"]) == 0
    assert main(["flamegraph", "anything", "-o", "page.html"]) == 0
    assert main(["export", "anything", "--to", "pprof", "-o", "out.pb.gz"]) == 0
    capsys.readouterr()
    assert main(["top", "--json", "out.pb.gz", "anything"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "2 files merged"


def test_what_needs_a_capture_says_that_a_profile_is_none(tmp_path, capsys):
    path = tmp_path / "x.folded"
    path.write_bytes(SAMPLES["collapsed"]())
    for command in ("show", "leaks", "pull"):
        assert main([command, str(path)]) == 2
        assert f"{path} is a profile of another tool" in capsys.readouterr().err


def test_a_merge_of_call_graphs_keeps_its_counts(tmp_path, capsys):
    path = tmp_path / "x.json"
    path.write_bytes(SAMPLES["pstats"]())
    other = tmp_path / "y.json"
    other.write_bytes(path.read_bytes())
    calls = []
    for files in ([path], [path, other]):
        assert main(["top", "--json", *map(str, files)]) == 0
        functions = json.loads(capsys.readouterr().out)["functions"]
        calls.append(next(entry["calls"] for entry in functions if entry["name"] == "fibonacci"))
    assert calls[1] == 2 * calls[0] > 0


def test_flamegraph_writes_a_page_under_a_telling_name(store, tmp_path, capsys):
    assert main(["flamegraph"]) == 0
    page = tmp_path / "flamegraph-checkout-20260102T030408-3.html"
    out, err = capsys.readouterr()
    assert out == f"{page.name}\n"
    assert "1 capture in time order" in err
    assert page.read_text().lstrip().lower().startswith("<!doctype html>")
    assert main(["flamegraph"]) == 2
    assert main(["flamegraph", "--force"]) == 0
    assert main(["flamegraph", "--last", "2", "-o", "two.html"]) == 0
    assert "2 captures merged" in capsys.readouterr().err


def test_flamegraph_opens_the_browser_when_asked(store, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["flamegraph", "-o", "a b.html", "--open"]) == 0
    assert opened == [(tmp_path / "a b.html").as_uri()]


def test_flamegraph_in_a_terminal_needs_one_and_writes_nothing(store, tmp_path, capsys):
    assert main(["flamegraph", "--terminal"]) == 2
    assert "viewer top --tree" in capsys.readouterr().err
    assert main(["flamegraph", "--terminal", "-o", "page.html"]) == 2
    assert "without -o" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["profiles"]


@pytest.mark.parametrize(("module", "extra"), [("textual", "terminal"), ("textual.app", "terminal")])
def test_flamegraph_in_a_terminal_names_the_extra_that_is_missing(store, monkeypatch, module, extra, capsys):
    for name in [name for name in sys.modules if name.startswith("viewer.tui")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("viewer.cli.flamegraph.refuse_without_terminal", lambda: None)
    assert main(["flamegraph", "--terminal"]) == 2
    assert f"invocation-profiler[{extra}]" in capsys.readouterr().err


def test_a_functions_name_cannot_lead_a_page_elsewhere(store, tmp_path, capsys):
    fill(store, [capture(9, of={"function_name": "../../evil name"})])
    assert (
        main(
            [
                "flamegraph",
                "--store",
                "profiles",
                "--last",
                "1",
                "--request-id",
                "request-9",
                "../../evil name",
            ]
        )
        == 2
    )
    path = next(path for path in store.rglob("*.gz") if "evil" in str(path))
    assert main(["flamegraph", str(path)]) == 0
    assert (tmp_path / "flamegraph-.._.._evil_name-20260102T030414-9.html").exists()


# ---- pull ---------------------------------------------------------------------------------------


def test_pull_makes_a_store(store, tmp_path, capsys):
    assert main(["pull", "--last", "2", "-o", "copy"]) == 0
    assert "2 captures" in capsys.readouterr().err
    assert main(["ls", "--store", "copy"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_pull_fetches_only_what_is_missing(store, capsys):
    assert main(["pull", "--last", "2", "-o", "copy"]) == 0
    assert main(["pull", "-o", "copy"]) == 0
    assert "1 capture (" in (error := capsys.readouterr().err)
    assert "2 already there" in error


def test_pull_refuses_to_overwrite_what_differs(store, tmp_path, capsys):
    assert main(["pull", "-o", "copy"]) == 0
    victim = next((tmp_path / "copy").rglob("*.gz"))
    victim.write_bytes(b"mine")
    assert main(["pull", "-o", "copy"]) == 2
    assert victim.read_bytes() == b"mine"
    assert main(["pull", "-o", "copy", "--force"]) == 0
    assert victim.read_bytes() != b"mine"


def test_pull_stays_in_its_folder(store, tmp_path):
    evil = {"function_name": "..", "environment_id": "../../..", "request_id": "../../../x"}
    [path] = fill(store, [capture(9, of=evil)])
    assert main(["pull", str(path), "-o", "copy"]) == 0
    assert len(list((tmp_path / "copy").rglob("*.gz"))) == 1


# ---- broken captures ----------------------------------------------------------------------------


@pytest.fixture
def broken_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = fill(tmp_path / "profiles", [capture(n) for n in range(1, 101)])
    paths[10].write_bytes(paths[10].read_bytes()[:-30])
    return tmp_path / "profiles"


@pytest.mark.parametrize(
    "command",
    [["top", "--json"], ["export", "--to", "collapsed"], ["flamegraph", "-o", "page.html"]],
)
def test_one_broken_among_a_hundred_is_named_and_the_answer_given(broken_store, command, capsys):
    assert main([*command, "--last", "100"]) == 2
    out, err = capsys.readouterr()
    assert "skipped function=checkout" in err
    assert "00000011-" in err
    assert out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (encode(capture(1))[:-30], "truncated gzip"),
        (b"\x1f\x8b\x07" + bytes(30), "damaged gzip"),
        (b"<html>", "not JSON"),
        (gzip.compress(b'{"profiles": []}', mtime=0), "no 'capture' key"),
    ],
)
def test_the_only_capture_being_broken_is_one_line(tmp_path, monkeypatch, content, message, capsys):
    monkeypatch.chdir(tmp_path)
    [path] = fill(tmp_path / "profiles", [capture(1)])
    path.write_bytes(content)
    for command in (["show"], ["top"], ["flamegraph"], ["export", "--to", "collapsed"]):
        assert main([*command, "checkout"]) == 2
        *notes, error = capsys.readouterr().err.splitlines()
        assert message in error
        assert all(note.startswith("viewer: the newest capture") for note in notes)


def test_a_newer_schema_asks_for_an_upgrade(tmp_path, capsys):
    document = json.loads(gzip.decompress(encode(capture(1))))
    document["capture"]["schema_version"] = 99
    path = tmp_path / "new.json"
    path.write_text(json.dumps(document))
    assert main(["show", str(path)]) == 2
    assert "schema_version 99" in (error := capsys.readouterr().err)
    assert "upgrade" in error


def test_all_broken_is_an_error(broken_store, capsys):
    for path in broken_store.rglob("*.gz"):
        path.write_bytes(b"")
    assert main(["top", "--last", "2"]) == 2
    assert "none of the 2 captures" in capsys.readouterr().err


# ---- the end of it ------------------------------------------------------------------------------


def test_ctrl_c_is_silent(store, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("viewer.cli.selection.select", interrupted)
    assert main(["ls"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_closed_pipe_is_silent(store):
    fill(store, [capture(n) for n in range(10, 3000)])
    command = f"{sys.executable} -m viewer ls --store {store} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("function")
    assert done.stderr == ""


@pytest.mark.parametrize("module", ["rich", "boto3"])
def test_a_missing_package_is_named_with_how_to_install_it(store, monkeypatch, module, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    if module == "rich":
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        assert main(["ls"]) == 2
    else:
        monkeypatch.setitem(sys.modules, "botocore.exceptions", None)
        assert main(["ls", "--store", "s3://bucket"]) == 2
    assert "pip install 'invocation-profiler[viewer]'" in capsys.readouterr().err


def test_a_terminal_that_cannot_show_an_arrow_gets_an_escape(store):
    command = [sys.executable, "-m", "viewer", "top", "--tree", "--store", str(store)]
    environment = {"PYTHONIOENCODING": "ascii", "PATH": ""}
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert b"\\u2514" in done.stdout


def test_a_frames_name_is_escaped_in_every_answer(store, capsys):
    evil = HANDLER.__class__("\x1b[31mevil", "a\x07.py", 1)
    fill(store, [capture(9, frames=(evil,), threads=(thread(((0,), 5)),), notes=("\x1b[2J",))])
    for command in (["top"], ["top", "--tree"], ["show"]):
        assert main(command) == 0
        assert "\x1b" not in capsys.readouterr().out
