"""What a store may hold instead of one tidy series: it is judged as far as it can be, and said."""

import gc
import itertools
import random

import pytest

from profiler.capture import ProcessMemory
from tests.unit.leaks.builders import MEGABYTE, capture, container, of_entries, site
from tests.unit.viewer.builders import fill
from viewer.cli import main
from viewer.leaks import judge, judge_groups
from viewer.leaks.observations import Observation, choose
from viewer.leaks.series import Series

HOUR_NS = 3_600 * 10**9


def leaking(count=40, environment="env-a", **changes):
    """Return captures of an environment with a leak, a full cache, a batch, and a growing process."""
    return [
        capture(
            n,
            [
                container(5 * n, "app.PRICES", filled_at=(1,)),
                container(min(100, 9 * n), "app.FULL", bound=100),
                container(n % 7, "app.BATCH"),
            ],
            of={"environment_id": environment, "request_id": f"{environment} {n}", **changes},
            process=ProcessMemory(rss_bytes=100 * MEGABYTE + 2350 * n, blocks=90_000 + n),
        )
        for n in range(1, count + 1)
    ]


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Return what `viewer leaks` says of captures: exit code, answer, notes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILER_STORE", raising=False)

    def leaks(captures):
        fill(tmp_path / "profiles", captures)
        code = main(["leaks"])
        return (code, *capsys.readouterr())

    return leaks


def test_gaps_are_no_steps_and_are_told(told):
    kept = [one for one in leaking(121) if one.invocation.sequence % 3 == 1]
    code, out, err = told(kept)
    assert code == 1
    assert "app.PRICES grows by 5.0 entries" in out
    assert "1 leak in 40 of 118 warm invocations in 1 environment" in out
    assert "environment" not in err


@pytest.mark.parametrize("until", [60, 1_000, 100_000])
def test_what_grew_in_a_long_gap_does_not_hide_what_grows_in_plain_sight(until):
    numbers = [*range(2, 30), *range(until, until + 30)]
    [finding] = judge([capture(n, [container(5 * n)]) for n in numbers]).findings
    assert finding.slope.value == 5


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (lambda n: 10, lambda n: 500, "warm-up"),
        (lambda n: n // 6, lambda n: n // 6, "insufficient"),
        (lambda n: 100 + n % 3, lambda n: 500 + n % 3, "warm-up"),
        (lambda n: 5 * n, lambda n: 500, "bounded"),
    ],
)
def test_a_step_in_a_long_gap_is_one_only_where_nothing_grew_beside_it(before, after, verdict):
    numbers = [*range(2, 14), *range(100_000, 100_012)]
    captures = [capture(n, [container(before(n) if n < 20 else after(n))]) for n in numbers]
    report = judge(captures)
    assert report.findings == ()
    assert [other.verdict for other in report.others if other.kind == "container"] == [verdict]


def test_out_of_order_is_the_same_answer():
    captures = leaking() + leaking(60, "env-b")
    mixed = list(captures)
    random.Random(3).shuffle(mixed)
    assert judge(mixed) == judge(captures)


def test_in_groups_it_is_the_same_answer():
    names = ("env-a", "env-b", "env-c")
    groups = [leaking(30 + 10 * number, name) for number, name in enumerate(names)]
    assert judge_groups(groups) == judge(itertools.chain.from_iterable(groups))


def test_what_groups_leave_in_memory_does_not_grow_with_their_number():
    held = []

    def groups():
        for number in range(40):
            gc.collect()
            held.append(sum(isinstance(each, Series) for each in gc.get_objects()))
            yield leaking(30, f"env-{number:02}")

    [finding] = judge_groups(groups()).findings
    assert len(finding.environments) == 40
    assert len(finding.curves) == 8
    assert held[10] == held[39]


