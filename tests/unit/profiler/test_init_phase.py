"""The init phase: what is captured of an import, and that nothing of ours reaches the function."""

from __future__ import annotations

import importlib._bootstrap as _bootstrap
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from profiler import host, init_limit
from profiler.capture import Capture
from profiler.engines.base import Declined
from profiler.init_limit import InitLimit, left_of_init_s
from profiler.init_phase import InitPhase
from profiler.outbox import Outbox
from profiler.settings import Settings
from tests.unit.profiler.helpers import MemorySink, names_of
from tests.unit.profiler.outboxes import forking

LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(InitPhase, "seen", False)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("barn")]:
        del sys.modules[name]


def init(work: Callable[[], Any], sink: Any = None, **settings: Any) -> list[Capture]:
    sink = sink or MemorySink()
    outbox = Outbox(sink)
    try:
        with InitPhase(Settings(enabled=True, **settings), outbox, "shop"):
            work()
    finally:
        outbox.deliver(5)
    return [] if sink.failing else sink.captures


def load(source: str, folder: Path) -> Callable[[], None]:
    (folder / "barn.py").write_text(source)
    return lambda: exec("import barn", {})


def test_it_is_number_zero_with_tree_stacks_and_process(folder: Path) -> None:
    source = "import time\ndef work():\n    time.sleep(0.05)\nwork()\nKEPT = bytearray(10_000_000)\n"
    (capture,) = init(load(source, folder), labels={"team": "shop"})
    invocation = capture.invocation
    assert (invocation.sequence, invocation.function_name, invocation.request_id) == (0, "shop", "")
    assert (capture.outcome, capture.trigger, invocation.labels) == ("ok", "init", {"team": "shop"})
    assert [thread.name for thread in capture.threads] == ["imports", threading.current_thread().name]
    assert {"barn", "work"} <= names_of(capture)
    assert 50_000_000 <= sum(capture.threads[0].weights_ns) <= invocation.duration_ns
    assert capture.overhead.start_ns > 0
    assert capture.overhead.encode_ns > 0
    if host.IS_LINUX:
        assert (capture.memory.process.rss_growth_bytes or 0) > 5_000_000
    assert capture.memory.mode == "off"


@pytest.mark.parametrize("cpu", ["sampler", "pyinstrument"])
def test_the_sampler_looks_by_the_wall_clock_whatever_the_engine(folder: Path, cpu: str) -> None:
    clock = "cpu" if cpu == "sampler" else "wall"
    (capture,) = init(load("import time\ntime.sleep(0.02)", folder), cpu=cpu, clock=clock, interval_ms=1.0)
    assert capture.engine is not None
    assert (capture.engine.name, capture.engine.clock) == ("sampler", "wall")
    assert capture.engine.interval_ns == 1_000_000


def test_an_import_too_short_for_the_sampler_still_has_its_tree(folder: Path) -> None:
    (capture,) = init(load("", folder), interval_ms=1000.0)
    assert capture.threads[0].name == "imports"
    assert capture.threads[0].weights_ns[0] > 0


def test_an_import_that_was_there_already_has_no_tree() -> None:
    (capture,) = init(lambda: exec("import json", {}), cpu="off")
    assert len(capture.threads) == 1
    assert capture.threads[0].name != "imports"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_the_module_raises_is_raised_and_told(folder: Path, error: type[BaseException]) -> None:
    sink = MemorySink()
    with pytest.raises(error):
        init(load(f"raise {error.__name__}", folder), sink)
    assert [capture.outcome for capture in sink.captures] == ["error"]


@pytest.mark.parametrize(
    "broken",
    [
        "profiler.init_phase.read_process",
        "profiler.init_phase.load_engine",
        "profiler.init_phase.ImportTimes.start",
        "profiler.init_phase.ImportTimes.lanes",
        "profiler.init_phase.Assembly.capture",
        "profiler.init_phase.encode",
        "profiler.init_phase.InitLimit.__init__",
        "profiler.engines.sampler.SamplerEngine.start",
        "profiler.engines.sampler.SamplerEngine.stop",
        "profiler.outbox.Outbox.add",
    ],
)
def test_a_failure_of_ours_is_one_warning_and_the_module_is_imported(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    from profiler.engines import sampler

    stop = sampler.SamplerEngine.stop

    def fail(engine: Any = None, *_: Any, **__: Any) -> None:
        if broken.endswith("SamplerEngine.stop"):
            stop(engine)
        raise ValueError("ours")

    monkeypatch.setattr(broken, fail)
    init(load("X = 1", folder))
    assert sys.modules["barn"].X == 1
    assert len(caplog.records) == 1


@pytest.mark.parametrize("declines", ["ImportTimes.start", "SamplerEngine.start"])
def test_what_declines_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch, declines: str) -> None:
    def decline(*_: Any) -> None:
        raise Declined("not here")

    owner, _, name = declines.partition(".")
    module = "profiler.imports" if owner == "ImportTimes" else "profiler.engines.sampler"
    monkeypatch.setattr(f"{module}.{owner}.{name}", decline)
    (capture,) = init(load("import time\ntime.sleep(0.02)", folder))
    assert capture.notes == ("not here",)
    assert capture.threads


