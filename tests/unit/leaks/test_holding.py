"""Types that grow: a leak of their own, a part of another, explained by a cache, or garbage."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from profiler.capture import Container, TypeCount
from tests.unit.leaks.builders import capture, container
from viewer.leaks import Report, judge
from viewer.leaks.reports.words import sentence

Path = str


def run(
    types_of: Callable[[int], Iterable[TypeCount]],
    census_of: Callable[[int], Iterable[Container]] = lambda n: (),
    count: int = 60,
) -> Report:
    return judge(capture(n, census_of(n), memory={"types": tuple(types_of(n))}) for n in range(1, count + 1))


def order(n: int, held_by: Path = "app.HEAD.next…", **changes: int) -> TypeCount:
    return TypeCount("app.Order", 2 * n, held_by, **changes)


def test_objects_that_stay_are_a_finding_with_what_holds_them() -> None:
    report = run(
        lambda n: (TypeCount("dict", 900 + 3 * n, "app.HEAD.next….lines"), order(n, object_bytes=100))
    )
    [finding] = report.findings
    assert (finding.kind, finding.subject, finding.unit) == ("type", "app.Order", "objects")
    assert finding.held_by == "app.HEAD.next…"
    assert finding.slope.value == 2.0
    assert finding.bytes_per_invocation == 200.0
    assert finding.also == ("dict objects",)
    assert finding.advice.rule == "objects-that-stay"
    assert finding.invocations_left is None  # nothing is known of the process
    text = sentence(finding)
    assert text.startswith("app.Order grows by 2.0 objects (200 B) per invocation, more than 99.9 % sure")
    assert "held by app.HEAD.next…" in text


def test_counted_only_now_and_then() -> None:
    report = run(lambda n: (order(n),) if n % 3 == 0 else (), count=90)
    [finding] = report.findings
    assert finding.slope.value == 2.0
    assert finding.invocations == 30


def test_objects_that_nothing_holds_may_be_garbage() -> None:
    report = run(lambda n: (order(n, ""),))
    assert report.findings == ()
    [other] = [one for one in report.others if one.kind == "type"]
    assert (other.subject, other.verdict) == ("app.Order", "insufficient")
    assert "garbage" in other.reason


def test_a_path_that_was_found_later_holds_for_all() -> None:
    report = run(lambda n: (order(n, "app.HEAD" if n == 40 else ""),))
    assert [finding.held_by for finding in report.findings] == ["app.HEAD"]


def test_objects_in_a_leaking_container_are_a_part_of_it() -> None:
    report = run(lambda n: (order(n, "app.CACHE[]"),), lambda n: (container(2 * n),))
    [finding] = report.findings
    assert (finding.kind, finding.subject) == ("container", "app.CACHE")
    assert "app.Order objects" in finding.also


def test_a_cache_that_will_be_full_explains_its_objects() -> None:
    report = run(lambda n: (order(n, "app.CACHE[]"),), lambda n: (container(2 * n, bound=1000),))
    assert report.findings == ()
    [other] = [one for one in report.others if one.kind == "type"]
    assert other.verdict == "bounded"
    assert other.reason.startswith("held by app.CACHE: grows and holds 120 now, will stop at 1,000 entries")


def test_a_container_at_rest_on_the_way_explains_nothing() -> None:
    report = run(lambda n: (order(n, "app.CACHE[].head"),), lambda n: (container(3),))
    assert [finding.kind for finding in report.findings] == ["type"]


def test_a_name_that_only_begins_alike_holds_nothing() -> None:
    report = run(lambda n: (order(n, "app.CACHED.head"),), lambda n: (container(2 * n, bound=1000),))
    assert [finding.kind for finding in report.findings] == ["type"]


def test_what_two_things_hold_is_two_findings() -> None:
    report = run(lambda n: (order(n, "app.HEAD"), TypeCount("app.Span", n, "sdk.tracer.SPANS → Span")))
    assert {finding.held_by for finding in report.findings} == {"app.HEAD", "sdk.tracer.SPANS → Span"}


def test_callbacks_and_exceptions_are_known_by_the_path() -> None:
    [callback] = run(lambda n: (order(n, "sdk.BUS.callbacks[]<payload>"),)).findings
    assert callback.advice.rule == "callbacks"
    [kept] = run(lambda n: (order(n, "app.LAST.__traceback__ → frame of load → Order"),)).findings
    assert kept.advice.rule == "kept-exceptions"


def test_a_package_s_container_is_not_empty_before_it_is_told() -> None:
    grown = [container(100 + n, "sdk.CACHE", suspected=True) for n in range(61)]
    report = run(lambda n: (), lambda n: (grown[n],) if n > 10 else ())
    [finding] = report.findings
    assert (finding.subject, finding.slope.value) == ("sdk.CACHE", 1.0)
    assert finding.curves[0].values[0] == 111
