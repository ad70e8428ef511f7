"""With the flag on, awkward handlers answer, fail, end and log as they do with it off."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("awslambdaric")
pytest.importorskip("resource")

from profiler.testing import ExecutionEnvironment, InvocationResult
from tests.awkward import app
from tests.integration.emulated import PYTHON

ROOT = Path(__file__).parents[2]
TASK_ROOT = ROOT / "tests" / "awkward"
TIMEOUT_S = 10.0
SHORT_TIMEOUT_S = 1.5
# These are ended by the time-out; they are given a short one.
ENDLESS = {"takes_too_long", "is_busy_too_long"}
# Each differs from the default in what could disturb a handler.
VARIANTS: dict[str, dict[str, str]] = {
    "sampler": {},
    "cpu-clock": {"PROFILER_CLOCK": "cpu", "PROFILER_INTERVAL_MS": "0.5"},
    "pyinstrument": {"PROFILER_CPU": "pyinstrument"},
    "yappi": {"PROFILER_CPU": "yappi"},
    "cprofile": {"PROFILER_CPU": "cprofile"},
    "tracemalloc": {"PROFILER_MEMORY": "tracemalloc", "PROFILER_GC": "collect"},
    "before-response": {"PROFILER_UPLOAD": "before-response"},
}
# What the profiler cannot hide, with the reason.
KNOWN = {
    (
        "pyinstrument",
        "own_profile_function",
    ): "sys.setprofile does not take back pyinstrument's hook",
    (
        "cprofile",
        "own_profile_function",
    ): "up to Python 3.11 sys.getprofile() gives cProfile's object, which sys.setprofile cannot set again",
    (
        "cprofile",
        "own_cprofile",
    ): "from Python 3.12 on there is one place for cProfile, and ours is in it",
}
# Here a step of the profiler fails: it says so, once, with its traceback; the rest is the same. From Python
# 3.13 on it starts its thread in another way than the one that is broken.
TOLD = {"breaks_its_json", "starts_no_thread"}


@dataclass(frozen=True)
class Seen:
    """What the caller of a function and the reader of its log see."""

    status: str
    payload: object
    error_type: str | None
    reset: str | None
    log: str


def environment(tmp_path: Path, variables: dict[str, str]) -> ExecutionEnvironment:
    env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    if variables:
        env |= {"PROFILER_ENABLED": "1", "PROFILER_STORE": str(tmp_path / "store")}
    return ExecutionEnvironment("app.handler", TASK_ROOT, python=PYTHON, env=env, memory_mb=1024)


def seen(result: InvocationResult) -> Seen:
    payload = result.payload
    if isinstance(payload, dict):
        payload = {name: value for name, value in payload.items() if name != "requestId"}
    return Seen(result.status, _neutral(payload), result.error_type, result.reset, _neutral_log(result.log))


def _neutral(value: Any) -> Any:
    """Take out what differs from one run to the next: ids, addresses, times."""
    if isinstance(value, str):
        value = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "ID", value)
        value = re.sub(r"\[\d{13}\]", "[MILLISECONDS]", value)
        value = re.sub(r"0x[0-9a-f]+", "ADDRESS", value)
        value = re.sub(r"repeated \d+ more times", "repeated MANY more times", value)
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", value)
    if isinstance(value, list):
        return [_neutral(part) for part in value]
    if isinstance(value, dict):
        return {name: _neutral(part) for name, part in value.items()}
    return value


def _neutral_log(log: str) -> str:
    """Take out the wrapper's one frame: the interpreter, unlike the runtime client, prints it.

    For the same frame a recursion ends one call earlier.
    """
    log = re.sub(r'  File ".*/profiler/bootstrap\.py", .*\n(    .*\n)+', "", _neutral(log))
    return re.sub(r"repeated \d+ more times", "repeated MANY more times", log)


def run_cases(folder: Path, variables: dict[str, str]) -> dict[str, list[Seen]]:
    """Run each case twice in one environment, in order; then each wreck once in one of its own."""
    answers: dict[str, list[Seen]] = {}
    with environment(folder, variables) as shared:
        for name in app.CASES:
            answers[name] = [seen(shared.invoke({"case": name}, timeout_s=TIMEOUT_S)) for _ in range(2)]
    for name in app.WRECKS:
        with environment(folder, variables) as own:
            timeout_s = SHORT_TIMEOUT_S if name in ENDLESS else TIMEOUT_S
            first = seen(own.invoke({"case": name}, timeout_s=timeout_s))
            # And the invocation after it: in the same process, or in a new one.
            answers[name] = [first, seen(own.invoke({"case": "answers_the_event"}, timeout_s=TIMEOUT_S))]
    return answers


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Seen]]:
    return run_cases(tmp_path_factory.mktemp("off"), {})


@pytest.fixture(scope="module", params=VARIANTS)
def variant(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, list[Seen]], Path]:
    folder = tmp_path_factory.mktemp(request.param)
    variables = VARIANTS[request.param] | {"PROFILER_LABELS": f"variant={request.param}"}
    return request.param, run_cases(folder, variables), folder


def test_the_profiler_was_at_work(variant: tuple[str, dict[str, list[Seen]], Path]) -> None:
    _, answers, folder = variant
    captures = list((folder / "store").rglob("*.speedscope.json.gz"))
    assert len(captures) >= 2 * len(app.CASES) * 0.9
    assert len(answers) == len(app.CASES) + len(app.WRECKS)


@pytest.mark.parametrize("name", [*app.CASES, *app.WRECKS])
def test_nothing_differs(
    name: str, without: dict[str, list[Seen]], variant: tuple[str, dict[str, list[Seen]], Path]
) -> None:
    which, answers, _ = variant
    seen, expected = answers[name], without[name]
    if (which, name) in KNOWN and seen != expected:
        pytest.xfail(KNOWN[which, name])
    if name in TOLD:
        assert seen[0].log.count("the handler is not affected") <= 1
        seen, expected = ([replace(one, log="") for one in each] for each in (seen, expected))
    assert seen == expected


def test_the_corpus_does_what_it_says(without: dict[str, list[Seen]]) -> None:
    assert without["answers_the_event"][0].status == "ok"
    assert without["raises"][0].error_type == "KeyError"
    assert without["exits"][0].status in ("crashed", "error")
    assert without["takes_too_long"][0].status == "timeout"
    assert without["own_alarm"][0].payload == "woken"
    assert without["deep_recursion"][0].payload == 800
    assert {answer.status for name in app.CASES for answer in without[name]} == {"ok", "error"}
