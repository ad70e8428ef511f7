"""A capture's name holds what a listing needs, whatever the function is called."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.capture import OUTCOMES, Capture, Invocation
from profiler.keys import SUFFIX, CaptureKey, function_prefix

# ext4, APFS and NTFS take 255 bytes; a local sink puts a few in front and behind while it writes.
NAME_AT_MOST = 230

names = st.text(st.characters(codec=None), max_size=300) | st.sampled_from(
    ["", "-", ".", "..", "a/b", "a=b", "100%", "%2F", "a b", "ü" * 150, "😀" * 150, "a\\b", "a\nb", "\udc80"]
)


def capture(**changes: object) -> Capture:
    facts = {
        "function_name": "shop",
        "request_id": "r",
        "environment_id": "e",
        "sequence": 1,
        "started_at_ns": 1_700_000_000_123_456_789,
        "duration_ns": 1_234_567,
        "cold": True,
    }
    outcome = str(changes.pop("outcome", "ok"))
    return Capture(Invocation(**(facts | changes)), outcome=outcome)  # type: ignore[arg-type]


@given(
    st.builds(
        capture,
        function_name=names,
        request_id=names,
        environment_id=names,
        sequence=st.integers(1, 10**9),
        started_at_ns=st.integers(0, 4_000_000_000_000_000_000),
        duration_ns=st.integers(0, 10**15),
        outcome=st.sampled_from(OUTCOMES),
    )
)
def test_a_key_is_read_back_from_its_name(some: Capture) -> None:
    key = CaptureKey.of(some)
    path = str(key)
    assert CaptureKey.parse(path) == key
    assert CaptureKey.parse(f"some/prefix/{path}") == key
    assert path.startswith(function_prefix(key.function_name))
    assert all(len(part.encode()) <= NAME_AT_MOST for part in path.split("/"))
    assert path.isascii()
    assert path.count("/") == 3
    assert "\\" not in path


def test_a_key_shows_what_a_listing_asks_for() -> None:
    assert str(CaptureKey.of(capture(outcome="out-of-memory", sequence=17))) == (
        "function=shop/date=2023-11-14/environment=e/"
        f"00000017-20231114T221320.123Z-1234us-out-of-memory-r{SUFFIX}"
    )


def test_the_key_keeps_short_names_whole() -> None:
    key = CaptureKey.of(capture(request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef", function_name="x" * 64))
    assert key.request_id == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    assert key.function_name == "x" * 64


@given(st.lists(st.integers(1, 10**8 - 1), min_size=2, max_size=20, unique=True))
def test_names_sort_by_time_within_an_environment(sequences: list[int]) -> None:
    start = 1_700_000_000_000_000_000
    keys = [
        CaptureKey.of(capture(sequence=number, started_at_ns=start + number * 10**9)) for number in sequences
    ]
    by_name = sorted(keys, key=str)
    assert [key.sequence for key in by_name] == sorted(sequences)
    assert sorted(keys) == by_name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "readme.txt",
        "function=a/date=2024-01-01/environment=e/.00000001-20240101T000000.000Z-1us-ok-r.speedscope.json.gz",
        "function=a/date=2024-01-01/environment=e/00000001-20240101T000000.000Z-1us-fine-r.speedscope.json.gz",
        "function=a/date=2024-01-01/environment=e/00000001-20249901T000000.000Z-1us-ok-r.speedscope.json.gz",
        "function=a/date=2024-01-01/environment=e/00000001-20240101T000000.000Z-1us-ok-r.speedscope.json.gz.part",
        "date=2024-01-01/environment=e/00000001-20240101T000000.000Z-1us-ok-r.speedscope.json.gz",
    ],
)
def test_other_names_are_no_captures(path: str) -> None:
    assert CaptureKey.parse(path) is None


def test_the_first_invocation_is_the_cold_one() -> None:
    key = CaptureKey.of(capture())
    assert key.cold
    assert not replace(key, sequence=2).cold


def test_outcomes_in_names_are_those_of_the_contract() -> None:
    for outcome, sequence in itertools.product(OUTCOMES, (1, 10**8)):
        assert CaptureKey.parse(str(CaptureKey.of(capture(outcome=outcome, sequence=sequence)))) is not None
