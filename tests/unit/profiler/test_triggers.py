"""Which invocations are captured, and which of those are kept."""

from __future__ import annotations

import copy
import random
import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.capture import AllocationSite, Memory, ProcessMemory
from profiler.triggers import Keep, Rules, Seen, Triggers, parse_keep, parse_rules
from profiler.triggers.carriers import tokens_in
from profiler.triggers.token import LENGTH, REMEMBERED_AT_MOST, Verifier, make_token
from tests.events import CARRIERS, NAME, load
from tests.unit.profiler.helpers import run_python

KEY = "a key that nobody guesses"
NOW_S = 1_767_323_045
ALL = Rules(rate=True)


def token(*, key: str = KEY, function: str = "shop", left_s: int = 600, number: int = 1) -> str:
    return make_token(key, function, int(time.time()) + left_s, f"{number:016x}")


# ---- before: by number and by share --------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "rate", "expected"),
    [
        ("rate", 1.0, dict.fromkeys(range(1, 13), "rate")),
        ("rate", 0.0, {}),
        ("cold", 1.0, {1: "cold"}),
        ("first:3", 1.0, {1: "first", 2: "first", 3: "first"}),
        ("every:5", 1.0, {5: "every", 10: "every"}),
        ("cold,every:4", 1.0, {1: "cold", 4: "every", 8: "every", 12: "every"}),
        ("first:2, rate", 0.0, {1: "first", 2: "first"}),
    ],
)
def test_which_numbers_are_captured(rules: str, rate: float, expected: dict[int, str]) -> None:
    triggers = Triggers(parse_rules(rules), rate, 1000)
    fired = {number: triggers.fires(number) for number in range(1, 13)}
    assert {number: name for number, name in fired.items() if name} == expected
    assert parse_rules(rules).expected(12, rate) == len(expected)


@pytest.mark.parametrize(
    "value",
    [
        *("", ",", "never", "first", "first:", "first:0", "first:-1", "every:x", "cold:1", "first:1.5"),
        *("first:" + "9" * 5000, "every:٣", "first:+1", "first: 1"),
    ],
)
def test_wrong_rules_say_what_is_allowed(value: str) -> None:
    with pytest.raises(ValueError, match="allowed are rate, cold, first:N and every:N"):
        parse_rules(value)


def test_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([0, 2**30 - 1, 2**30, 2**32 - 1])
    monkeypatch.setattr("os.urandom", lambda size: next(draws).to_bytes(size, "little"))
    triggers = Triggers(ALL, 0.25, 1000)
    assert [triggers.fires(number) for number in range(1, 5)] == ["rate", "rate", None, None]


def test_no_more_than_the_bound_and_what_is_not_kept_does_not_count() -> None:
    triggers = Triggers(ALL, 1, 3)
    assert [triggers.fires(number) for number in range(1, 6)] == ["rate"] * 3 + [None] * 2
    assert not triggers.expects_more_after(5)
    triggers.take_back()
    assert triggers.expects_more_after(5)
    assert triggers.fires(6) == "rate"
    assert triggers.fires(7) is None


@pytest.mark.parametrize(
    ("rules", "rate", "until"),
    [("rate", 0.001, None), ("every:9", 1, None), ("first:3", 1, 3), ("cold", 1, 1), ("rate", 0, 0)],
)
def test_what_is_still_to_be_expected(rules: str, rate: float, until: int | None) -> None:
    triggers = Triggers(parse_rules(rules), rate, 1000, Verifier(KEY, "shop"))
    expected = [number for number in range(10) if triggers.expects_more_after(number)]
    assert expected == list(range(10 if until is None else until))


def test_the_handlers_random_numbers_are_not_touched() -> None:
    state = random.getstate()
    triggers = Triggers(ALL, 0.5, 1000)
    for number in range(20):
        triggers.fires(number)
    assert random.getstate() == state


# ---- before: a signed request --------------------------------------------------------------------


def test_a_token_is_accepted_once() -> None:
    verifier = Verifier(KEY, "shop")
    text = token()
    assert len(text) == LENGTH
    assert verifier.accepts(text)
    assert not verifier.accepts(text)
    assert verifier.accepts(token(number=2))


