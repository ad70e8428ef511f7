"""A capture survives its file, and a damaged file is an error that says so."""

from __future__ import annotations

import gzip
import json
import random
import string
import zlib
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.capture import (
    OUTCOMES,
    SCHEMA_VERSION,
    AllocationSite,
    CallEdge,
    Capture,
    Container,
    EngineInfo,
    Frame,
    Invocation,
    Memory,
    Overhead,
    ProcessMemory,
    ThreadProfile,
    TypeCount,
)
from profiler.codec import MEMORY_PROFILE, decode, encode
from profiler.document import read_document
from profiler.errors import CaptureFormatError

# With lone surrogates: a file name or an environment variable may hold them.
texts = st.text(st.characters(codec=None), max_size=12)
counts = st.integers(0, 2**53)
signed = st.integers(-(2**53), 2**53)
nanoseconds = st.integers(0, 10**15)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


frames = st.builds(Frame, texts, texts, st.integers(0, 10**6))
processes = st.builds(ProcessMemory, *[optional(signed)] * 7)
invocations = st.builds(
    Invocation,
    function_name=texts,
    request_id=texts,
    environment_id=texts,
    sequence=counts,
    started_at_ns=counts,
    duration_ns=nanoseconds,
    cold=st.booleans(),
    function_version=texts,
    init_type=texts,
    memory_limit_mb=optional(counts),
    trace_id=texts,
    region=texts,
    log_stream=texts,
    labels=st.dictionaries(texts, texts, max_size=3),
)


@st.composite
def threads(draw: st.DrawFn, stacks: st.SearchStrategy[Any]) -> ThreadProfile:
    runs = draw(st.lists(st.tuples(stacks, nanoseconds), max_size=5))
    return ThreadProfile(
        draw(texts),
        tuple(stack for stack, _ in runs),
        tuple(weight for _, weight in runs),
        draw(st.integers(-(10**15), 10**15)),
    )


@st.composite
def captures(draw: st.DrawFn) -> Capture:
    table = tuple(draw(st.lists(frames, min_size=1, max_size=6)))
    indexes = st.integers(0, len(table) - 1)
    stacks = st.lists(indexes, max_size=4).map(tuple)
    containers = st.builds(
        Container,
        texts,
        texts,
        counts,
        optional(counts),
        optional(counts),
        st.booleans(),
        st.booleans(),
        stacks,
    )
    types = st.builds(TypeCount, texts, counts, texts, optional(counts))
    sites = st.builds(AllocationSite, stacks, counts, counts, signed, signed)
    edges = st.builds(CallEdge, optional(indexes), indexes, counts, nanoseconds, nanoseconds)
    memory = st.builds(
        Memory,
        mode=st.sampled_from(("off", "census", "tracemalloc")),
        process=processes,
        census=st.lists(containers, max_size=3).map(tuple),
        census_complete=st.booleans(),
        census_nodes=counts,
        census_ns=counts,
        objects=optional(counts),
        types=st.lists(types, max_size=3).map(tuple),
        sites=st.lists(sites, max_size=3).map(tuple),
        tracing_since=optional(counts),
    )
    return draw(
        st.builds(
            Capture,
            invocation=invocations,
            frames=st.just(table),
            threads=st.lists(threads(stacks), max_size=3).map(tuple),
            outcome=st.sampled_from(OUTCOMES),
            complete=st.booleans(),
            trigger=texts,
            engine=optional(st.builds(EngineInfo, texts, counts, texts, counts, texts)),
            overhead=st.builds(Overhead, counts, counts, counts),
            memory=memory,
            call_graph=optional(st.lists(edges, max_size=3).map(tuple)),
            notes=st.lists(texts, max_size=2).map(tuple),
        )
    )


