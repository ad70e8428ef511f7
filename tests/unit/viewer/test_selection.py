"""The selectors, over stores in a folder and files that are named one by one."""

import argparse
import json

import pytest

from profiler.codec import encode
from profiler.errors import CaptureFormatError, SelectionError, StoreError
from tests.unit.viewer.builders import STARTED_NS, capture, fill
from viewer.cli import selection
from viewer.cli.filters import parse_since
from viewer.store.local import LocalStore


@pytest.fixture
def store(tmp_path):
    """Ten captures of checkout in two environments, one of payment."""
    folder = tmp_path / "store"
    fill(folder, (capture(n, of={"labels": {"team": "shop" if n % 2 else "ops"}}) for n in range(1, 9)))
    fill(folder, (capture(n, of={"environment_id": "env-b", "sequence": n - 8}) for n in (9, 10)))
    fill(folder, [capture(30, of={"function_name": "payment"})])
    return folder


def arguments(*words):
    parser = argparse.ArgumentParser(exit_on_error=False)
    selection.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def select(*words):
    return selection.select(arguments(*words))


def requests(selected):
    return [int(stored.key.request_id.removeprefix("request-")) for stored in selected.captures]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (("--last", 3), [10, 9, 8]),
        (("--slowest",), [10]),
        (("--slowest", "2"), [10, 9]),
        (("--cold",), [9, 1]),
        (("--warm", "--last", "2"), [10, 8]),
        (("--environment", "env-b"), [10, 9]),
        (("--environment", "env", "--last", "1"), [10]),
        (("--request-id", "request-7"), [7]),
        (("--label", "team=shop"), [7, 5, 3, 1]),
        (("--label", "team=ops", "--last", "1"), [8]),
        (("--since", "2026-01-02T03:04:13"), [10, 9, 8]),
        (("--since", "2026-01-02T04:04:13+01:00"), [10, 9, 8]),
    ],
)
def test_selectors(store, words, expected):
    assert requests(select("checkout", "--store", store, *words)) == expected


def test_slowest_beats_newest(tmp_path):
    fill(tmp_path, [capture(1, of={"duration_ns": 9 * 10**9}), capture(2), capture(3)])
    assert requests(select("checkout", "--store", tmp_path, "--slowest", "2")) == [1, 3]


def test_of_an_invocation_only_the_capture_counts_that_saw_most_of_it(tmp_path):
    whole = [capture(n) for n in (1, 2, 3)]
    early = capture(2, of={"duration_ns": 10**8}, outcome="timeout", complete=False)
    paths = fill(tmp_path, [*whole, early])
    assert requests(select("checkout", "--store", tmp_path)) == [3, 2, 1]
    assert requests(select("checkout", "--store", tmp_path, "--last", "2")) == [3, 2]
    for selected in select("--store", tmp_path), select(*paths):
        assert {stored.key.outcome for stored in selected.captures} == {"ok"}
    # Which of two is meant can still be said.
    assert [stored.key.outcome for stored in select(paths[3]).captures] == ["timeout"]


def test_without_a_selector_the_newest_is_meant_where_one_is_wanted(store, capsys):
    def chosen(*words):
        return requests(selection.select(arguments("checkout", "--store", store, *words), newest=True))

    assert chosen() == [10]
    assert "the newest capture" in capsys.readouterr().err
    assert chosen("--last", 2) == [10, 9]
    assert len(chosen("--warm")) == 8


def test_the_first_is_chosen_where_several_are_selected(store, capsys):
    chosen = selection.choose_one(select("checkout", "--store", store, "--slowest", "3"))
    assert requests(chosen) == [10]
    assert "the first of 3" in capsys.readouterr().err