def test_the_signature_is_the_documented_one() -> None:
    assert make_token(KEY, "shop", NOW_S, "9f86d081884c7d65") == (
        "v1.1767323045.9f86d081884c7d65.9buqmRr9z6EuVtCcvrXarxkz9Tqz4CTS50iPziX3eCo"
    )


@pytest.mark.parametrize(
    "text",
    [
        token(key="another key of some length"),
        token(function="other"),
        token(left_s=-1),
        token(left_s=8 * 24 * 3600),
        token()[:-1],
        token() + "A",
        token().replace("v1", "v2"),
        token()[:-1] + ("A" if token()[-1] != "A" else "B"),
        "",
        "v1" * 37,
    ],
)
def test_a_token_that_is_not_good_is_refused(text: str) -> None:
    assert not Verifier(KEY, "shop").accepts(text)


@given(st.integers(0, LENGTH - 1), st.characters())
def test_no_character_of_a_token_can_be_changed(place: int, character: str) -> None:
    good = token()
    forged = good[:place] + character + good[place + 1 :]
    assert Verifier(KEY, "shop").accepts(forged) is (forged == good)


def test_verifiers_of_an_environment_take_a_token_once_among_them() -> None:
    used: dict[str, list[int]] = {}
    first, second = (Verifier(KEY, "shop", used) for _ in range(2))
    text = token()
    assert [first.accepts(text), second.accepts(text)] == [True, False]