SAMPLE = Capture(
    invocation=Invocation("shop", "r-1", "e-1", 3, 1_700_000_000_000_000_000, 5_000_000, False),
    frames=(Frame("handler", "/var/task/app.py", 3), Frame("lookup", "/var/task/app.py", 9)),
    threads=(ThreadProfile("MainThread", ((0,), (0, 1)), (1_000_000, 4_000_000)),),
    engine=EngineInfo("sampler", 1_000_000, "wall", 5),
    overhead=Overhead(1, 2, 3),
    memory=Memory(
        "tracemalloc",
        ProcessMemory(blocks=5),
        census=(Container("app.PRICES", "dict", 5, filled_at=(1,)),),
        sites=(AllocationSite((0, 1), 100, 2, 50, 1), AllocationSite((0,), 10, 1, -5, -1)),
    ),
    call_graph=(CallEdge(None, 0, 1, 5, 9), CallEdge(0, 1, 1, 4, 4)),
)


def document_of(capture: Capture) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(encode(capture)))
    return found


def packed(document: Any) -> bytes:
    return gzip.compress(json.dumps(document).encode())


@given(captures())
def test_what_is_written_is_read_back(capture: Capture) -> None:
    assert decode(encode(capture)) == capture


@given(captures())
def test_the_same_capture_gives_the_same_bytes(capture: Capture) -> None:
    assert encode(capture) == encode(capture)


def test_the_time_to_encode_is_in_the_file() -> None:
    ticks = count(1_000, 234)
    decoded = decode(encode(SAMPLE, clock=lambda: next(ticks)))
    assert decoded == replace(SAMPLE, overhead=Overhead(1, 2, 234))


def test_without_a_clock_the_capture_is_written_as_it_is() -> None:
    assert decode(encode(SAMPLE)).overhead.encode_ns == 3


def test_a_file_is_a_speedscope_document() -> None:
    document = document_of(SAMPLE)
    time, memory = document["profiles"]
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert (time["type"], time["unit"], time["samples"]) == ("sampled", "seconds", [[0], [0, 1]])
    assert time["endValue"] == pytest.approx(sum(time["weights"]))
    # Only what grew is shown as retained.
    assert (memory["name"], memory["unit"], memory["weights"]) == (MEMORY_PROFILE, "bytes", [50])


def test_a_plain_document_is_read_too() -> None:
    assert decode(gzip.decompress(encode(SAMPLE))) == SAMPLE


def test_every_truncation_is_an_error() -> None:
    data = encode(SAMPLE)
    for length in range(len(data)):
        with pytest.raises(CaptureFormatError):
            decode(data[:length])


