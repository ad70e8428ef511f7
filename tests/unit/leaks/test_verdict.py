"""The verdicts, through captures, and how often they are wrong."""

from random import Random

import pytest

from tests.unit.leaks.builders import of_entries
from tests.unit.leaks.shapes import FOUND, SILENT
from viewer.leaks import judge
from viewer.leaks.series import Series, Subject
from viewer.leaks.trend import ALPHA, looks_factor, next_look, trend_of
from viewer.leaks.verdict import VERDICTS, judge_series

SERIES_PER_SHAPE = 200


def series(values):
    subject = Subject("container", "app.CACHE", "entries")
    return Series(subject, tuple(range(2, len(values) + 2)), tuple(values), len(values))


def verdict_of(values):
    one = series(values)
    trend = trend_of(one)
    return judge_series(one, trend, trend.p).verdict


def judged(values, **changes):
    """Return (verdict, reason) of the container in captures of it."""
    report = judge(of_entries(values, **changes))
    if report.findings:
        return "leak", report.findings[0].advice.text
    [other] = [other for other in report.others if other.kind == "container"]
    return other.verdict, other.reason


def leaks_in_percent(name, shape, count):
    rng = Random(f"{name} {count}")
    verdicts = [verdict_of(shape(rng, count)) for _ in range(SERIES_PER_SHAPE)]
    assert set(verdicts) <= set(VERDICTS)
    return 100 * verdicts.count("leak") / SERIES_PER_SHAPE


@pytest.mark.parametrize("name", SILENT)
def test_look_alikes_stay_silent(name):
    shape, at_39, at_100 = SILENT[name]
    assert leaks_in_percent(name, shape, 39) <= at_39
    assert leaks_in_percent(name, shape, 100) <= at_100


@pytest.mark.parametrize("name", FOUND)
def test_leaks_are_found(name):
    shape, at_39, at_100 = FOUND[name]
    assert leaks_in_percent(name, shape, 39) >= at_39
    assert leaks_in_percent(name, shape, 100) >= at_100


def leaks_across_a_gap(name, shape):
    """Return how many of 100 series are called leaks whose beginning and end alone were captured."""
    rng = Random(f"{name} gap")
    seen = [*range(20), *range(380, 400)]
    leaks = 0
    for _ in range(100):
        values = shape(rng, 400)
        one = Series(
            Subject("container", "app.CACHE", "entries"),
            tuple(n + 2 for n in seen),
            tuple(values[n] for n in seen),
            len(seen),
        )
        trend = trend_of(one)
        leaks += judge_series(one, trend, trend.p).verdict == "leak"
    return leaks


@pytest.mark.parametrize("name", SILENT)
def test_look_alikes_stay_silent_across_a_gap(name):
    assert leaks_across_a_gap(name, SILENT[name][0]) <= 2


@pytest.mark.parametrize("name", [name for name in FOUND if name != "very noisy"])
def test_leaks_are_found_across_a_gap(name):
    assert leaks_across_a_gap(name, FOUND[name][0]) >= 60


def test_looking_after_every_invocation_does_not_cheat():
    rng = Random(5)
    caught = 0
    for _ in range(300):
        values = [int(rng.gauss(1000, 50)) for _ in range(120)]
        caught += any(trend_of(series(values[:count])).p < ALPHA for count in range(20, 121))
    assert caught <= 300 * ALPHA


def test_the_shares_of_all_looks_add_up_to_one():
    assert [looks_factor(n) for n in (0, 19, 20, 39, 40, 80, 159)] == [2, 2, 2, 2, 6, 12, 12]
    assert sum(1 / looks_factor(20 * 2**k) for k in range(1000)) == pytest.approx(1, abs=0.01)
    assert [next_look(n) for n in (0, 19, 20, 39)] == [20, 1, 20, 39]


def test_too_few():
    assert judged(range(19)) == ("insufficient", "only 19 warm invocations so far, 20 are needed")
    assert judged([x * 5 for x in range(20)])[0] == "leak"


def test_gaps_in_the_sequence_are_no_steps():
    [finding] = judge(of_entries([5 * n for n in range(60)])[::3]).findings
    assert finding.slope.value == 5


def test_stable():
    assert judged([7] * 40) == ("stable", "always 7 entries")
    verdict, reason = judged([7 + n % 2 for n in range(40)])
    assert (verdict, reason) == ("stable", "between 7 and 8 entries, without a trend")


def test_a_full_cache_is_bounded_by_its_bound_however_few_the_captures():
    assert judged([90, 100, 100], bound=100) == ("bounded", "full: it holds at most 100 entries")


def test_a_cache_that_fills_is_bounded_by_its_bound():
    verdict, reason = judged([5 * n for n in range(1, 41)], bound=1000, bytes=2000)
    assert verdict == "bounded"
    assert reason == "grows and holds 200 now, will stop at 1,000 entries, about 9.77 KB"


def test_a_bound_that_is_passed_or_beyond_the_memory_limit_is_none():
    values = [5 * n for n in range(1, 41)]
    assert judged(values, bound=100)[0] == "leak"
    verdict, advice = judged(values, bound=10**9, bytes=200_000)
    assert (verdict, advice) == ("leak", "its bound of 1,000,000,000 is more than the memory holds: lower it")


def test_a_cache_that_filled_without_a_known_bound():
    verdict, reason = judged([min(100, 5 * n) for n in range(1, 61)])
    assert (verdict, reason) == ("bounded", "grew from 5 to 100 entries, and not in the last 40 invocations")


def test_a_cache_that_filled_only_just_is_not_yet_bounded():
    verdict, reason = judged([min(250, 5 * n) for n in range(1, 61)])
    assert verdict == "insufficient"
    assert "too few to say that it has stopped" in reason


def test_entries_that_expire_are_no_leak():
    assert judged([100] * 40, expires=True)[0] == "stable"
    verdict, reason = judged([5 * n for n in range(40)], expires=True)
    assert verdict == "insufficient"
    assert "time to live" in reason


def test_warm_up():
    verdict, reason = judged([10] * 8 + [60] * 32)
    assert (verdict, reason) == ("warm-up", "one step, from 10 to 60 entries, at invocation 10")
    assert judged([10] * 35 + [60] * 5)[0] == "insufficient"


def test_sawtooth():
    verdict, reason = judged([n % 10 for n in range(45)])
    assert (verdict, reason) == ("sawtooth", "grows and is emptied: 4 times from up to 9 to 0 entries")


def test_a_rare_path_is_insufficient_and_never_stable():
    verdict, reason = judged([n // 10 for n in range(40)])
    assert (verdict, reason) == ("insufficient", "grew only 3 times: too few to say whether it goes on")


def test_growth_that_slows_down_is_insufficient():
    verdict, reason = judged([int(100 * n**0.5) for n in range(60)])
    assert (verdict, reason) == ("insufficient", "grows, but more and more slowly: it may stop")


def test_a_process_that_says_nothing_is_insufficient():
    report = judge(of_entries([7] * 40))
    assert {other.verdict for other in report.others if other.kind == "process"} == {"insufficient"}
