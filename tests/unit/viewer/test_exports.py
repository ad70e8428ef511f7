"""What is written for other tools, and read back: the same stacks and weights, judged by those we have."""

from __future__ import annotations

import gzip
import io
import json
import pstats
import re
import shutil
import subprocess
import xml.etree.ElementTree
from collections import Counter
from cProfile import Profile as CProfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.capture import Frame
from profiler.errors import CaptureFormatError, ProfilerError
from tests.unit.viewer.builders import capture, memory, thread
from viewer import importers
from viewer.cli import main
from viewer.load import load, profile_of
from viewer.profile import Lane, Profile, StackTable
from viewer.protobuf import fields, numbers, signed, varint
from viewer.renderers import renderer
from viewer.spans import spans

names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=8
)
frames = st.lists(
    st.builds(Frame, names, names, st.integers(0, 10**6)),
    min_size=1,
    max_size=6,
    unique_by=lambda f: (f.name, f.file, f.line),
)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Return a profile of some lanes in time and memory."""
    known = draw(frames)
    table = StackTable()
    stacks = st.lists(st.integers(0, len(known) - 1), min_size=1, max_size=6)
    lanes = []
    for number in range(draw(st.integers(1, 3))):
        unit = draw(st.sampled_from(("nanoseconds", "bytes")))
        runs = [
            (table.add(stack), weight)
            for stack, weight in draw(st.lists(st.tuples(stacks, st.integers(1, 10**9))))
        ]
        lanes.append(Lane(f"lane {number}", unit, runs, ordered=unit == "nanoseconds"))
    return Profile("app", known, table, lanes)


def weights_of(profile: Profile) -> dict[tuple[str, str], Counter[tuple[Frame, ...]]]:
    """Return lane → stack → weight, of what has any."""
    found: dict[tuple[str, str], Counter[tuple[Frame, ...]]] = {}
    for lane in profile.lanes:
        for node, weight in lane.runs:
            stack = tuple(profile.frames[frame] for frame in profile.table.stack(node))
            found.setdefault((lane.name, lane.unit), Counter())[stack] += weight
    return found


def written(profile: Profile, name: str) -> bytes:
    made = renderer(name)(profile)
    return made if isinstance(made, bytes) else made.encode()


@given(profiles())
def test_speedscope_gives_back_what_was_written(profile: Profile) -> None:
    assert weights_of(load(written(profile, "speedscope"), "x")) == weights_of(profile)


@given(profiles())
def test_pprof_gives_back_what_was_written(profile: Profile) -> None:
    assert weights_of(load(written(profile, "pprof"), "x")) == weights_of(profile)


def test_collapsed_gives_back_functions_and_places() -> None:
    profile = profile_of(capture())
    [(_, found)] = weights_of(load(written(profile, "collapsed"), "x")).items()
    [(_, before)] = weights_of(profile).items()
    assert found == before


@given(profiles())
def test_spans_add_up_to_the_lane(profile: Profile) -> None:
    for lane in profile.lanes:
        found = list(spans(profile, lane))
        assert sum(span.duration for span in found if span.depth == 0) == lane.total
        assert all(span.start >= 0 and span.start + span.duration <= lane.total for span in found)
        ends: dict[int, int] = {}
        for span in found:  # those of one depth do not overlap
            assert span.start >= ends.get(span.depth, 0)
            ends[span.depth] = span.start + span.duration


def test_a_call_that_goes_on_is_one_span() -> None:
    profile = profile_of(capture(threads=(thread(((0, 1), 5), ((0, 2), 5), ((0,), 5), ((0, 1), 5)),)))
    found = [
        (span.frame.name, span.start // 10**6, span.duration // 10**6)
        for span in spans(profile, profile.lanes[0])
    ]
    assert found == [("handler", 0, 20), ("price", 0, 5), ("parse", 5, 5), ("price", 15, 5)]


def test_trace_events() -> None:
    document = json.loads(written(profile_of(capture(memory=memory())), "chrome"))
    events = document["traceEvents"]
    threads = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert "MainThread" in threads
    assert any("bytes" in name for name in threads)
    handler = next(event for event in events if event["name"] == "handler")
    assert (handler["ph"], handler["ts"], handler["dur"]) == ("X", 0, 400_000)


def test_png_is_the_same_picture(tmp_path: Path) -> None:
    if not any(map(shutil.which, ("chromium", "google-chrome"))):
        pytest.skip("a picture of pixels needs Chromium")
    data = written(profile_of(capture()), "png")
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") == 2400


def test_png_without_a_browser_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viewer.renderers.png._browsers", lambda: iter(()))
    with pytest.raises(ProfilerError, match="needs Chromium or Chrome"):
        written(profile_of(capture()), "png")


@given(profiles())
def test_firefox_tables_hold_together_and_give_back_every_stack(profile: Profile) -> None:
    document = json.loads(written(profile, "firefox"))
    assert len(document["threads"]) == len(profile.lanes)
    for lane, made in zip(profile.lanes, document["threads"], strict=True):
        for name, table in made.items():
            if isinstance(table, dict):
                lengths = {len(value) for value in table.values() if isinstance(value, list)}
                assert lengths == {table["length"]}, name
        stacks, strings = made["stackTable"], made["stringArray"]
        functions, factor = made["funcTable"], 1_000_000 if lane.unit == "nanoseconds" else 1
        sums: Counter[tuple[tuple[str, str], ...]] = Counter()
        for at, weight in zip(made["samples"]["stack"], made["samples"]["weight"], strict=True):
            path = []
            while at is not None:
                function = made["frameTable"]["func"][stacks["frame"][at]]
                file = functions["fileName"][function]
                path.append((strings[functions["name"][function]], "" if file is None else strings[file]))
                at = stacks["prefix"][at]
            sums[tuple(reversed(path))] += weight * factor
        expected: Counter[tuple[tuple[str, str], ...]] = Counter()
        for node, weight in lane.runs:
            stack = (profile.frames[frame] for frame in profile.table.stack(node))
            expected[tuple((frame.name, frame.file) for frame in stack)] += weight
        assert sums == pytest.approx(expected)


def test_callgrind_has_each_function_with_its_self_and_calls() -> None:
    text = written(profile_of(capture()), "callgrind").decode()
    assert text.startswith("# callgrind format\n")
    assert re.search(r"fn=handler\n12 100000000\ncfi=.*app\.py\ncfn=price\ncalls=1 30\n12 300000000\n", text)
    assert sum(int(cost) for cost in re.findall(r"^fn=.*\n\d+ (\d+)$", text, re.MULTILINE)) == 400_000_000


def test_a_name_ends_no_line_of_callgrind() -> None:
    evil = (Frame("a\nfn=evil\n1 99", "x\r.py", 3), Frame("(1) b", "y.py", 1))
    profile = profile_of(capture(frames=evil, threads=(thread(((0, 1), 1)),)))
    text = written(profile, "callgrind").decode()
    assert len(re.findall(r"^fn=", text, re.MULTILINE)) == 2
    assert "fn=(1)" not in text


def test_the_picture_is_xml_and_names_are_text() -> None:
    evil = (Frame("<script>alert(1)</script>\x00\x1b", "x&y.py", 3),)
    svg = written(profile_of(capture(frames=evil, threads=(thread(((0,), 1)),))), "svg").decode()
    root = xml.etree.ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    empty = written(profile_of(capture(threads=())), "svg").decode()
    assert "nothing was sampled" in empty


@pytest.mark.skipif(shutil.which("go") is None, reason="Debian's golang-go has pprof")
def test_go_tool_pprof_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "profile.pb.gz"
    path.write_bytes(written(profile_of(capture()), "pprof"))
    done = subprocess.run(
        ["go", "tool", "pprof", "-top", "-unit=ms", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GOTELEMETRY": "off"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {
        line.split()[-1]: line.split() for line in done.stdout.splitlines() if "ms" in line and "%" in line
    }
    assert rows["price"][0] == "250ms"
    assert rows["handler"][3] == "400ms"


# ---- reading --------------------------------------------------------------------------------------


def test_pyinstrument_sessions() -> None:
    pyinstrument = pytest.importorskip("pyinstrument")
    from pyinstrument.renderers import JSONRenderer, SessionRenderer

    profiler = pyinstrument.Profiler(interval=0.0005)
    with profiler:
        sum(n * n for n in range(300_000))
    session = profiler.last_session
    for made in (SessionRenderer, JSONRenderer):
        profile = load(profiler.output(made()).encode(), "x.json")
        total_ns = profile.lanes[0].total
        assert total_ns == pytest.approx(session.duration * 1e9, rel=0.25)
        assert any("test_pyinstrument_sessions" in frame.name for frame in profile.frames)
        assert not any(frame.name.startswith("[") for frame in profile.frames)


def test_pstats_as_json_is_exact() -> None:
    profiler = CProfile()
    profiler.enable()
    sorted(str(n) for n in range(1000))
    profiler.disable()
    stats = pstats.Stats(profiler, stream=io.StringIO()).stats  # type: ignore[attr-defined]
    rows = [
        [list(f), cc, nc, tt, ct, [[list(c), *v] for c, v in callers.items()]]
        for f, (cc, nc, tt, ct, callers) in stats.items()
    ]
    profile = load(json.dumps({"pstats": rows}).encode(), "x.json")
    assert profile.approximate
    assert profile.graph is not None
    found = {
        profile.frames[frame].name: (calls, self_ns) for frame, calls, self_ns, _ in profile.graph.functions()
    }
    for (_, _, name), (_, calls, own, _, _) in stats.items():
        assert found[name] == (calls, pytest.approx(own * 1e9, abs=2000))


def test_collapsed_of_other_tools() -> None:
    profile = load(b"main;work 10\nmain;work (app.py:12);parse 5\n\n", "perf.folded")
    assert {frame.name for frame in profile.frames} == {"main", "work", "parse"}
    assert Frame("work", "app.py", 12) in profile.frames
    assert (profile.lanes[0].unit, profile.lanes[0].total) == ("none", 15)


def test_every_command_takes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before, after = tmp_path / "before.pprof", tmp_path / "after.folded"
    before.write_bytes(written(profile_of(capture()), "pprof"))
    after.write_text("handler (/var/task/app.py:12) 500\n")
    assert main(["top", str(before)]) == 0
    assert "price" in capsys.readouterr().out
    assert main(["flamegraph", str(before), "-o", "page.html"]) == 0
    assert main(["export", str(after), "--to", "pprof", "-o", "made.pb.gz"]) == 0
    assert weights_of(load(Path("made.pb.gz").read_bytes(), "x"))
    assert main(["diff", str(before), str(before)]) == 0
    assert main(["leaks", str(before)]) == 2
    assert "and no capture" in capsys.readouterr().err


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello world",
        b"\x80\x02}q\x00.",
        b"{}",
        b'{"profiles": 3}',
        b'{"frame_records": [[["a"], -1]]}',
        b'{"frame_records": [[["a"], NaN]]}',
        b'{"frame_records": [[3, 1]]}',
        b'{"root_frame": {"function": "a", "time": 1e300}, "sample_count": 1}',
        b'{"pstats": [[["f", 1, "n"], 1, 1, -1, 1, []]]}',
        b'{"pstats": [[["f", 1, "n"], 1, 1, 1, 1, [[["f"], 1, 1, 1, 1]]]]}',
        b"a;b 99999999999999999999\n",
        b"a;b 1\nnonsense\n",
        b"\x1f\x8b" + b"junk",
        gzip.compress(b"\0" * 1000),
        gzip.compress(b"a 1\n")[:-5],
    ],
)
def test_what_is_no_profile_is_refused(data: bytes) -> None:
    with pytest.raises(CaptureFormatError):
        importers.read(data, "x")


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.document.MAX_DOCUMENT_BYTES", 1000)
    monkeypatch.setattr(
        importers, "gunzip", lambda data: __import__("profiler.document").document.gunzip(data, 1000)
    )
    with pytest.raises(CaptureFormatError, match="larger than"):
        importers.read(gzip.compress(b"a" * 10_000_000 + b" 1\n"), "x")


def test_a_sample_that_points_nowhere_is_refused() -> None:
    data = gzip.decompress(written(profile_of(capture()), "pprof"))
    for number, value in fields(data):
        if number == 2 and isinstance(value, bytes):
            broken = data.replace(value, value.replace(b"\x01", b"\x7f", 1), 1)
            with pytest.raises(CaptureFormatError):
                importers.read(broken, "x")
            return
    raise AssertionError("no sample")


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_goes_through_the_wire(number: int) -> None:
    assert [signed(value) for value in numbers(varint(number))] == [number]


_SEEDS = [
    renderer(name)(profile_of(capture(memory=memory()))) for name in ("speedscope", "collapsed", "pprof")
]


@given(
    st.sampled_from([seed if isinstance(seed, bytes) else seed.encode() for seed in _SEEDS]),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=4), st.integers(0, 8)), max_size=6),
)
def test_whatever_was_done_to_a_file_it_is_read_or_refused(
    seed: bytes, unpacked: bool, changes: list[tuple[int, bytes, int]]
) -> None:
    data = bytearray(gzip.decompress(seed) if unpacked and seed[:2] == b"\x1f\x8b" else seed)
    for place, inserted, removed in changes:
        at = place % (len(data) + 1)
        data[at : at + removed] = inserted
    try:
        profile = load(bytes(data), "x")
    except CaptureFormatError:
        return
    assert all(weight >= 0 for lane in profile.lanes for _, weight in lane.runs)
    assert all(-1 <= node < len(profile.table) for lane in profile.lanes for node, _ in lane.runs)
    assert all(0 <= frame < len(profile.frames) for frame in profile.table.frames)


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_worse(data: bytes) -> None:
    try:
        importers.read(data, "x")
    except CaptureFormatError:
        return
