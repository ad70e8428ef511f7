"""Profiles made elsewhere: known by their content, read as what they mean, refused where they are damaged."""

import cProfile
import gzip
import io
import json
import marshal
import pstats
import subprocess
import sys

import pytest

from profiler.capture import Frame
from profiler.errors import CaptureFormatError
from tests.unit.viewer import samples
from tests.unit.viewer.samples import SAMPLES
from viewer.importers import IMPORTERS, recognise
from viewer.importers.limits import MAX_DEPTH
from viewer.load import load
from viewer.processors import function_totals
from viewer.profile import StackTable
from viewer.protobuf import bytes_field, number_field, packed_field
from viewer.renderers.collapsed import collapsed

KINDS = {
    "capture": "capture",
    "call graph": "capture",
    "speedscope": "speedscope",
    "speedscope evented": "speedscope",
    "collapsed": "collapsed",
    "pprof": "pprof",
    "pyinstrument session": "pyinstrument",
    "pyinstrument tree": "pyinstrument",
    "pstats": "pstats",
}


def names(profile, number=0):
    stacks = collapsed(profile, profile.lanes[number])
    return {".".join(frame.name for frame in stack): weight for stack, weight in stacks.items()}


def refused(data, message):
    with pytest.raises(CaptureFormatError, match=message) as caught:
        load(data, "x")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


# ---- recognition ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_known_by_its_content_gzipped_or_not(name):
    data = SAMPLES[name]()
    assert recognise(data).kind == KINDS[name]
    if not data.startswith(b"\x1f\x8b"):
        assert recognise(gzip.compress(data)).kind == KINDS[name]


def test_every_importer_has_a_sample():
    assert set(IMPORTERS) | {"capture"} == set(KINDS.values())
    assert set(KINDS) == set(SAMPLES)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "neither JSON"),
        (b"\n\n", "neither JSON"),
        (b"hello world\n", "neither JSON"),
        (b"\x89PNG\r\n\x1a\n", "neither JSON"),
        (b"\x7fELF\x02\x01\x01", "neither JSON"),
        (b"[1, 2]", "neither JSON"),
        (b"{", "not JSON"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"{}", "neither a capture nor any other profile"),
        (b'{"traceEvents": []}', "Chrome trace events"),
        (b'{"meta": {}, "threads": []}', "Firefox"),
        (b"version: 1\ncreator: x\npositions: line\n", "neither JSON"),
        (b"\x1f\x8b\x08", "truncated gzip"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
    ],
)
def test_what_is_nothing_that_is_known_is_refused(data, message):
    refused(data, message)


def test_a_gzip_bomb_is_not_unpacked():
    bomb = gzip.compress(gzip.compress(b"\0" * (300 << 20), 9), 9)
    refused(bomb, "neither JSON")  # what is in it is gzip, and nothing is unpacked twice
    refused(gzip.decompress(bomb), "larger than 268435456 bytes when decompressed")


@pytest.mark.parametrize("version", range(5))
def test_a_pstats_dump_is_refused_and_never_loaded(version):
    refused(marshal.dumps(samples.pstats_of_work().stats, version), "marshal.*docs/exports.md")


def test_names_like_json_may_begin_a_collapsed_stack():
    assert names(load(b"{closure};a 3\n", "x")) == {"{closure}.a": 3}
    assert names(load(b"[unknown];b 4\n", "x")) == {"[unknown].b": 4}


def test_a_tree_too_large_for_anybodys_memory_is_refused(monkeypatch):
    monkeypatch.setattr("viewer.profile.MAX_NODES", 10)
    table = StackTable()
    table.add(range(10))
    table.add(range(10))
    with pytest.raises(CaptureFormatError, match="more than 10 distinct calls"):
        table.add([0, 5])
    with pytest.raises(CaptureFormatError, match="more than 10 distinct calls"):
        table.child(-1, 99)
    assert len(table) == 10


# ---- collapsed -----------------------------------------------------------------------------------


