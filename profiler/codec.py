"""Capture ↔ bytes: a gzipped speedscope file with everything else under the key `capture`.

Format: https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources, whose reader ignores
keys that it does not know.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

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
from profiler.document import Fields, finite, read_document, stack_of
from profiler.errors import CaptureFormatError

SCHEMA_URL = "https://www.speedscope.app/file-format-schema.json"
MEMORY_PROFILE = "memory retained in this invocation"

# Level 6 is zlib's knee: level 9 costs three times the CPU for two per cent of size.
_GZIP_LEVEL = 6
# One for all: json.dumps makes an encoder a call, and what it leaves for the collector would be counted
# with the memory of the function that is profiled.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False)


def encode(capture: Capture, *, clock: Callable[[], int] | None = None) -> bytes:
    """Return the gzipped JSON of a capture; the same capture gives the same bytes.

    With a nanosecond `clock` the time spent in here is written into `overhead_ns.encode`: it is the
    last number of the file, so everything before it has been compressed when it is known.
    """
    started_ns = clock() if clock is not None else 0
    compressor = zlib.compressobj(_GZIP_LEVEL, wbits=31)
    text = _ENCODER.encode(_document(capture))
    # The document ends in `"encode":N}}}`.
    start = text.rindex(":") + 1
    data = compressor.compress(text[:start].encode("utf-8", "backslashreplace"))
    data += compressor.flush(zlib.Z_SYNC_FLUSH)
    encode_ns = clock() - started_ns if clock is not None else capture.overhead.encode_ns
    return data + compressor.compress(f"{encode_ns}}}}}}}".encode()) + compressor.flush()


def encode_plain(capture: Capture) -> bytes:
    """Return the JSON of a capture as it is: quicker to make than `encode`, for one with hardly anything."""
    return _ENCODER.encode(_document(capture)).encode("utf-8", "backslashreplace")


def decode(data: bytes, *, census: bool = True) -> Capture:
    """Return the capture in `data`; without `census` its containers are left out, unread.

    Raises:
        CaptureFormatError: damaged, not a capture, out of bounds, or of a newer schema.
    """
    return capture_of(read_document(data), census=census)


def capture_of(document: dict[str, Any], *, census: bool = True) -> Capture:
    """Return the capture in a document that `read_document` returned. Raises like `decode`."""
    if "capture" not in document:
        raise CaptureFormatError("not a capture: it has no 'capture' key")
    own = Fields(document["capture"], "capture")
    version = own.integer("schema_version")
    if not 1 <= version <= SCHEMA_VERSION:
        raise CaptureFormatError(
            f"schema_version {version} is not one this version reads (1 to {SCHEMA_VERSION}): "
            "upgrade invocation-profiler"
        )
    outcome = own.text("outcome")
    if outcome not in OUTCOMES:
        raise CaptureFormatError(f"capture.outcome is {outcome!r:.40}, not one of {', '.join(OUTCOMES)}")
    root = Fields(document, "file")
    frames = _frames_of(root.child("shared"))
    return Capture(
        invocation=_invocation_of(own.child("invocation")),
        frames=frames,
        threads=_threads_of(root, len(frames)),
        outcome=outcome,
        complete=own.boolean("complete", True),
        trigger=own.text("trigger"),
        engine=_engine_of(own.child("engine")) if own.has("engine") else None,
        overhead=_overhead_of(own.child("overhead_ns")),
        memory=_memory_of(own.child("memory"), len(frames), census),
        call_graph=_call_graph_of(own, len(frames)) if own.has("call_graph") else None,
        notes=tuple(_text_of(note) for note in own.items("notes")),
        schema_version=version,
    )


def _frames_of(shared: Fields) -> tuple[Frame, ...]:
    """Return the frames, the same objects for the same functions in all captures."""
    try:
        return tuple(
            _known_frame(item["name"], item.get("file"), item.get("line")) for item in shared.items("frames")
        )
    except (AttributeError, KeyError, TypeError, CaptureFormatError):
        # Something about one of them is unusual: once more, to say which.
        return shared.objects("frames", frame_of)


@lru_cache(maxsize=1 << 16, typed=True)
def _known_frame(name: object, file: object, line: object) -> Frame:
    return frame_of(Fields({"name": name, "file": file, "line": line}, "frame"))


def frame_of(fields: Fields) -> Frame:
    """Return a speedscope frame; `file` and `line` are optional there."""
    return Frame(
        name=fields.text("name"),
        file=fields.text("file") if fields.has("file") else "",
        line=fields.integer("line") if fields.has("line") else 0,
    )


# ---- writing ---------------------------------------------------------------------------------


def _document(capture: Capture) -> dict[str, Any]:
    invocation = capture.invocation
    milliseconds = invocation.duration_ns / 1e6
    return {
        "$schema": SCHEMA_URL,
        "name": f"{invocation.function_name} {invocation.request_id} {milliseconds:.0f} ms",
        "exporter": "invocation-profiler",
        "activeProfileIndex": 0,
        "shared": {"frames": [_plain(frame) for frame in capture.frames]},
        "profiles": [_time_profile(thread) for thread in capture.threads] + _memory_profiles(capture.memory),
        "capture": {
            "schema_version": capture.schema_version,
            "invocation": _plain(invocation),
            "outcome": capture.outcome,
            "complete": capture.complete,
            "trigger": capture.trigger,
            "engine": _plain(capture.engine) if capture.engine else None,
            "memory": _memory(capture.memory),
            "call_graph": None
            if capture.call_graph is None
            else [_plain(edge) for edge in capture.call_graph],
            "notes": list(capture.notes),
            "overhead_ns": {
                "start": capture.overhead.start_ns,
                "stop": capture.overhead.stop_ns,
                "encode": capture.overhead.encode_ns,
            },
        },
    }


def _plain(record: Any) -> dict[str, Any]:
    """Return a flat dataclass as a dict; `dataclasses.asdict` copies deeply and costs ten times as much."""
    return {name: getattr(record, name) for name in record.__slots__}


def _memory(memory: Memory) -> dict[str, Any]:
    return _plain(memory) | {
        "process": _plain(memory.process),
        "census": [_plain(container) for container in memory.census],
        "types": [_plain(count) for count in memory.types],
        "sites": [_plain(site) for site in memory.sites],
    }


def _time_profile(thread: ThreadProfile) -> dict[str, Any]:
    return {
        "type": "sampled",
        "name": thread.name,
        "unit": "seconds",
        "startValue": thread.start_ns / 1e9,
        "endValue": (thread.start_ns + sum(thread.weights_ns)) / 1e9,
        "samples": thread.stacks,
        "weights": [weight / 1e9 for weight in thread.weights_ns],
    }


def _memory_profiles(memory: Memory) -> list[dict[str, Any]]:
    """Show what grew, one stack per site; the sites themselves stand under `capture.memory`."""
    grown = [site for site in memory.sites if site.growth_bytes > 0]
    if not grown:
        return []
    return [
        {
            "type": "sampled",
            "name": MEMORY_PROFILE,
            "unit": "bytes",
            "startValue": 0,
            "endValue": sum(site.growth_bytes for site in grown),
            "samples": [site.stack for site in grown],
            "weights": [site.growth_bytes for site in grown],
        }
    ]


# ---- reading ---------------------------------------------------------------------------------


def _threads_of(root: Fields, frame_count: int) -> tuple[ThreadProfile, ...]:
    profiles = root.objects("profiles", lambda fields: fields)
    return tuple(
        _thread_of(profile, frame_count) for profile in profiles if profile.text("unit") == "seconds"
    )


def _thread_of(profile: Fields, frame_count: int) -> ThreadProfile:
    name = profile.text("name")
    where = f"profile {name!r:.60}"
    stacks = tuple(_stacks_of(profile.items("samples"), frame_count, where))
    weights = _weights_of(profile.items("weights"), where)
    if len(stacks) != len(weights):
        raise CaptureFormatError(f"{where} has {len(stacks)} samples and {len(weights)} weights")
    return ThreadProfile(name, stacks, weights, round(profile.number("startValue") * 1e9))


def _stacks_of(samples: list[Any], frame_count: int, where: str) -> Iterator[tuple[int, ...]]:
    """Yield the stacks; one that comes back is checked once, and is the same object."""
    known: dict[tuple[int, ...], tuple[int, ...]] = {}
    for sample in samples:
        try:
            stack = known.get(tuple(sample))
        except TypeError:
            stack = None  # no list of numbers: said below
        if stack is None:
            stack = stack_of(sample, frame_count, where)
            known[stack] = stack
        yield stack


def _weights_of(weights: list[Any], where: str) -> tuple[int, ...]:
    # The usual case in one comprehension; a NaN makes the sum one, and no comparison with it is true.
    if weights and {*map(type, weights)} <= {int, float} and min(weights) >= 0 and sum(weights) < 1e18:
        return tuple([round(weight * 1e9) for weight in weights])
    return tuple(nanoseconds(weight, where) for weight in weights)


def nanoseconds(seconds: object, path: str) -> int:
    """Return a weight in whole nanoseconds. Raises CaptureFormatError where it is negative."""
    value = finite(seconds, path)
    if value < 0:
        raise CaptureFormatError(f"{path} holds a negative value")
    return round(value * 1e9)


def _invocation_of(fields: Fields) -> Invocation:
    return Invocation(
        function_name=fields.text("function_name"),
        request_id=fields.text("request_id"),
        environment_id=fields.text("environment_id"),
        sequence=fields.integer("sequence"),
        started_at_ns=fields.integer("started_at_ns"),
        duration_ns=fields.integer("duration_ns"),
        cold=fields.boolean("cold", False),
        function_version=fields.text("function_version"),
        init_type=fields.text("init_type"),
        memory_limit_mb=fields.optional_integer("memory_limit_mb"),
        trace_id=fields.text("trace_id"),
        region=fields.text("region"),
        log_stream=fields.text("log_stream"),
        labels=fields.texts("labels"),
    )


def _engine_of(fields: Fields) -> EngineInfo:
    return EngineInfo(
        name=fields.text("name"),
        interval_ns=fields.integer("interval_ns"),
        clock=fields.text("clock", "wall"),
        samples=fields.integer("samples"),
        version=fields.text("version"),
    )


def _overhead_of(fields: Fields) -> Overhead:
    return Overhead(fields.integer("start"), fields.integer("stop"), fields.integer("encode"))


def _memory_of(fields: Fields, frame_count: int, census: bool) -> Memory:
    process = fields.child("process")
    return Memory(
        mode=fields.text("mode", "off"),
        process=ProcessMemory(
            rss_bytes=process.optional_integer("rss_bytes"),
            rss_growth_bytes=process.optional_integer("rss_growth_bytes"),
            blocks=process.optional_integer("blocks"),
            blocks_growth=process.optional_integer("blocks_growth"),
            native_bytes=process.optional_integer("native_bytes"),
            threads=process.optional_integer("threads"),
            open_files=process.optional_integer("open_files"),
        ),
        census=fields.objects("census", lambda entry: _container_of(entry, frame_count)) if census else (),
        census_complete=fields.boolean("census_complete", True),
        census_nodes=fields.integer("census_nodes"),
        census_ns=fields.integer("census_ns"),
        objects=fields.optional_integer("objects"),
        types=fields.objects("types", _type_count_of),
        sites=fields.objects("sites", lambda entry: _site_of(entry, frame_count)),
        tracing_since=fields.optional_integer("tracing_since"),
    )


def _container_of(fields: Fields, frame_count: int) -> Container:
    return Container(
        path=fields.text("path"),
        type=fields.text("type"),
        entries=fields.integer("entries"),
        bytes=fields.optional_integer("bytes"),
        bound=fields.optional_integer("bound"),
        expires=fields.boolean("expires", False),
        suspected=fields.boolean("suspected", False),
        filled_at=fields.indexes("filled_at", frame_count),
    )


def _type_count_of(fields: Fields) -> TypeCount:
    return TypeCount(
        type=fields.text("type"),
        count=fields.integer("count"),
        held_by=fields.text("held_by"),
        object_bytes=fields.optional_integer("object_bytes"),
    )


def _site_of(fields: Fields, frame_count: int) -> AllocationSite:
    return AllocationSite(
        stack=fields.indexes("stack", frame_count),
        live_bytes=fields.integer("live_bytes"),
        live_blocks=fields.integer("live_blocks"),
        growth_bytes=fields.integer("growth_bytes"),
        growth_blocks=fields.integer("growth_blocks"),
    )


def _call_graph_of(own: Fields, frame_count: int) -> tuple[CallEdge, ...]:
    return own.objects("call_graph", lambda edge: _edge_of(edge, frame_count))


def _edge_of(fields: Fields, frame_count: int) -> CallEdge:
    caller = fields.optional_integer("caller")
    stack_of([fields.integer("callee")] + ([] if caller is None else [caller]), frame_count, "call_graph")
    return CallEdge(
        caller=caller,
        callee=fields.integer("callee"),
        calls=fields.integer("calls"),
        self_ns=fields.integer("self_ns"),
        total_ns=fields.integer("total_ns"),
    )


def _text_of(note: object) -> str:
    if not isinstance(note, str):
        raise CaptureFormatError("capture.notes holds something that is not text")
    return note