def test_for_the_newest_older_dates_are_not_even_listed(tmp_path, monkeypatch):
    day = 86_400 * 10**9
    fill(
        tmp_path,
        (
            capture(
                n, of={"started_at_ns": STARTED_NS + n // 2 * day + n % 2, "labels": {"even": str(n % 2)}}
            )
            for n in range(20)
        ),
    )
    listed = []
    real = LocalStore._list_date
    monkeypatch.setattr(
        LocalStore, "_list_date", lambda self, *args: listed.append(args[0]) or real(self, *args)
    )
    assert requests(select("checkout", "--store", tmp_path, "--last", "3")) == [19, 18, 17]
    assert len(listed) == 3, "two dates, and one more to see that the second is over"
    listed.clear()
    assert requests(select("checkout", "--store", tmp_path, "--last", "3", "--label", "even=0")) == [
        18,
        16,
        14,
    ]
    assert len(listed) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [("45s", 45), ("30m", 1800), ("1h", 3600), ("1.5h", 5400), ("2d", 172_800), ("1w", 604_800)],
)
def test_since_counts_back_from_now(text, expected):
    assert parse_since(text, now_ns=STARTED_NS) == STARTED_NS - expected * 10**9


def test_since_takes_dates_as_utc():
    assert parse_since("2026-01-02T03:04:05") == parse_since("2026-01-02T03:04:05Z") == STARTED_NS
    assert parse_since("2026-01-02") == STARTED_NS - (3 * 3600 + 4 * 60 + 5) * 10**9


@pytest.mark.parametrize("text", ["", "1", "yesterday", "h", "-1h", "1y", "2026-13-01", "nan", "infs"])
def test_since_refuses_the_rest(text):
    with pytest.raises(argparse.ArgumentTypeError, match="give 45s"):
        parse_since(text)


@pytest.mark.parametrize(
    "words", [("--last", "0"), ("--slowest", "-1"), ("--last", "x"), ("--label", "team")]
)
def test_bad_values_are_refused(words):
    with pytest.raises(argparse.ArgumentError):
        arguments("checkout", *words)


@pytest.mark.parametrize("words", [("--cold", "--warm"), ("--last", "1", "--slowest")])
def test_contradictions_are_refused(words):
    with pytest.raises(argparse.ArgumentError):
        arguments("checkout", *words)


def test_the_only_function_may_be_left_out_and_is_named(tmp_path, capsys):
    fill(tmp_path, [capture(1)])
    assert requests(select("--store", tmp_path)) == [1]
    assert "checkout" in capsys.readouterr().err


def test_with_several_functions_the_question_says_which(store):
    with pytest.raises(SelectionError, match="checkout, payment"):
        select("--store", store)


def test_ls_takes_all_functions(store):
    args = arguments("--store", store)
    assert len(selection.select(args, all_functions=True).captures) == 11


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shop",), "no captures of shop.*holds checkout, payment"),
        (("checkout", "--environment", "env-z"), "no capture of checkout matches.*holds 10"),
        (("checkout", "--label", "team=none"), "no capture of checkout matches"),
        (("checkout", "payment"), "one function"),
        (("checkout", "a.json"), "not both"),
    ],
)
def test_a_selection_of_nothing_says_what_there_is(store, words, message):
    with pytest.raises(SelectionError, match=message):
        select(*words, "--store", store)


def test_an_empty_store_says_so(tmp_path):
    with pytest.raises(SelectionError, match="holds no captures"):
        select("--store", tmp_path)


def test_a_missing_folder_says_how_to_mend_it(tmp_path):
    with pytest.raises(StoreError, match=r"no such folder.*profiler run"):
        select("--store", tmp_path / "nowhere")


def test_the_store_comes_from_the_environment_and_else_is_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILER_STORE", raising=False)
    fill(tmp_path / "profiles", [capture(1)])
    fill(tmp_path / "other", [capture(2)])
    assert requests(select("checkout")) == [1]
    monkeypatch.setenv("PROFILER_STORE", str(tmp_path / "other"))
    assert requests(select("checkout")) == [2]
    assert requests(select("checkout", "--store", "profiles")) == [1]