def test_two_environments_with_one_id_are_told_apart(told):
    first = leaking(30)
    second = [
        capture(n, [container(7)], of={"request_id": f"b{n}", "started_at_ns": n * 10**9 + 1})
        for n in range(1, 50)
    ]
    code, out, err = told(first + second)
    assert code == 0
    assert "No leak in 48 warm invocations" in out
    assert "environment env-a: 2 environments share this id" in err
    assert "30 captures of the others are not" in err


def test_any_number_of_environments_with_one_id():
    runs = [
        Observation(n, hash((run, n)), run * 10**6 + n, n == 1, True, None, True, None, None)
        for run in range(3_000)
        for n in range(1, 3 if run else 5)
    ]
    random.Random(1).shuffle(runs)
    chosen, [note] = choose(runs)
    assert [item.sequence for _, item in chosen] == [2, 3, 4]
    assert {item.started_at_ns for _, item in chosen} == {2, 3, 4}
    assert note.startswith("3,000 environments share this id")


def test_mixed_modes_are_told_and_each_subject_has_what_tells_of_it(told):
    def look(n):
        if n <= 20:
            return {}
        return {"mode": "off"} if n <= 30 else {"mode": "tracemalloc", "tracing_since": 31}

    captures = [
        capture(n, [container(5 * n, filled_at=(1,))], [site(1, 900 * n)], memory=look(n))
        for n in range(2, 71)
    ]
    [finding] = judge(captures).findings
    assert (finding.subject, finding.invocations, finding.slope.value) == ("app.CACHE", 59, 5)
    # From the stretch that was traced alone: 900 bytes each.
    assert (finding.bytes_per_invocation, finding.filled_at_seen) == (900, True)
    code, _, err = told(captures)
    assert code == 1
    assert "tracemalloc in 40 captures, census in 19 captures, off in 10 captures" in err


def test_a_clock_that_went_back_is_told_and_gives_no_time_left(told):
    captures = [
        capture(
            n,
            [container(5 * n, bytes=2350 * n)],
            of={"started_at_ns": (100 - n if n > 20 else n + 200) * HOUR_NS},
            process=ProcessMemory(rss_bytes=100 * MEGABYTE + 2350 * n, blocks=9),
        )
        for n in range(1, 41)
    ]
    code, out, err = told(captures)
    assert code == 1
    assert "app.CACHE grows by 5.0 entries" in out
    assert "present rate" not in out
    assert "the clock went back" in err


def test_one_invocation_only(told):
    code, out, _ = told(of_entries([5]))
    assert code == 0
    assert "only 1 warm invocation so far, 20 are needed; look again after 19 more invocations" in out
    assert "No leak in 1 warm invocation in 1 environment" in out


def test_the_cold_invocation_only(told):
    code, out, _ = told([capture(1, [container(5)])])
    assert code == 0
    assert "Nothing to judge" in out


def test_among_very_many_subjects_the_leak_is_found_and_the_others_are_counted(told):
    rng = random.Random(5)
    captures = [
        capture(
            n,
            [
                container(5 * n, "app.LEAK"),
                *(container(size, f"app.CACHE_{size}") for size in range(4_000)),
                *(container(rng.randrange(50), f"app.BUSY_{number}") for number in range(1_000)),
                *(container(1, f"app.ONCE_{n}_{number}") for number in range(100)),
            ],
        )
        for n in range(1, 41)
    ]
    report = judge(captures)
    assert [finding.subject for finding in report.findings] == ["app.LEAK"]
    assert len(report.others) == 4_000 + 1_000 + 40 * 100
    code, out, _ = told(captures)
    assert code == 1
    assert "more judged harmless" in out


def test_very_many_leaks_are_no_more_work_each():
    captures = [
        capture(n, [container(n, f"app.C{number}{below}") for number in range(1_000) for below in ("", "[]")])
        for n in range(2, 24)
    ]
    findings = judge(captures).findings
    assert len(findings) == 1_000
    assert findings[7].also == (f"{findings[7].subject}[]",)