def test_every_flipped_bit_is_an_error_or_a_capture() -> None:
    data = bytearray(encode(SAMPLE))
    for position in range(len(data) * 8):
        data[position // 8] ^= 1 << position % 8
        _decoded_or_refused(bytes(data))
        data[position // 8] ^= 1 << position % 8


@given(st.binary(max_size=200))
def test_any_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(CaptureFormatError):
        decode(data)


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_mutated_document_is_an_error_or_a_capture(chance: random.Random) -> None:
    document = document_of(SAMPLE)
    for _ in range(chance.randint(1, 3)):
        _mutate(document, chance)
    _decoded_or_refused(packed(document))


def _mutate(value: Any, chance: random.Random) -> None:
    """Put something odd at a random place."""
    odd = (None, True, -1, 10**40, 1e400, float("nan"), "", "x", [], [[]], {}, {"a": 1}, [10**9], 0.5)
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        if not isinstance(value[key], (dict, list)) or chance.random() < 0.3:
            value[key] = chance.choice(odd)
            return
        value = value[key]


def _decoded_or_refused(data: bytes) -> None:
    message = ""
    try:
        encode(decode(data))
    except CaptureFormatError as error:
        message = str(error)
    assert "\n" not in message
    assert len(message) < 400


# ---- refusals that a reader of the message can act on ------------------------------------------


def changed(*path: Any, to: Any) -> bytes:
    document = document_of(SAMPLE)
    target: Any = document
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = to
    return packed(document)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"[]", "top level is not an object"),
        (b"{}", "no 'capture' key"),
        (b"\x1f\x8b", "truncated gzip"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (changed("capture", "schema_version", to=SCHEMA_VERSION + 1), "upgrade invocation-profiler"),
        (changed("capture", "schema_version", to=0), "schema_version 0"),
        (changed("capture", "outcome", to="fine"), "'fine', not one of ok"),
        (changed("capture", to=[]), "capture is not an object"),
        (changed("capture", "invocation", "sequence", to="3"), "capture.invocation.sequence"),
        (changed("capture", "invocation", "sequence", to=True), "capture.invocation.sequence"),
        (changed("capture", "invocation", "started_at_ns", to=10**40), "started_at_ns"),
        (changed("capture", "invocation", "labels", to={"a": 1}), "labels"),
        (changed("capture", "complete", to=1), "capture.complete"),
        (changed("capture", "notes", to=[1]), "notes"),
        (changed("capture", "call_graph", to=[{"callee": 9}]), "call_graph"),
        (changed("capture", "memory", "sites", 0, "stack", to=[2]), "which is no frame"),
        (changed("capture", "memory", "census", 0, "filled_at", to=[-1]), "which is no frame"),
        (changed("shared", "frames", 0, to="handler"), "frames[0] is not an object"),
        (changed("profiles", 0, "samples", 0, to=[2]), "which is no frame (0 to 1)"),
        (changed("profiles", 0, "samples", 0, to=[-1]), "which is no frame"),
        (changed("profiles", 0, "samples", 0, to=[0.0]), "which is no frame"),
        (changed("profiles", 0, "weights", to=[1]), "2 samples and 1 weights"),
        (changed("profiles", 0, "weights", 0, to=-1), "negative"),
        (changed("profiles", 0, "weights", 0, to=float("nan")), "out of range"),
        (changed("profiles", 0, "weights", 0, to=float("inf")), "out of range"),
        (changed("profiles", 0, "weights", 0, to="1"), "not a number"),
        (changed("profiles", 0, "startValue", to=10**400), "out of range"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, message: str) -> None:
    with pytest.raises(CaptureFormatError) as caught:
        decode(data)
    assert message in str(caught.value)


def test_a_gzip_bomb_is_stopped_at_the_bound() -> None:
    compressor = zlib.compressobj(9, wbits=31)
    megabyte = b" " * 1_000_000
    bomb = b"".join(compressor.compress(megabyte) for _ in range(64)) + compressor.flush()
    assert len(bomb) < 100_000
    with pytest.raises(CaptureFormatError, match="larger than 1000000 bytes"):
        read_document(bomb, max_bytes=1_000_000)
    with pytest.raises(CaptureFormatError, match="larger than 10 bytes"):
        read_document(b"{" + b" " * 20 + b"}", max_bytes=10)


def test_what_a_later_version_adds_within_the_same_schema_is_ignored() -> None:
    assert decode(changed("capture", "invocation", "tenant", to="t")) == SAMPLE


def test_missing_parts_read_as_their_defaults() -> None:
    minimal = {"capture": {"schema_version": 1, "outcome": "ok"}, "profiles": [], "shared": {"frames": []}}
    decoded = decode(packed(minimal))
    assert decoded.engine is None
    assert decoded.memory == Memory()
    assert decoded.invocation.function_name == ""


def test_a_frame_needs_neither_file_nor_line() -> None:
    data = changed("shared", "frames", 0, to={"name": "handler", "line": None})
    assert decode(data).frames[0] == Frame("handler", "", 0)


def test_the_alphabet_of_a_name_is_kept() -> None:
    name = string.printable + "ü\u2028😀</script>"
    capture = replace(SAMPLE, frames=(Frame(name, name, 1), SAMPLE.frames[1]))
    assert decode(encode(capture)).frames[0].name == name