def test_the_path_that_ls_gives_names_a_capture_in_the_store(store):
    paths = [stored.path for stored in select("checkout", "--store", store, "--last", "2").captures]
    assert requests(select(*paths, "--store", store)) == [10, 9]
    assert requests(select(f"{store}/{paths[0]}")) == [10]
    with pytest.raises(SelectionError, match="holds no function=checkout"):
        select(paths[0].replace("request", "nobody"), "--store", store)
    with pytest.raises(SelectionError, match="one store"):
        select(paths[0], f"/elsewhere/{paths[1]}")
    with pytest.raises(SelectionError, match="none of the captures"):
        select(*paths, "--store", store, "--environment", "z")


# ---- files --------------------------------------------------------------------------------------


def test_paths_are_taken_wherever_a_function_is(tmp_path):
    paths = fill(tmp_path, [capture(1), capture(2)])
    assert requests(select(*paths)) == [2, 1]
    assert requests(select(*paths, "--cold")) == [1]


def test_a_capture_under_another_name_is_opened_to_see_what_it_is(tmp_path):
    path = tmp_path / "renamed.json.gz"
    path.write_bytes(encode(capture(4)))
    assert requests(select(path)) == [4]


def test_a_plain_speedscope_file_is_kept_apart(tmp_path):
    path = tmp_path / "plain.speedscope.json"
    path.write_text(json.dumps({"shared": {"frames": []}, "profiles": []}))
    selected = select(path)
    assert selected.plain_files == [path]
    with pytest.raises(SelectionError, match=r"plain\.speedscope\.json is a profile of another tool"):
        list(selection.read_captures(selected))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither JSON"),
        (b"{}", "neither"),
        (b"[]", "neither JSON"),
        (encode(capture())[:-20], "truncated"),
        (None, "no such file"),
    ],
)
def test_a_single_bad_file_is_an_error(tmp_path, content, message):
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CaptureFormatError, match=rf"bad\.json: .*{message}"):
        select(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(CaptureFormatError, match="--store"):
        select(f"{tmp_path}/")


def test_a_bad_file_among_good_ones_is_named_and_skipped(tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    selected = select(bad, *fill(tmp_path, [capture(1)]))
    assert requests(selected) == [1]
    assert selected.exit_code() == 2
    assert "bad.json" in capsys.readouterr().err


# ---- reading ------------------------------------------------------------------------------------


def test_broken_captures_are_named_counted_and_skipped(tmp_path, capsys):
    paths = fill(tmp_path, [capture(n) for n in range(1, 101)])
    paths[49].write_bytes(paths[49].read_bytes()[:100])
    selected = select("checkout", "--store", tmp_path)
    read = [capture.invocation.sequence for _, capture in selection.read_captures(selected)]
    assert len(read) == 99
    assert 50 not in read
    [(path, reason)] = selected.broken
    assert "00000050-" in path
    assert "truncated" in reason
    assert capsys.readouterr().err.count("\n") == 1
    assert (selected.exit_code(), selected.exit_code(1)) == (2, 2)


def test_a_capture_that_went_away_since_the_listing_is_skipped(tmp_path):
    paths = fill(tmp_path, [capture(1), capture(2)])
    selected = select("checkout", "--store", tmp_path)
    paths[0].unlink()
    assert [stored.key.sequence for stored, _ in selection.read_captures(selected)] == [2]
    assert len(selected.broken) == 1


def test_the_only_capture_being_broken_is_an_error(tmp_path):
    [path] = fill(tmp_path, [capture(1)])
    path.write_bytes(b"{}")
    with pytest.raises(CaptureFormatError, match="not a capture"):
        list(selection.read_captures(select("checkout", "--store", tmp_path)))


def test_labels_name_the_broken_ones_they_meet(tmp_path):
    paths = fill(tmp_path, [capture(n, of={"labels": {"a": "b"}}) for n in (1, 2, 3)])
    paths[0].write_bytes(b"")
    selected = select("checkout", "--store", tmp_path, "--label", "a=b")
    assert requests(selected) == [3, 2]
    assert len(selected.broken) == 1
