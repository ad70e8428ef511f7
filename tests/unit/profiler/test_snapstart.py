"""SnapStart: what the hooks do, that they never raise, and that two copies of one snapshot are two."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from profiler.aws import snapstart
from profiler.environment import ENVIRONMENT
from profiler.outbox import Outbox
from tests.unit.profiler.helpers import MemorySink, run_python
from tests.unit.profiler.outboxes import folder_in, forking, key

SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


class Hooks:
    """As `snapshot_restore_py` is."""

    def __init__(self) -> None:
        self.before: list[tuple[Any, ...]] = []
        self.after: list[tuple[Any, ...]] = []

    def register_before_snapshot(self, *call: Any) -> None:
        self.before.append(call)

    def register_after_restore(self, *call: Any) -> None:
        self.after.append(call)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Hooks:
    made = Hooks()
    monkeypatch.setitem(__import__("sys").modules, "snapshot_restore_py", made)  # type: ignore[arg-type]
    return made


def test_before_the_snapshot_what_waits_is_delivered(hooks: Hooks, tmp_path: Path) -> None:
    sink = MemorySink()
    outbox = Outbox(sink, folder=folder_in(tmp_path))
    outbox.add(key(0), b"init")
    snapstart.prepare_for_snapshot(outbox, SNAP_START)
    ((function, *arguments),) = hooks.before
    function(*arguments)
    assert [stored.sequence for stored, _ in sink.stored] == [0]
    assert outbox.is_empty()


def test_after_the_restore_it_is_another_environment(hooks: Hooks) -> None:
    snapstart.prepare_for_snapshot(Outbox(MemorySink()), SNAP_START)
    before = ENVIRONMENT.id
    ((function, *arguments),) = hooks.after
    function(*arguments)
    assert ENVIRONMENT.id != before


@pytest.mark.parametrize("environ", [{}, {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}])
def test_without_a_snapshot_nothing_is_registered(hooks: Hooks, environ: dict[str, str]) -> None:
    snapstart.prepare_for_snapshot(Outbox(MemorySink()), environ)
    assert (hooks.before, hooks.after) == ([], [])


def test_without_the_library_the_function_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "snapshot_restore_py", None)  # type: ignore[arg-type]
    snapstart.prepare_for_snapshot(Outbox(MemorySink()), SNAP_START)
    assert caplog.records == []


def test_a_hook_that_fails_fails_neither_init_nor_restore(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(MemorySink())
    snapstart.prepare_for_snapshot(outbox, SNAP_START)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no")

    monkeypatch.setattr(outbox, "deliver", fail)
    monkeypatch.setattr(ENVIRONMENT, "restored", fail)
    for function, *arguments in hooks.before + hooks.after:
        function(*arguments)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


# Two forks that are told the parent's process id are two copies of one snapshot: the same memory, the same
# seed, the same number.
COPIES = """
import os, random, sys
os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
pid = os.getpid()
os.getpid = lambda: pid
{hooks}
import app
children = []
for _ in range(2):
    child = os.fork()
    if not child:
        random.seed(7)  # it seeds itself anew in a fork, but in no copy of a snapshot
        if {hooked}:
            for function, arguments, options in snapshot_restore_py.get_after_restore():
                function(*arguments, **options)
        print(*[app.handler({{}}, None) for _ in range(3)], random.random(), flush=True)
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
"""
APP = """
from profiler import profile


@profile(rate=0.999999)
def handler(event, context):
    return 1
"""


@forking
@pytest.mark.parametrize("hooked", [True, False])
def test_two_copies_of_one_snapshot_are_two_environments(tmp_path: Path, hooked: bool) -> None:
    if hooked:
        pytest.importorskip("snapshot_restore_py")
    load = "import snapshot_restore_py" if hooked else "sys.modules['snapshot_restore_py'] = None"
    (tmp_path / "app.py").write_text(APP)
    done = run_python(
        COPIES.format(hooks=load, hooked=hooked),
        cwd=tmp_path,
        PROFILER_ENABLED="1",
        PROFILER_STORE="captures",
    )
    assert (done.returncode, done.stderr) == (0, "")
    # The user's own random numbers are the snapshot's: none is drawn by us.
    assert len(set(done.stdout.splitlines())) == 1
    names = sorted(path.relative_to(tmp_path / "captures") for path in tmp_path.rglob("*.gz"))
    environments = {name.parts[-2] for name in names}
    assert len(environments) == 2
    for environment in environments:
        mine = [name.name.partition("-")[0] for name in names if name.parts[-2] == environment]
        assert mine == ["00000001", "00000002", "00000003"]
    assert os.path.isdir(tmp_path / "captures")