def test_collapsed_stacks_of_other_tools():
    text = b"# comment\n\nmain;work (app.py:12);sort_[k] 5\r\nmain 3\nmain;f <x> (C:\\a b.py) 2\n"
    profile = load(text, "perf.folded")
    assert (profile.title, profile.lanes[0].unit, profile.lanes[0].ordered) == ("perf.folded", "none", False)
    assert names(profile) == {"main": 3, "main.work.sort_[k]": 5, "main.f <x>": 2}
    assert Frame("work", "app.py", 12) in profile.frames
    assert Frame("f <x>", "C:\\a b.py", 0) in profile.frames


def test_brackets_that_are_no_place_stay_a_part_of_the_name():
    profile = load(b"operator() (int) 1\n", "x")
    assert profile.frames == [Frame("operator() (int)", "", 0)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a;b -1\n", "line 1 has the weight -1"),
        (b"a;b 1\na;b 0.5\n", "line 2 has the weight 0.5"),
        (b"a;b nan\n", "weight nan"),
        (b"a;b inf\n", "weight inf"),
        (b"a;b 12345678901234567890\n", "weight 1234"),
        (b"a;b 9007199254740993\n", "counted exactly"),
        (b"a 1\n" * 10 + b"b\n", "line 11 is no stack"),
        (b";".join([b"a"] * (MAX_DEPTH + 1)) + b" 1\n", "deeper"),
    ],
)
def test_damaged_collapsed_stacks(data, message):
    refused(data, message)


# ---- pprof ---------------------------------------------------------------------------------------

STRINGS = (
    "",
    "cpu",
    "milliseconds",
    "samples",
    "count",
    "main",
    "app.go",
    "inner",
    "thread",
    "T1",
    "space",
    "kb",
)


def pprof(*parts, types=((1, 2),), strings=STRINGS, default=0):
    """Return a profile: functions 1 (main, from line 7) and 2 (inner), locations 1, 2, and 3 with both."""
    location = [
        bytes_field(4, number_field(1, 1) + line(1, 9)),
        bytes_field(4, number_field(1, 2) + line(2, 30)),
        bytes_field(4, number_field(1, 3) + line(2, 20) + line(1, 8)),
    ]
    function = [
        bytes_field(5, number_field(1, 1) + number_field(2, 5) + number_field(4, 6) + number_field(5, 7)),
        bytes_field(5, number_field(1, 2) + number_field(2, 7) + number_field(4, 6)),
    ]
    value_types = [bytes_field(1, number_field(1, kind) + number_field(2, unit)) for kind, unit in types]
    table = [bytes_field(6, text.encode()) for text in strings]
    return b"".join([*value_types, *parts, *location, *function, *table, number_field(14, default)])


def line(function, number):
    return bytes_field(4, number_field(1, function) + number_field(2, number))


def sample(locations, values, *labels):
    marks = b"".join(bytes_field(3, number_field(1, key) + number_field(2, text)) for key, text in labels)
    return bytes_field(2, packed_field(1, locations) + packed_field(2, values) + marks)


def test_pprof_stacks_come_leaf_first_and_inlined_calls_are_frames():
    profile = load(pprof(sample([2, 1], [4]), sample([3], [5]), sample([], [1])), "x")
    assert names(profile) == {"main.inner": 9_000_000, "": 1_000_000}
    assert (profile.lanes[0].name, profile.lanes[0].unit) == ("cpu", "nanoseconds")
    # Where a function begins, or else the first of its lines that occurs.
    assert set(profile.frames) == {Frame("main", "app.go", 7), Frame("inner", "app.go", 20)}


def test_every_sample_type_is_a_lane_and_the_default_is_the_first():
    types = ((3, 4), (1, 2), (10, 11))
    made = sample([1], [2, 7, 3])
    assert [lane.name for lane in load(pprof(made, types=types), "x").lanes] == ["space", "samples", "cpu"]
    profile = load(pprof(made, types=types, default=1), "x")
    assert [(lane.name, lane.unit, lane.total) for lane in profile.lanes] == [
        ("cpu", "nanoseconds", 7_000_000),
        ("samples", "none", 2),
        ("space", "bytes", 3072),
    ]


