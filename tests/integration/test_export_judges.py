"""Exports as the tools that they are made for read them; what is not on this machine is skipped, and said."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.unit.viewer.builders import capture, fill, memory, thread
from viewer.cli import main
from viewer.importers import recognise
from viewer.load import load
from viewer.processors import function_totals
from viewer.renderers import png

GO = shutil.which("go")
CALLGRIND = shutil.which("callgrind_annotate")
needs_pprof = pytest.mark.skipif(GO is None, reason="no go tool pprof: apt-get install golang-go")
needs_callgrind = pytest.mark.skipif(
    CALLGRIND is None, reason="no callgrind_annotate: apt-get install valgrind"
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    threads = (
        thread(((0,), 100), ((0, 1), 200), ((), 10), ((0, 1, 2), 50), ((0, 1), 50)),
        thread(((1, 1), 7), name="worker-1"),
    )
    fill(tmp_path / "store", [capture(threads=threads, memory=memory())])
    return tmp_path / "store"


def export(store: Path, to: str, *more: str) -> Path:
    target = store.parent / f"out.{to}"
    assert main(["export", "--store", str(store), "--to", to, "-o", str(target), *more]) == 0
    return target


def pprof(file: Path, *arguments: str) -> str:
    command = [str(GO), "tool", "pprof", "-symbolize=none", *arguments, str(file)]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(file.parent), "PPROF_TMPDIR": str(file.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower()
    return done.stdout


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Return function → (flat, cum) of pprof's table."""
    line = r"^ *(\S+) +\S+% +\S+% +(\S+) +\S+%  (.+?)(?: \((?:partial-)?inline\))?$"
    found = re.findall(line, text, re.MULTILINE)
    return {name: (flat, cum) for flat, cum, name in found}


@needs_pprof
def test_pprof_sums_time_as_we_do(store: Path) -> None:
    table = pprof(export(store, "pprof"), "-top", "-unit=ms")
    assert "Type: time" in table
    assert "Duration: 410ms, Total samples = 417ms" in table
    assert rows(table) == {
        "price": ("257ms", "307ms"),
        "handler": ("100ms", "400ms"),
        "parse": ("50ms", "50ms"),
    }


@needs_pprof
def test_pprof_has_each_kind_of_memory_and_each_thread_to_itself(store: Path) -> None:
    file = export(store, "pprof")
    retained = pprof(file, "-top", "-sample_index=retained_space", "-unit=b")
    assert rows(retained) == {"price": ("1000B", "1000B"), "handler": ("0", "1000B")}
    live = pprof(file, "-top", "-sample_index=inuse_space", "-unit=b")
    assert rows(live)["price"] == ("8000B", "8000B")
    worker = pprof(file, "-top", "-tagfocus=lane=worker-1", "-unit=ms")
    assert rows(worker) == {"price": ("7ms", "7ms")}


@needs_pprof
def test_pprof_knows_files_and_lines(store: Path) -> None:
    lines = pprof(export(store, "pprof"), "-top", "-lines", "-unit=ms")
    assert "handler /var/task/app.py:12" in lines


@needs_pprof
def test_what_pprof_itself_writes_is_read(store: Path) -> None:
    file = export(store, "pprof")
    again = store.parent / "again.pb.gz"
    pprof(file, "-proto", f"-output={again}")
    assert recognise(again.read_bytes()).kind == "pprof"
    sums, before = (
        {lane.name: sum(weight for node, weight in lane.runs if node >= 0) for lane in load(data, "x").lanes}
        for data in (again.read_bytes(), file.read_bytes())
    )
    assert sums == before  # it leaves out what has no stack


@needs_pprof
def test_a_real_profile_of_go_is_read(tmp_path: Path) -> None:
    """Go profiles its own compiler: two sample types, inlined calls, no lanes; both sum it up alike."""
    source = tmp_path / "main.go"
    functions = (
        f"func f{n}(x int) int {{ for i := 0; i < x; i++ {{ x += i * {n}; if x > 9 {{ x-- }} }}; return x }}"
        for n in range(3000)
    )
    source.write_text("\n".join(["package main", "func main() { println(f0(1)) }", *functions]))
    profile = tmp_path / "cpu.pb.gz"
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "GOCACHE": str(tmp_path / "cache"),
        "GOFLAGS": "-mod=mod",
        "GOTOOLCHAIN": "local",
    }
    command = [
        str(GO),
        "tool",
        "compile",
        "-cpuprofile",
        str(profile),
        "-o",
        str(tmp_path / "x.o"),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False, timeout=120)
    if done.returncode != 0 or not profile.is_file():
        pytest.skip(f"this Go profiles no compiler: {done.stderr[:200]}")
    read = load(profile.read_bytes(), "cpu.pb.gz")
    assert [(lane.name, lane.unit) for lane in read.lanes] == [("cpu", "nanoseconds"), ("samples", "none")]
    assert read.lanes[0].total >= 10_000_000
    assert any(frame.name.startswith("cmd/compile/internal/") and frame.line for frame in read.frames)
    ours = {row.frame.name: row.total_weight for row in function_totals(read, read.lanes[:1])}
    table = rows(pprof(profile, "-top", "-cum", "-unit=ms", "-nodecount=20"))
    assert len(table) == 20
    for name, (_, total) in table.items():
        assert f"{ours[name] // 1_000_000}ms" == total or (ours[name] == 0 and total == "0"), name


@needs_callgrind
def test_callgrind_annotate_reads_the_sums(store: Path) -> None:
    file = export(store, "callgrind")
    command = [str(CALLGRIND), "--threshold=100", "--inclusive=yes", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert not done.stderr
    assert re.search(r"407,000,000 .*1,000 .*8,500 .*PROGRAM TOTALS", done.stdout)
    assert re.search(r"^400,000,000 .*app\.py:handler", done.stdout, re.MULTILINE)
    assert re.search(r"^307,000,000 .*app\.py:price", done.stdout, re.MULTILINE)


def test_chromium_draws_the_picture_at_twice_its_size(store: Path) -> None:
    data = export(store, "png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    drawn = re.search(r'width="(\d+)" height="(\d+)"', export(store, "svg").read_text(encoding="utf-8"))
    assert drawn is not None
    assert (width, height) == tuple(2 * int(size) for size in drawn.groups())


def test_without_chromium_png_says_what_to_do(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(png, "_NAMES", ())
    monkeypatch.setattr(png, "_ELSEWHERE", {})
    target = store.parent / "out.png"
    assert main(["export", "--store", str(store), "--to", "png", "-o", str(target)]) == 2
    assert not target.exists()
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("viewer: PNG needs Chromium")
    assert "--to svg" in message


def test_a_browser_that_draws_nothing_is_one_line(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(png, "find_browser", lambda: shutil.which("false") or "false")
    assert main(["export", "--store", str(store), "--to", "png", "-o", str(store.parent / "out.png")]) == 2
    assert "drew nothing" in capsys.readouterr().err
