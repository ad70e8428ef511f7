import random
from types import SimpleNamespace

from profiler.capture import ProcessMemory
from tests.unit.leaks.builders import FRAMES, capture, container, of_entries, site
from viewer.leaks import judge
from viewer.leaks.collector import Collector


def series_of(captures):
    """Return the facts of an environment with its subjects, by their kind."""
    collector = Collector("app", "env-a")
    for each in captures:
        collector.add(each)
    facts, subjects = collector.finish()
    subjects = list(subjects)
    return SimpleNamespace(
        **{name: getattr(facts, name) for name in facts.__dataclass_fields__},
        containers=tuple(one.container for one in subjects if one.container),
        sites=tuple(one.series for one in subjects if one.series.subject.kind == "allocation site"),
    )


def entries_of(captures, path="app.CACHE"):
    [found] = [each for each in series_of(captures).containers if each.entries.subject.name == path]
    return dict(zip(found.entries.xs, found.entries.ys, strict=True))


def test_the_x_axis_is_the_sequence_in_any_order():
    captures = [capture(n, [container(n * 10)]) for n in (2, 3, 7, 50)]
    random.Random(1).shuffle(captures)
    assert list(entries_of(captures).items()) == [(2, 20), (3, 30), (7, 70), (50, 500)]


def test_of_a_repeated_sequence_the_newest_counts_in_either_order():
    old, new = capture(5, [container(1)]), capture(5, [container(2)], of={"started_at_ns": 10**12})
    assert entries_of([old, new]) == entries_of([new, old]) == {5: 2}


def test_cold_invocations_are_left_out():
    assert entries_of([capture(1, [container(9)]), capture(2, [container(10)])]) == {2: 10}


def test_what_was_cut_short_or_did_not_look_is_skipped():
    cut_short, did_not_look = capture(8, [container(99)], complete=False), capture(9, memory={"mode": "off"})
    captures = [*of_entries([1, 2]), cut_short, did_not_look]
    found = series_of(captures)
    assert (found.warm, found.skipped) == (2, 2)
    assert entries_of(captures) == {2: 1, 3: 2}


def test_absent_is_empty_only_where_the_census_was_complete():
    captures = [capture(2), capture(3, memory={"census_complete": False}), capture(4, [container(7)])]
    assert entries_of(captures) == {2: 0, 4: 7}


def test_absent_below_a_large_container_is_unknown():
    captures = [
        capture(2, [container(20), container(60, "app.CACHE[]")]),
        capture(3, [container(40)]),
        capture(4),
    ]
    assert entries_of(captures, "app.CACHE[]") == {2: 60, 4: 0}


def test_only_the_longest_stretch_of_tracing_counts_for_sites_and_process():
    def traced(sequence, since, live):
        return capture(
            sequence,
            sites=[site(1, live)],
            memory={"mode": "tracemalloc", "tracing_since": since},
            process=ProcessMemory(rss_bytes=live),
        )

    plain = [capture(n, process=ProcessMemory(rss_bytes=n)) for n in (2, 3)]
    found = series_of([*plain, traced(4, 4, 900), traced(20, 20, 5), traced(21, 20, 6), traced(22, 20, 7)])
    assert (found.sites[0].xs, found.sites[0].ys) == ((20, 21, 22), (5, 6, 7))
    assert found.process[0].xs == (20, 21, 22)
    assert found.process_traced
    assert found.last_rss_bytes == 7


def test_an_absent_site_holds_nothing_unless_the_list_was_cut():
    tracing = {"mode": "tracemalloc", "tracing_since": 2}
    many = [site(3, 1)] * 300
    captures = [
        capture(2, memory=tracing),
        capture(3, sites=many, memory=tracing),
        capture(4, sites=[site(1, 8)], memory=tracing),
    ]
    [found] = [each for each in series_of(captures).sites if each.subject.stack == (FRAMES[1],)]
    assert (found.xs, found.ys) == ((2, 4), (0, 8))
    assert found.subject.name.endswith("app.py:7 in lookup")


def test_bound_and_type_are_those_of_the_last_capture_and_lines_are_counted():
    captures = [
        capture(4, [container(3, bound=None, filled_at=(2,))]),
        capture(2, [container(1, bound=2, filled_at=(1,))]),
        capture(3, [container(2, bound=2, filled_at=(1,), expires=True, bytes=64)]),
    ]
    [found] = series_of(captures).containers
    assert (found.bound, found.expires) == (None, True)
    assert found.filled_at == (FRAMES[1], FRAMES[2])
    assert (found.bytes.xs, found.bytes.ys) == ((3,), (64,))


def test_nothing_gives_nothing():
    found = series_of([])
    assert (found.warm, found.containers, found.sites) == (0, (), ())


def shared(first_entries, second_entries, second_start_ns=10**6 + 1):
    """Return captures of two environments with one id, which run side by side."""
    first = [
        capture(n, [container(entries)], of={"request_id": f"a{n}", "started_at_ns": n * 10**6})
        for n, entries in enumerate(first_entries, 1)
    ]
    second = [
        capture(
            n, [container(entries)], of={"request_id": f"b{n}", "started_at_ns": n * 10**6 + second_start_ns}
        )
        for n, entries in enumerate(second_entries, 1)
    ]
    return first + second


def test_of_two_environments_with_one_id_the_longer_is_judged():
    captures = shared([7] * 20, range(30))
    assert entries_of(captures) == {n: n - 1 for n in range(2, 31)}
    [note] = series_of(captures).notes
    assert note.startswith("2 environments share this id")
    assert "20 captures of the others are not" in note


def test_one_after_the_other_they_are_not_joined():
    captures = shared(range(30), [5] * 10, second_start_ns=10**9)
    assert entries_of(captures) == {n: n - 1 for n in range(2, 31)}


def test_a_clock_that_went_back_is_told_and_the_numbers_give_the_order():
    captures = [
        capture(n, [container(n)], of={"started_at_ns": 10**9 - n if n > 5 else 10**9 + n})
        for n in range(1, 11)
    ]
    assert entries_of(captures) == {n: n for n in range(2, 11)}
    assert "the clock went back" in series_of(captures).notes[0]


def test_an_orderly_environment_has_no_notes():
    assert series_of([capture(n, [container(n)]) for n in (1, 2, 5, 9)]).notes == ()


def test_what_is_always_the_same_takes_no_room_and_is_judged_by_all():
    captures = [capture(n, [container(7), container(n, "app.GROWS")]) for n in range(1, 2_001)]
    environment = series_of(captures)
    same, grows = (one.entries for one in environment.containers)
    assert (len(same.xs), same.seen, set(same.ys)) == (40, 1_999, {7})
    assert (same.xs[0], same.xs[-1]) == (2, 2_000)
    assert (len(grows.xs), grows.seen) == (1_999, 1_999)
    assert [other.invocations for other in judge(captures).others if other.subject == "app.CACHE"] == [1_999]


def test_a_run_of_equal_values_ends_where_an_observation_is_missing():
    captures = [
        capture(n, [container(7)] if n % 10 else [], memory={"census_complete": False}) for n in range(1, 31)
    ]
    [cache] = series_of(captures).containers
    assert cache.entries.xs == tuple(n for n in range(2, 31) if n % 10)