def test_labelled_threads_are_lanes():
    made = (sample([1], [1, 5], (8, 9)), sample([2], [1, 6]))
    profile = load(pprof(*made, types=((3, 4), (1, 2))), "x")
    assert [(lane.name, lane.total) for lane in profile.lanes] == [
        ("T1", 5_000_000),
        ("cpu", 6_000_000),
        ("T1 (samples)", 1),
        ("samples", 1),
    ]


def test_numbers_that_stand_one_by_one_are_read_like_packed_ones():
    one_by_one = bytes_field(2, number_field(1, 2) + number_field(1, 1) + number_field(2, 4))
    assert names(load(pprof(one_by_one), "x")) == {"main.inner": 4_000_000}


def test_a_location_without_a_line_is_its_address_in_its_mapping():
    parts = (
        bytes_field(4, number_field(1, 9) + number_field(2, 1) + number_field(3, 0xBEEF)),
        bytes_field(3, number_field(1, 1) + number_field(5, 6)),
    )
    assert Frame("0xbeef", "app.go", 0) in load(pprof(*parts, sample([9], [1])), "x").frames


DEEP = list(range(1, 3)) * MAX_DEPTH


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pprof(sample([7], [1])), "location 7, which is not in the file"),
        (pprof(sample([1], [1, 2])), "2 values and not 1"),
        (pprof(sample([1], [])), "0 values and not 1"),
        (pprof(sample([1], [-5])), "negative"),
        (pprof(sample([1], [2**62])), "out of range"),
        (pprof(sample([1], [2**45]), sample([1], [2**45])), "counted exactly"),
        (pprof(sample([1], [1]), types=((99, 2),)), "string 99"),
        (pprof(sample([1], [1], (8, 77))), "string 77"),
        (pprof(sample(DEEP, [1])), "deeper"),
        (pprof(bytes_field(4, number_field(1, 5) + line(44, 1)), sample([5], [1])), "a function that is not"),
        (pprof(sample([1], [1])) + number_field(2, 5), "a number where a message belongs"),
        (pprof(bytes_field(2, bytes_field(3, bytes_field(2, b"x")))), "a message where a number belongs"),
        (pprof(sample([1], [1]))[:-3], "protobuf"),
        (pprof(sample([1], [1])) + b"\x0b", "wire type 3"),
        (pprof(sample([1], [1])) + b"\x08" + b"\xff" * 11, "64 bits"),
    ],
)
def test_damaged_pprof(data, message):
    refused(data, message)


def test_a_small_file_that_means_many_frames_is_refused(monkeypatch):
    monkeypatch.setattr("viewer.importers.pprof._MOST_FRAMES", 100)
    many = [sample([3] * 20 + [number % 2 + 1] * number, [1]) for number in range(10)]
    refused(pprof(*many), "more than 100 frames")


# ---- pyinstrument --------------------------------------------------------------------------------


def test_a_real_session_and_its_rendered_tree_say_the_same():
    session = samples.pyinstrument_session()
    profile = load(json.dumps(session.to_json()).encode(), "x")
    assert profile.lanes[0].ordered
    assert profile.lanes[0].total == pytest.approx(session.duration * 1e9, rel=0.1)
    work = next(row for row in function_totals(profile, profile.lanes) if row.frame.name == "work")
    assert (work.frame.file, work.frame.line) == (samples.__file__, samples.work.__code__.co_firstlineno)
    rendered = load(samples.JSONRenderer(show_all=True).render(session).encode(), "x")
    again = next(row for row in function_totals(rendered, rendered.lanes) if row.frame.name == "work")
    assert again.total_weight == pytest.approx(work.total_weight, rel=0.01)


