"""Feed damaged profiles of every kind to the readers, and look whether any does harm.

    python benchmarks/fuzz.py --seconds 600

Real files of every kind are damaged at random, as bytes, as text and as JSON. Each is either refused, by one
line, or gives a profile that holds together and that every renderer can write. What does neither is kept in
a file, and the exit code is 1. The seed is printed: with `--seed` it is done again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from profiler.document import decompressed
from profiler.errors import CaptureFormatError
from tests.unit.viewer.samples import SAMPLES
from viewer.load import load
from viewer.profile import Profile
from viewer.renderers import RENDERERS, rendered

# Not without a browser.
_NOT_HERE = {"png"}
_NUMBERS = (
    0, -1, 1, 2, 3, 127, 128, 255, 256, 10_001, 2**31 - 1, 2**31, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63,
    2**64, -(2**63), 10**18, 10**19, 10**400, 0.5, -0.0, 1e-9, 1e17, 1e18, 1e308,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
_TEXTS = (
    "", "a", ";", "\x00", "\x1b[2J", "\u202e", "\ud800", "</script><svg onload=alert(1)>", "]]>",
    "../../etc/passwd", "x" * 5000, "\n", "a 1", "{}", "(1) x", "<frozen importlib>", "~", "[self]",
    "MainThread\x00<thread>\x001",
)  # fmt: skip
_LONGEST_MESSAGE = 400


def fuzz(seconds: float, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield (kind of the file it was made from, outcome, the file) until the time is over.

    The outcome is `read`, `refused`, or what went wrong.
    """
    source = random.Random(seed)
    seeds = {name: make() for name, make in SAMPLES.items()}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = source.choice(sorted(seeds))
        data = damaged(seeds[name], source)
        yield name, judged(data), data


def judged(data: bytes) -> str:
    """Return `read`, `refused`, or what is wrong with what came of a file."""
    try:
        profile = load(data, "fuzz")
    except CaptureFormatError as error:
        message = str(error)
        ok = 0 < len(message) <= _LONGEST_MESSAGE and "\n" not in message
        return "refused" if ok else f"a message of {len(message)} characters: {message[:80]!r}"
    except Exception as error:  # noqa: BLE001 - that it is none but the one above is what is tested
        return f"load: {type(error).__name__}: {error}"
    try:
        check(profile)
        for name in sorted(RENDERERS.keys() - _NOT_HERE):
            written = rendered(name, profile)
            if name == "svg":
                ElementTree.fromstring(written)
            elif name in ("chrome", "firefox"):
                json.loads(written)
            elif name in ("speedscope", "pprof"):
                check(load(written, "again"))
    except Exception as error:  # noqa: BLE001 - any is a finding
        return f"afterwards: {type(error).__name__}: {error}"
    return "read"


def check(profile: Profile) -> None:
    """Raise AssertionError where a profile does not hold together."""
    table = profile.table
    assert len(table.parents) == len(table.frames)
    for node, (parent, frame) in enumerate(zip(table.parents, table.frames, strict=True)):
        assert -1 <= parent < node, "a parent that comes after its child"
        assert 0 <= frame < len(profile.frames), "a node without a frame"
    for frame in profile.frames:
        assert isinstance(frame.name, str), "a name that is no text"
        assert isinstance(frame.file, str), "a file that is no text"
        assert type(frame.line) is int, "a line that is no number"
    for lane in profile.lanes:
        assert lane.unit in ("nanoseconds", "bytes", "none"), f"the unit {lane.unit}"
        for node, weight in lane.runs:
            assert -1 <= node < len(table), "a run of no node"
            assert type(weight) is int, f"the weight {weight!r}"
            assert weight >= 0, f"the weight {weight}"


# ---- damage ----------------------------------------------------------------------------------


def damaged(data: bytes, source: random.Random) -> bytes:
    """Return a file with one to eight things changed in it."""
    plain = decompressed(data)
    for _ in range(source.choice((1, 1, 1, 2, 3, 8))):
        plain = source.choice(_DAMAGES)(plain, source)
    if source.random() < 0.2:
        plain = gzip.compress(plain, 1, mtime=0)
        if source.random() < 0.3:
            plain = _cut(plain, source)
    return plain