@forking
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_in_the_module_leaves_the_capture_to_the_parent(folder: Path) -> None:
    source = (
        "import os, sys, importlib._bootstrap as bootstrap\n"
        "CHILD = os.fork()\n"
        "if not CHILD:\n"
        "    import barn_of_child\n"
        "    LEFT = sys.getswitchinterval(), bootstrap._ModuleLockManager\n"
    )
    (folder / "barn_of_child.py").write_text("")
    sink, parent = MemorySink(), os.getpid()
    before = sys.getswitchinterval(), _bootstrap._ModuleLockManager  # type: ignore[attr-defined]
    try:
        init(load(source, folder), sink)
        if os.getpid() != parent:
            # At once, and not only when it comes back here, which most children never do.
            os._exit(0 if not sink.stored and before == sys.modules["barn"].LEFT else 1)
    finally:
        if os.getpid() != parent:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(sys.modules["barn"].CHILD, 0)[1]) == 0
    (capture,) = sink.captures
    assert "barn_of_child" not in names_of(capture)


# ---- the limit -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "left_s"),
    [
        ({}, float("inf")),
        (LAMBDA, 8.0),
        ({**LAMBDA, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, 8.0),
        ({**LAMBDA, "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}, float("inf")),
        ({**LAMBDA, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, float("inf")),
        ({**LAMBDA, "AWS_LAMBDA_MAX_CONCURRENCY": "4"}, float("inf")),
    ],
)
def test_how_long_init_may_take(environ: dict[str, str], left_s: float) -> None:
    assert left_of_init_s(environ, 2.0) == left_s


@pytest.mark.skipif(not host.IS_LINUX, reason="/proc is Linux's")
def test_the_age_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    age_s = host.process_age_s()
    assert age_s is not None
    assert 0 < age_s < 86_400
    time.sleep(0.02)
    assert (host.process_age_s() or 0) > age_s
    monkeypatch.setattr("builtins.open", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    assert host.process_age_s() is None


@pytest.fixture
def limit_s(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def set_limit(seconds: float) -> None:
        monkeypatch.setattr(init_limit, "left_of_init_s", lambda *_: seconds)

    return set_limit


def test_near_the_limit_it_calls_once(limit_s: Callable[[float], None]) -> None:
    limit_s(0.02)
    called = threading.Event()
    limit = InitLimit(0.0, called.set)
    assert called.wait(10)
    assert limit.end()
    assert limit.end()


@pytest.mark.parametrize("left_s", [60.0, 0.1, -1.0, float("inf")])
def test_an_init_that_ends_before_is_not_cut(limit_s: Callable[[float], None], left_s: float) -> None:
    limit_s(left_s)
    calls: list[int] = []
    limit = InitLimit(0.2, lambda: calls.append(1))
    assert not limit.end()
    assert calls == []


def test_what_was_kept_early_is_replaced_by_the_whole(folder: Path, limit_s: Callable[[float], None]) -> None:
    limit_s(0.55)
    seen: list[list[tuple[bool, str]]] = []
    sink = MemorySink()
    outbox = Outbox(sink)

    def look() -> None:
        from profiler.codec import decode

        ends_s = time.monotonic() + 10
        while not outbox.waiting() and time.monotonic() < ends_s:
            time.sleep(0.01)
        found = [decode(data) for _, data in outbox.waiting()]
        seen.append([(capture.complete, capture.outcome) for capture in found])

    with InitPhase(Settings(enabled=True), outbox, "shop"):
        look()
    assert seen == [[(False, "timeout")]]
    outbox.deliver(5)
    assert [(capture.complete, capture.outcome) for capture in sink.captures] == [(True, "ok")]
