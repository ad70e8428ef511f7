from __future__ import annotations

import accuracy
import lifecycle
import overhead
import pytest
import report
from truth import Call


def tiny_leaf() -> int:
    return sum(number for number in range(20_000))


def tiny_scenario(call: Call) -> None:
    call(tiny_leaf)


def test_overhead_prints_a_row_for_each_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overhead, "WORKLOADS", {"tiny": lambda event, context: tiny_leaf()})
    assert overhead.main(["--quick", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("| ours: wrapped handler |") == 2
    assert "| engine | tiny |" in printed
    assert "CPython" in printed


def test_overhead_refuses_to_run_with_the_flag_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROFILER_ENABLED", "1")
    assert overhead.main(["--quick"]) == 2
    assert "PROFILER_ENABLED" in capsys.readouterr().err


def test_accuracy_prints_a_row_for_each_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(accuracy, "SCENARIOS", {"tiny": tiny_scenario})
    assert accuracy.main(["--quick", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("| ours: sampler 2 ms |") == 2
    assert "tiny_leaf" in printed


def test_with_the_flag_off_the_handler_is_the_same_object() -> None:
    same, _bare_ns, _decorated_ns = overhead.off_cost_ns(rounds=1, calls=10)
    assert same


def test_the_truth_of_a_round_is_the_median_of_each_leaf() -> None:
    assert accuracy.medians([{"a": 1.0, "b": 9.0}, {"a": 3.0, "b": 5.0}, {"a": 2.0, "b": 7.0}]) == {
        "a": 2.0,
        "b": 7.0,
    }


def test_a_spread_is_the_median_and_the_range() -> None:
    assert report.spread([3.0, 1.0, 2.0], ".1f") == "2.0 (1.0–3.0)"
    assert report.spread([1.5], ".2f") == "1.50"
    assert report.spread([], ".2f") == "–"


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--rounds", "many"]])
def test_a_bad_number_of_rounds_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        report.options("title", arguments)


def test_upload_prints_a_row_for_each_mode(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("awslambdaric")
    upload = pytest.importorskip("upload")
    monkeypatch.setattr(upload, "INVOCATIONS", 1)
    monkeypatch.setattr(upload, "WARM_UP", 0)
    assert upload.main(["--quick", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert all(f"| {mode} |" in printed for mode in upload.MODES)


def test_lifecycle_prints_a_row_for_each_mode(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    modes = {name: lifecycle.MODES[name] for name in (lifecycle.BARE, lifecycle.OFF, "sampler alone")}
    monkeypatch.setattr(lifecycle, "MODES", modes)
    monkeypatch.setattr(lifecycle, "INVOCATIONS", 5)
    assert lifecycle.main(["--rounds", "1", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert "| bare | " in printed
    assert "| sampler alone | " in printed
    assert printed.count(" KB |") == 1


def test_the_terminals_waiting_times_are_one_row_a_size(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = pytest.importorskip("terminal")
    monkeypatch.setattr(terminal, "QUICK_SIZES", (100, 200))
    terminal.main(["--quick", "--markdown"])
    printed = capsys.readouterr().out
    assert "| 100 |" in printed
    assert "| 200 |" in printed