def _flip(data: bytes, source: random.Random) -> bytes:
    copy = bytearray(data)
    for _ in range(source.choice((1, 1, 4, 16))):
        if copy:
            copy[source.randrange(len(copy))] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
    return bytes(copy)


def _cut(data: bytes, source: random.Random) -> bytes:
    start, end = _span(data, source)
    return data[:start] + data[end:]


def _repeat(data: bytes, source: random.Random) -> bytes:
    start, end = _span(data, source)
    return data[:start] + data[start:end] * source.choice((2, 3, 50)) + data[end:]


def _move(data: bytes, source: random.Random) -> bytes:
    start, end = _span(data, source)
    place = source.randrange(len(data) + 1)
    return data[:place] + data[start:end] + data[place:]


def _renumber(data: bytes, source: random.Random) -> bytes:
    """Put another number in the place of digits."""
    places = [place for place in range(len(data)) if data[place : place + 1].isdigit()]
    if not places:
        return _flip(data, source)
    start = end = source.choice(places)
    while data[end : end + 1].isdigit():
        end += 1
    return data[:start] + str(source.choice(_NUMBERS)).encode() + data[end:]


def _rejson(data: bytes, source: random.Random) -> bytes:
    """Change one value somewhere in a JSON document."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _flip(data, source)
    if not isinstance(document, dict):
        return _flip(data, source)
    at: Any = document
    while True:
        keys: list[Any] = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return data
        key = source.choice(keys)
        if not isinstance(at[key], (dict, list)) or not at[key] or source.random() < 0.2:
            break
        at = at[key]
    _change(at, key, source)
    return json.dumps(document).encode()


def _change(at: Any, key: Any, source: random.Random) -> None:
    kind = source.randrange(6)
    if kind == 0:
        del at[key]
    elif kind == 1:
        at[key] = source.choice(_NUMBERS)
    elif kind == 2:
        at[key] = source.choice(_TEXTS)
    elif kind == 3:
        at[key] = source.choice((None, True, [], {}, [[]], [at[key]], {"a": at[key]}))
    elif kind == 4 and isinstance(at[key], list):
        at[key] = at[key] * source.choice((2, 3, 2000 if len(at[key]) < 20 else 2))
    elif isinstance(at, list):
        source.shuffle(at)
    else:
        at[source.choice(sorted(at))] = at[key]


def _span(data: bytes, source: random.Random) -> tuple[int, int]:
    start = source.randrange(len(data) + 1)
    return start, min(len(data), start + source.choice((1, 2, 8, 64, 512)))


_DAMAGES = (_flip, _cut, _repeat, _move, _renumber, _rejson, _rejson)


def main() -> int:
    """Print what came of it, by kind, and return 1 where anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    print(f"seed {seed}, {arguments.seconds:g} s", flush=True)
    counts: dict[str, Counter[str]] = {name: Counter() for name in SAMPLES}
    kept = Path(tempfile.gettempdir())
    wrong, begun = 0, time.monotonic()
    slowest = dict.fromkeys(SAMPLES, 0.0)
    for name, outcome, data in fuzz(arguments.seconds, seed):
        slowest[name] = max(slowest[name], time.monotonic() - begun)
        begun = time.monotonic()
        bad = outcome not in ("read", "refused")
        counts[name]["wrong" if bad else outcome] += 1
        if bad:
            wrong += 1
            path = kept / f"fuzz-{seed}-{wrong}"
            if wrong <= 20:
                path.write_bytes(data)
                print(f"{name}: {outcome[:200]}\n  kept in {path}", flush=True)
    print(f"\n{'made from':22}{'files':>10}{'read':>10}{'refused':>10}{'wrong':>10}{'slowest':>10}")
    for name, outcomes in counts.items():
        numbers = (sum(outcomes.values()), *(outcomes[kind] for kind in ("read", "refused", "wrong")))
        print(f"{name:22}" + "".join(f"{number:>10,}" for number in numbers) + f"{slowest[name]:>8.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