def test_a_token_may_be_checked_with_nothing_left_to_import() -> None:
    code = """
        import sys
        import profiler.triggers.before, profiler.triggers.carriers
        from profiler.triggers.token import Verifier, make_token
        assert not {"hmac", "hashlib", "base64"} & set(sys.modules)
        verifier = Verifier("sixteen characters", "shop")
        loaded = set(sys.modules)
        assert verifier.accepts(make_token("sixteen characters", "shop", 1000, "0" * 16), 900.0)
        assert set(sys.modules) == loaded, set(sys.modules) - loaded
    """
    done = run_python(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_has_no_shape_costs_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(KEY, "shop")
    good, expired = token(), token(left_s=-5)
    assert verifier.accepts(good)
    monkeypatch.setattr("profiler.triggers.token._signature", lambda *_: pytest.fail("was signed"))
    for text in (good, expired, "x" * LENGTH, good.upper()):
        assert not verifier.accepts(text)


def test_the_memory_of_used_tokens_is_bounded_and_fails_closed() -> None:
    verifier = Verifier(KEY, "shop")
    for number in range(REMEMBERED_AT_MOST):
        assert verifier.accepts(make_token(KEY, "shop", NOW_S + 10, f"{number:016x}"), NOW_S)
    late = make_token(KEY, "shop", NOW_S + 100, "f" * 16)
    assert not verifier.accepts(late, NOW_S)
    assert verifier.accepts(late, NOW_S + 11)  # the others have expired
    assert len(verifier._used) == 1


@pytest.mark.parametrize("name", CARRIERS)
def test_every_event_carries_a_token(name: str) -> None:
    event = load(name)
    assert not any(map(Verifier(KEY, "shop").accepts, tokens_in((event, None))))
    CARRIERS[name](event, token())
    before = copy.deepcopy(event)
    triggers = Triggers(ALL, 0, 1000, Verifier(KEY, "shop"))
    assert triggers.fires(1, (event, None)) == "request"
    assert triggers.fires(2, (event, None)) is None
    assert triggers.fires(3, (object(), before, None)) is None  # of a method, and used already
    assert event == before


def test_the_client_context_carries_a_token() -> None:
    context = SimpleNamespace(client_context=SimpleNamespace(custom={NAME: token()}, env={}, client=None))
    assert list(tokens_in(({}, context))) == [token()]
    assert list(tokens_in((object(), {}, context))) == [token()]


def test_a_forged_token_does_not_hide_a_genuine_one() -> None:
    event = load("sqs")
    CARRIERS["sqs"](event, token())
    event[NAME] = token(key="another key of some length")
    assert Triggers(ALL, 0, 10, Verifier(KEY, "shop")).fires(1, (event, None)) == "request"


def test_a_large_batch_is_not_searched_through() -> None:
    records = [{"messageAttributes": {NAME: {"stringValue": f"{n}"}}} for n in range(10_000)]
    assert list(tokens_in(({"Records": records}, None))) == [str(n) for n in range(10)]


class Hostile(dict[str, Any]):
    """A dict of the user's that must not be asked."""

    def get(self, *_: object) -> Any:
        raise SystemExit("asked")

    __getitem__ = __contains__ = get


def test_only_real_dicts_are_looked_into() -> None:
    for event in (Hostile(headers={NAME: "x"}), {"headers": Hostile()}, {"detail": Hostile()}, [Hostile()]):
        assert list(tokens_in((event, Hostile()))) == []


_NAMES = (
    *(NAME, "X-PROFILE-TOKEN", "headers", "multiValueHeaders", "detail", "Records", "Sns"),
    *("MessageAttributes", "Value", "messageAttributes", "stringValue", "s3", "object", "key"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(NAME),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(_NAMES) | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(_JSON, _JSON, st.text(max_size=80))
def test_no_event_and_no_text_raises_or_fires(event: Any, context: Any, text: str) -> None:
    verifier = Verifier(KEY, "shop")
    assert not verifier.accepts(text)
    assert Triggers(ALL, 0, 10, verifier).fires(1, (event, context)) is None


# ---- after ---------------------------------------------------------------------------------------


def seen(outcome: str = "ok", *, cold: bool = False, ms: float = 10, grew: int = 0) -> Seen:
    return Seen(outcome, cold, round(ms * 1e6), Memory(process=ProcessMemory(rss_growth_bytes=grew)))


@pytest.mark.parametrize(
    ("text", "kept", "dropped"),
    [
        ("always", [seen(), seen("error")], []),
        (
            "error",
            [seen("error"), seen("crashed"), seen("out-of-memory")],
            [seen(), seen("timeout"), seen(ms=9e9)],
        ),
        ("timeout", [seen("timeout")], [seen("error")]),
        ("cold", [seen(cold=True)], [seen()]),
        ("slow:500ms", [seen(ms=500)], [seen(ms=499.9)]),
        ("slow:1.5s", [seen(ms=1500)], [seen(ms=1499)]),
        ("slow:2min", [seen(ms=120_000)], [seen(ms=100_000)]),
        ("slow:20µs", [seen(ms=0.02)], [seen(ms=0.01)]),
        ("grew:64KB", [seen(grew=65_536)], [seen(grew=65_535), seen(grew=-70_000)]),
        ("Grew: 1 MiB , Error", [seen(grew=2**20), seen("error")], [seen(grew=2**19)]),
    ],
)
def test_what_is_kept(text: str, kept: list[Seen], dropped: list[Seen]) -> None:
    keep = parse_keep(text)
    assert all(keep.reason(one) for one in kept)
    assert not any(keep.reason(one) for one in dropped)


def test_the_reason_is_told() -> None:
    keep = parse_keep("error,slow:1s,grew:1MB")
    reasons = [keep.reason(one) for one in (seen("error"), seen(ms=2000), seen(grew=2**21))]
    assert reasons == ["error", "slow", "grew"]


def test_what_was_asked_for_is_kept() -> None:
    one = Seen("ok", False, 1, Memory(), "request")
    assert [parse_keep(text).reason(one) for text in ("error", "always")] == ["request", "always"]


def test_where_tracemalloc_traces_growth_is_what_it_saw_stay() -> None:
    sites = (AllocationSite((0,), 9000, 9, 5000, 5), AllocationSite((1,), 0, 0, -1000, -1))
    process = ProcessMemory(rss_growth_bytes=10**9)
    assert Seen("ok", False, 1, Memory(process=process, sites=sites, tracing_since=2)).growth_bytes == 4000


@pytest.mark.parametrize(
    "value",
    [
        *("", "sometimes", "slow", "slow:", "slow:5", "slow:5parsecs", "grew:-1KB", "always,error"),
        *("error:1", f"slow:{'9' * 400}s", "slow:infs", "slow:1e3s", "grew:٣KB"),
    ],
)
def test_wrong_keeps_say_what_is_allowed(value: str) -> None:
    with pytest.raises(ValueError, match="slow:500ms and grew:64KB"):
        parse_keep(value)


def test_keep_of_nothing_in_particular_is_always() -> None:
    assert Keep().is_always
    assert parse_keep("always") == Keep()
