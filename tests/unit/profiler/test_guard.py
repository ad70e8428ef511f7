"""The profiler's own failures: contained, logged once, and after three it is over."""

from __future__ import annotations

import logging

import pytest

from profiler.guard import FAILURES_AT_MOST, Guard


def fail(guard: Guard, error: BaseException, step: str = "start") -> None:
    with guard(step):
        raise error


def test_three_failures_trip_it_with_one_traceback(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard()
    for number in range(3):
        assert not guard.tripped
        fail(guard, ValueError(number), f"step{number}")
    assert guard.tripped
    with_traceback = [record for record in caplog.records if record.exc_info]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert [record.getMessage() for record in with_traceback] == [
        "profiler: step0 failed; the handler is not affected"
    ]
    assert caplog.messages[-1] == "profiler: disarmed after 3 failures, the last in step2"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_what_is_no_failure_passes(error: BaseException) -> None:
    guard = Guard()
    with pytest.raises(type(error)):
        fail(guard, error)
    assert guard.failures == 0


def test_a_step_that_works_counts_nothing(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard()
    with guard("start"):
        pass
    assert guard.failures == 0
    assert not caplog.records


def test_a_log_that_cannot_be_written_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(27, "File too large")

    monkeypatch.setattr("profiler.guard.logger.warning", refuse)
    guard = Guard()
    for _ in range(FAILURES_AT_MOST):
        with guard("start"):
            raise ValueError("ours")
    assert guard.tripped
