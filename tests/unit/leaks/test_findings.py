"""What belongs to one leak is told once."""

import json
from random import Random

from profiler.capture import ProcessMemory
from tests.unit.leaks.builders import FRAMES, MEGABYTE, capture, container, of_entries, site
from viewer.leaks import judge

TRACING = {"mode": "tracemalloc", "tracing_since": 2}
KB = 1024


def jitter(count=40, low=3, high=7, seed=1):
    rng, total = Random(seed), 0
    for _ in range(count):
        total += rng.randint(low, high)
        yield total


def traced(census_of, sites_of, count=40, **changes):
    return [capture(n + 2, census_of(n), sites_of(n), memory=TRACING, **changes) for n in range(count)]


def test_a_container_and_the_line_that_fills_it_are_one_finding():
    captures = traced(
        lambda n: [container(5 * n, filled_at=(1,), bytes=9 * n)],
        lambda n: [site(1, 2000 * n), site(0, 100)],
    )
    [finding] = judge(captures).findings
    assert (finding.kind, finding.subject, finding.unit) == ("container", "app.CACHE", "entries")
    assert finding.slope.value == 5
    assert finding.bytes_per_invocation == 2000
    assert finding.filled_at == (FRAMES[1],)
    assert finding.filled_at_seen
    assert 0.99 < finding.confidence <= 0.999


def test_without_tracing_bytes_are_the_census_estimate_and_lines_are_read():
    captures = [capture(n, [container(5 * n, bytes=700 * n, filled_at=(1,))]) for n in range(2, 42)]
    [finding] = judge(captures).findings
    assert finding.bytes_per_invocation == 700
    assert not finding.filled_at_seen


def test_sites_of_the_same_function_or_in_step_belong_to_the_container():
    growth = list(jitter())
    captures = traced(
        lambda n: [container(growth[n], filled_at=(1,))],
        lambda n: [site(1, 200 * growth[n]), site(2, 90 * growth[n])],
    )
    [finding] = judge(captures).findings
    assert finding.also[0].endswith("app.py:20 in sign")
    assert finding.bytes_per_invocation > 290 * 4


def test_a_site_that_fills_a_bounded_cache_is_no_leak():
    captures = traced(lambda n: [container(5 * n, bound=1000, filled_at=(1,))], lambda n: [site(1, 1000 * n)])
    report = judge(captures)
    assert report.findings == ()
    [other] = [other for other in report.others if other.kind == "allocation site"]
    assert other.verdict == "bounded"
    assert "fills app.CACHE: grows and holds 195 now, will stop at 1,000 entries" in other.reason


def test_a_line_in_an_lru_cached_function_fills_that_cache():
    cache = container(0, "app.lookup", bound=1000)
    cached = type(cache)("app.lookup", "lru_cache", 0, bound=1000)
    captures = traced(
        lambda n: [type(cached)("app.lookup", "lru_cache", 5 * n, bound=1000)],
        lambda n: [site(1, 1000 * n)],
    )
    assert judge(captures).findings == ()


def test_a_site_that_no_container_holds_is_its_own_finding():
    captures = traced(lambda n: [container(7)], lambda n: [site(1, 900 * n)])
    [finding] = judge(captures).findings
    assert (finding.kind, finding.unit, finding.bytes_per_invocation) == ("allocation site", "bytes", 900)
    assert "PROFILER_GC=collect" in finding.advice.text


def test_a_tiny_site_alone_is_a_doubt_and_no_leak():
    report = judge(traced(lambda n: [], lambda n: [site(3, 88 * n)]))
    assert report.findings == ()
    assert any(other.verdict == "insufficient" and "bookkeeping" in other.reason for other in report.others)


def test_what_is_reached_through_a_leaking_container_is_part_of_it():
    def census(n):
        return [container(n, "app.CACHE"), container(3 * n, "app.CACHE.data"), container(n, "app.CACHES")]

    first, second = judge([capture(n, census(n)) for n in range(2, 42)]).findings
    assert {first.subject, second.subject} == {"app.CACHE", "app.CACHES"}
    assert first.also + second.also == ("app.CACHE.data",)