def test_threads_classes_and_self_frames_of_a_session():
    records = [
        [["T1\x00<thread>\x001", "run\x00a.py\x004\x01cJob\x01l9", "[self]\x00a.py\x004"], 0.5],
        [["T2\x00<thread>\x002", "run\x00a.py\x004"], 0.25],
        [["run\x00a.py\x00x"], 0.125],
    ]
    profile = load(json.dumps({"frame_records": records}).encode(), "x")
    assert [(lane.name, lane.total) for lane in profile.lanes] == [
        ("T1", 500_000_000),
        ("T2", 250_000_000),
        ("MainThread", 125_000_000),
    ]
    assert profile.frames == [Frame("Job.run", "a.py", 4), Frame("run", "a.py", 4), Frame("run", "a.py", 0)]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"frame_records": {}}, "not a list"),
        ({"frame_records": [1]}, "no pair"),
        ({"frame_records": [[[1], 1]]}, "not text"),
        ({"frame_records": [[["a"], -1]]}, "negative"),
        ({"frame_records": [[["a"], float("nan")]]}, "out of range"),
        ({"frame_records": [[["a"], None]]}, "not a number"),
        ({"frame_records": [[["a"] * (MAX_DEPTH + 1), 1]]}, "deeper"),
        ({"root_frame": 5}, "not an object"),
        ({"root_frame": {"function": "a", "time": 1, "children": [{"function": 5}]}}, "not text"),
        ({"root_frame": {"function": "a", "time": "x"}}, "not a number"),
    ],
)
def test_damaged_sessions(document, message):
    refused(json.dumps(document).encode(), message)


# ---- pstats --------------------------------------------------------------------------------------


def test_real_statistics_give_the_numbers_of_pstats():
    stats = samples.pstats_of_work()
    namespace = {}
    exec(samples.converter().partition("if __name__")[0], namespace)
    profile = load(json.dumps(namespace["as_json"](stats)).encode(), "x")
    assert profile.approximate
    rows = {(row.frame.name, row.frame.line): row for row in function_totals(profile, profile.lanes)}
    for (file, line, name), (_, calls, own, total, _) in stats.stats.items():
        row = rows[(name.strip("<>"), 0) if file == "~" else (name, line)]
        assert row.calls == calls
        assert row.self_weight == pytest.approx(own * 1e9, abs=10)
        assert row.total_weight == pytest.approx(total * 1e9, abs=100)


def test_the_program_in_the_docs_converts_a_dump(tmp_path):
    dump, program = tmp_path / "app.pstats", tmp_path / "pstats_to_json.py"
    program.write_text(samples.converter())
    recorder = cProfile.Profile()
    recorder.runcall(samples.work)
    recorder.dump_stats(dump)
    done = subprocess.run([sys.executable, program, dump], capture_output=True, check=True)
    profile = load(done.stdout, "x")
    assert "fibonacci" in {frame.name for frame in profile.frames}
    assert profile.lanes[0].total == pytest.approx(
        pstats.Stats(str(dump), stream=io.StringIO()).total_tt * 1e9, rel=0.05
    )


def function(name, *callers, calls=1, self_s=1.0, total_s=2.0):
    edges = [dict(zip(("function", "calls", "self_s", "total_s"), caller, strict=True)) for caller in callers]
    return {
        "file": "a.py", "line": 1, "name": name, "calls": calls, "self_s": self_s, "total_s": total_s,
        "callers": edges,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"pstats": 2, "functions": []}, "version 2"),
        ({"pstats": "x", "functions": []}, "whole number"),
        ({"pstats": 1, "functions": 5}, "not a list"),
        ({"pstats": 1, "functions": [function("a", (1, 1, 1, 1))]}, "no frame"),
        ({"pstats": 1, "functions": [function("a", (-1, 1, 1, 1))]}, "no frame"),
        ({"pstats": 1, "functions": [function("a", self_s=-1)]}, "negative"),
        ({"pstats": 1, "functions": [function("a", self_s=float("nan"))]}, "out of range"),
        ({"pstats": 1, "functions": [function("a", calls=-1)]}, "negative number of calls"),
        ({"pstats": 1, "functions": [function("a", total_s=1e9)]}, "counted exactly"),
        ({"pstats": 1, "functions": [function(5)]}, "not text"),
    ],
)
def test_damaged_statistics(document, message):
    refused(json.dumps(document).encode(), message)


def test_functions_that_call_each_other_in_a_ring_end():
    ring = [function("a", (1, 1, 1, 2)), function("b", (0, 1, 1, 2))]
    profile = load(json.dumps({"pstats": 1, "functions": ring}).encode(), "x")
    assert {row.frame.name for row in function_totals(profile, profile.lanes)} == {"a", "b"}