def test_share_of_process_growth_and_invocations_left():
    captures = [
        capture(
            n,
            [container(n, bytes=64 * KB * n)],
            process=ProcessMemory(rss_bytes=100 * MEGABYTE + 96 * KB * n, blocks=90_000 + n),
        )
        for n in range(2, 42)
    ]
    report = judge(captures)
    [finding] = report.findings
    assert round(finding.process_share, 3) == 0.667
    # 256 MB less 104 MB, by 64 KB each
    assert finding.invocations_left == (256 * MEGABYTE - (100 * MEGABYTE + 96 * KB * 41)) // (64 * KB)
    assert not any(other.kind == "process" and other.verdict == "leak" for other in report.others)


def process_only(rss_step, blocks_step, **memory):
    return [
        capture(
            n,
            memory=memory,
            process=ProcessMemory(rss_bytes=100 * MEGABYTE + rss_step * n, blocks=90_000 + blocks_step * n),
        )
        for n in range(2, 42)
    ]


def test_growth_outside_the_python_heap():
    [finding] = judge(process_only(64 * KB, 0)).findings
    assert (finding.kind, finding.subject) == ("process", "resident memory")
    assert finding.bytes_per_invocation == 64 * KB
    assert "Python heap does not explain it" in finding.advice.text


def test_process_growth_that_is_small_or_in_the_heap_or_traced_is_a_doubt():
    for captures in (
        process_only(8 * KB, 0),
        process_only(64 * KB, 400),
        process_only(64 * KB, 0, **TRACING),
    ):
        report = judge(captures)
        assert report.findings == ()
        doubts = [other.subject for other in report.others if other.verdict == "insufficient"]
        assert "resident memory" in doubts


def test_the_same_leak_in_two_environments_is_one_finding_and_surer():
    def environment(name, seed):
        values = [
            int(value + Random(seed * 100 + n).gauss(0, 6)) for n, value in enumerate(jitter(22, seed=seed))
        ]
        return [capture(n, [container(v)], of={"environment_id": name}) for n, v in enumerate(values, 2)]

    one, two = judge(environment("a", 2)), judge(environment("b", 9))
    both = judge([*environment("a", 2), *environment("b", 9)])
    [finding] = both.findings
    assert finding.confidence > max(report.findings[0].confidence for report in (one, two)) > 0.99
    assert sorted(finding.environments) == ["a", "b"]
    assert len(both.environments) == 2


def test_a_longer_look_that_saw_the_end_outweighs_a_leak():
    short = of_entries([5 * n for n in range(1, 31)])
    long = [capture(n, [container(min(300, 5 * n))], of={"environment_id": "env-b"}) for n in range(2, 202)]
    assert judge(short).findings
    report = judge([*short, *long])
    assert report.findings == ()
    [other] = [other for other in report.others if other.kind == "container"]
    assert "grows in environment env-a, but has stopped in env-b" in other.reason


def test_functions_are_judged_apart_and_the_most_urgent_comes_first():
    fast = [
        capture(n, [container(n, bytes=9000 * n)], process=ProcessMemory(rss_bytes=1)) for n in range(2, 42)
    ]
    slow = [
        capture(
            n,
            [container(n, bytes=90 * n)],
            process=ProcessMemory(rss_bytes=1),
            of={"function_name": "aaa"},
        )
        for n in range(2, 42)
    ]
    assert [finding.function for finding in judge([*slow, *fast]).findings] == ["app", "aaa"]


def test_among_many_noisy_sites_none_leaks():
    rng = Random(3)
    captures = [
        capture(
            n,
            memory=TRACING | {"sites": tuple(site(k, rng.randint(1000, 5000)) for k in range(4))},
            census=[container(rng.randint(0, 99), f"app.C{k}") for k in range(150)],
        )
        for n in range(2, 42)
    ]
    assert judge(captures).findings == ()


def test_the_report_is_json_and_does_not_depend_on_the_order():
    captures = traced(lambda n: [container(5 * n, filled_at=(1,))], lambda n: [site(1, 2000 * n)])
    report = judge(captures)
    assert judge(captures[::-1]) == report
    record = json.loads(json.dumps(report.to_json()))
    assert record["findings"][0]["filled_at"] == [{"name": "lookup", "file": "/var/task/app.py", "line": 7}]


def test_nothing_is_a_report_too():
    assert judge([]).environments == ()
