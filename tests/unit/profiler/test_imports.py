"""The import tree: the same modules and nesting as `-X importtime`, and no trace left behind."""

from __future__ import annotations

import importlib._bootstrap as _bootstrap
import json
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from importlib.util import LazyLoader
from pathlib import Path
from typing import Any

import pytest

from profiler import imports
from profiler.capture import IMPORTS_LANE as LANE
from profiler.capture import ThreadProfile
from profiler.engines.base import Declined
from profiler.engines.stacks import FrameTable
from profiler.imports import NOT_IMPORTED, ImportTimes
from tests.unit.profiler.helpers import ROOT, run_python

Edges = dict[tuple[str, ...], int]


class Seen:
    """What was timed: by lane, each stack of module names with its nanoseconds, and where modules are."""

    def __init__(self, times: ImportTimes) -> None:
        table = FrameTable()
        self.threads: tuple[ThreadProfile, ...] = times.lanes(table)
        self.files = {frame.name: frame.file for frame in table.frames}
        self.lanes: dict[str, Edges] = {}
        for thread in self.threads:
            lane = self.lanes.setdefault(thread.name, {})
            for stack, weight_ns in zip(thread.stacks, thread.weights_ns, strict=True):
                names = tuple(table.frames[index].name for index in stack)
                lane[names] = lane.get(names, 0) + weight_ns

    @property
    def stacks(self) -> set[tuple[str, ...]]:
        return set(self.lanes.get(LANE, {}))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules, each in a package of this test's own, forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith("zoo"):
            del sys.modules[name]


def write(folder: Path, **modules: str) -> None:
    for name, source in modules.items():
        path = folder.joinpath(*name.split("__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(source, encoding="utf-8")


def timed(work: Callable[[], Any]) -> Seen:
    times = ImportTimes()
    times.start()
    try:
        work()
    finally:
        times.stop()
    return Seen(times)


def statement(source: str) -> Callable[[], None]:
    return lambda: exec(source, {})


# ---- beside -X importtime --------------------------------------------------------------------------

BESIDE = """
import json, sys
from profiler.engines.stacks import FrameTable
from profiler.imports import ImportTimes
times = ImportTimes()
times.start()
import zoo
times.stop()
table = FrameTable()
(lane,) = times.lanes(table)
totals, selves, parents = {}, {}, {}
for stack, weight in zip(lane.stacks, lane.weights_ns):
    names = [table.frames[index].name for index in stack]
    for name in names:
        totals[name] = totals.get(name, 0) + weight
    selves[names[-1]] = selves.get(names[-1], 0) + weight
    parents.update(zip(names[1:], names))
print(json.dumps([totals, selves, parents]))
"""
ZOO = {
    "zoo": "import zoo_a, zoo_pack.deep.leaf\nimport xml.dom.minidom, decimal, html.parser\n"
    "try:\n    import zoo_missing\nexcept ImportError: pass\n",
    "zoo_a": "import zoo_b\nimport zoo_late\n",
    "zoo_b": "import zoo_a\nsum(i for i in range(100_000))\n",  # a cycle
    "zoo_late": "def f():\n    import zoo_never\n",
    "zoo_pack__deep__leaf": "from . import other\n",
    "zoo_pack__deep__other": "",  # in packages that are namespaces
}


def importtime(told: str) -> tuple[dict[str, int], dict[str, int], dict[str, str]]:
    """Return total and self microseconds and the parent of each module, as `-X importtime` tells them.

    A line is written when its module is done, so a module's own come before it, two blanks further in.
    """
    totals, selves, parents = {}, {}, {}
    waiting: list[tuple[int, str]] = []
    for line in told.splitlines():
        if not line.startswith("import time:") or "cumulative" in line:
            continue
        own, total, name = line.removeprefix("import time:").split("|")
        depth, module = (len(name) - len(name.lstrip()) - 1) // 2, name.strip()
        totals[module], selves[module] = int(total), int(own)
        parents.update({child: module for level, child in waiting if level == depth + 1})
        waiting = [(level, child) for level, child in waiting if level <= depth] + [(depth, module)]
    return totals, selves, parents


def below(root: str, parents: dict[str, str]) -> set[str]:
    found, more = {root}, {root}
    while more := {child for child, parent in parents.items() if parent in more} - found:
        found |= more
    return found


def test_it_tells_what_importtime_tells(tmp_path: Path) -> None:
    write(tmp_path, **ZOO)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", BESIDE],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    totals, selves, parents = json.loads(done.stdout)
    their_totals, their_selves, their_parents = importtime(done.stderr)
    modules = below("zoo", their_parents)
    assert {"zoo_a", "zoo_b", "zoo_late", "zoo_pack.deep.leaf", "zoo_pack", "xml.dom", "decimal"} <= modules
    # It tells of one that is not there on some versions only.
    assert set(totals) - {"zoo_missing"} == modules - {"zoo_missing"}
    assert {child: parents[child] for child in modules - {"zoo", "zoo_missing"}} == {
        child: their_parents[child] for child in modules - {"zoo", "zoo_missing"}
    }
    # Within reason: both were there at once, and each timed the other's work.
    assert totals["zoo"] / 1000 == pytest.approx(their_totals["zoo"], rel=0.5)
    assert selves["zoo_b"] / 1000 == pytest.approx(their_selves["zoo_b"], rel=0.5)


# ---- every kind of import --------------------------------------------------------------------------


def test_weights_are_exact_and_add_up(folder: Path) -> None:
    write(
        folder, zoo="import zoo_a\nimport time\ntime.sleep(0.02)\n", zoo_a="import time\ntime.sleep(0.03)\n"
    )
    lane = timed(statement("import zoo")).lanes[LANE]
    assert set(lane) == {("zoo",), ("zoo", "zoo_a")}
    assert lane["zoo",] >= 20_000_000
    assert lane["zoo", "zoo_a"] >= 30_000_000


def test_the_lane_is_in_time_order(folder: Path) -> None:
    write(folder, zoo="import zoo_a\nimport zoo_b\n", zoo_a="import zoo_c", zoo_b="", zoo_c="")
    seen = timed(statement("import zoo"))
    (thread,) = seen.threads
    assert [len(stack) for stack in thread.stacks] == [1, 2, 3, 2, 1, 2, 1]


@pytest.mark.parametrize(
    "how", ["import zoo_x", "__import__('zoo_x')", "from importlib import import_module as i; i('zoo_x')"]
)
def test_imports_by_any_way_are_seen(folder: Path, how: str) -> None:
    write(folder, zoo=how, zoo_x="")
    assert timed(statement("import zoo")).stacks == {("zoo",), ("zoo", "zoo_x")}


def test_what_is_there_already_is_no_import(folder: Path) -> None:
    write(folder, zoo="import json\nfrom importlib import import_module, reload\nimport_module('json')\n")
    assert timed(statement("import zoo")).stacks == {("zoo",)}


def test_a_cycle_is_imported_once(folder: Path) -> None:
    write(
        folder,
        zoo="import zoo_a",
        zoo_a="import zoo_b",
        zoo_b="from importlib import import_module\nimport zoo\nimport_module('zoo_a')",
    )
    assert timed(statement("import zoo")).stacks == {("zoo",), ("zoo", "zoo_a"), ("zoo", "zoo_a", "zoo_b")}


def test_where_modules_come_from(folder: Path) -> None:
    write(folder, zoo="import zoo_space.leaf, _zoo_builtin", zoo_space__leaf="")

    class Builtin:
        """A finder of somebody else's, with a module that comes from nowhere."""

        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            if name != "_zoo_builtin":
                return None
            from importlib.machinery import ModuleSpec

            return ModuleSpec(name, Builtin, origin="built-in")  # type: ignore[arg-type]

        @staticmethod
        def create_module(spec: Any) -> None:
            return None

        @staticmethod
        def exec_module(module: Any) -> None:
            return None

    sys.meta_path.insert(0, Builtin)  # type: ignore[arg-type]
    try:
        files = timed(statement("import zoo")).files
    finally:
        sys.meta_path.remove(Builtin)  # type: ignore[arg-type]
        sys.modules.pop("_zoo_builtin", None)
    assert files == {
        "zoo": str(folder / "zoo.py"),
        "zoo_space": "<namespace>",
        "zoo_space.leaf": str(folder / "zoo_space" / "leaf.py"),
        "_zoo_builtin": "<built-in>",
    }


def test_an_extension_module_names_its_library() -> None:
    done = run_python("""
        from profiler.engines.stacks import FrameTable
        from profiler.imports import ImportTimes
        times = ImportTimes()
        times.start()
        import _decimal
        times.stop()
        table = FrameTable()
        times.lanes(table)
        print(table.frames[0].name, table.frames[0].file)
        """)
    name, file = done.stdout.split()
    assert name == "_decimal"
    assert file.endswith(".so") or file == "<built-in>"


def test_a_failing_import_is_timed_and_raised(folder: Path) -> None:
    write(
        folder,
        zoo="try:\n    import zoo_missing\nexcept ImportError: pass\nimport zoo_bad",
        zoo_bad="raise KeyError('mine')",
    )

    def work() -> None:
        with pytest.raises(KeyError, match="mine"):
            exec("import zoo", {})

    seen = timed(work)
    assert seen.stacks == {("zoo",), ("zoo", "zoo_missing"), ("zoo", "zoo_bad")}
    assert {seen.files[name] for name in ("zoo", "zoo_bad", "zoo_missing")} == {NOT_IMPORTED}


@pytest.mark.parametrize("how", ["import zoo", "from importlib import import_module; import_module('zoo')"])
@pytest.mark.parametrize("fault", ["1 / 0", "import zoo_missing", "raise SystemExit(3)", "def broken(:"])
def test_the_traceback_is_the_same(folder: Path, fault: str, how: str) -> None:
    write(folder, zoo="import zoo_a", zoo_a=fault)

    def told() -> list[str]:
        try:
            exec(how, {})
        except BaseException as error:  # noqa: BLE001
            return traceback.format_exception(error)
        finally:
            for name in ("zoo", "zoo_a"):
                sys.modules.pop(name, None)
        raise AssertionError("nothing was raised")

    bare = told()
    seen: list[list[str]] = []
    timed(lambda: seen.append(told()))
    assert seen == [bare]


def test_each_thread_has_a_lane_of_its_own(folder: Path) -> None:
    write(
        folder,
        zoo="import threading\n"
        "def work():\n    import zoo_other\n"
        "thread = threading.Thread(target=work, name='worker-1')\n"
        "thread.start()\nimport zoo_a\nthread.join()\n",
        zoo_a="import time\ntime.sleep(0.01)\n",
        zoo_other="import zoo_below\n",
        zoo_below="import time\ntime.sleep(0.01)\n",
    )
    seen = timed(statement("import zoo"))
    assert [thread.name for thread in seen.threads] == [LANE, f"{LANE} in worker-1"]
    assert seen.stacks == {("zoo",), ("zoo", "zoo_a")}
    assert set(seen.lanes[f"{LANE} in worker-1"]) == {("zoo_other",), ("zoo_other", "zoo_below")}
    assert seen.threads[1].start_ns > 0


def test_threads_that_import_the_same_module_wait_and_go_on(folder: Path) -> None:
    write(folder, zoo="import time\ntime.sleep(0.02)\nX = 1\n")
    found: list[int] = []

    def load() -> None:
        names: dict[str, Any] = {}
        exec("import zoo", names)
        found.append(names["zoo"].X)

    def work() -> None:
        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    seen = timed(work)
    assert found == [1] * 8
    assert sum(("zoo",) in lane for lane in seen.lanes.values()) == 1


def test_a_module_with_code_of_its_own_is_not_woken(folder: Path) -> None:
    write(
        folder,
        zoo_lazy="raise SystemExit",
        zoo_strange="import sys\n"
        "class Strange:\n    def __getattr__(self, name): raise SystemExit\n"
        "sys.modules[__name__] = Strange()\n",
    )

    class Lazy:
        """A finder whose modules run when they are first looked at."""

        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            if name != "zoo_lazy":
                return None
            spec = PathFinder.find_spec(name, path)
            assert spec is not None
            assert spec.loader is not None
            spec.loader = LazyLoader(spec.loader)
            return spec

    sys.meta_path.insert(0, Lazy)  # type: ignore[arg-type]
    try:
        seen = timed(statement("import zoo_lazy, zoo_strange"))
    finally:
        sys.meta_path.remove(Lazy)  # type: ignore[arg-type]
    assert seen.files == {"zoo_lazy": str(folder / "zoo_lazy.py"), "zoo_strange": ""}


def test_an_import_that_has_not_ended_is_told_so_far(folder: Path) -> None:
    times = ImportTimes()
    write(folder, zoo="import zoo_a", zoo_a="import sys\nsys.zoo_look()")
    looks: list[set[tuple[str, ...]]] = []
    sys.zoo_look = lambda: looks.append(Seen(times).stacks)  # type: ignore[attr-defined]
    times.start()
    try:
        exec("import zoo", {})
    finally:
        times.stop()
        del sys.zoo_look  # type: ignore[attr-defined]
    assert looks == [{("zoo",), ("zoo", "zoo_a")}]


def test_one_that_leaves_out_of_turn_is_taken_out() -> None:
    """As greenlets do that switch in the middle of an import."""
    one, other = (imports.Event(0, 1, "one", True), imports.Event(10, 2, "other", True))
    ends = (imports.Event(30, 1, "one", False), imports.Event(60, 2, "other", False))
    stacks, weights_ns = imports._runs([one, other, *ends], 100)
    assert stacks == (("one",), ("one", "other"), ("other",))
    assert weights_ns == (10, 20, 30)


# ---- what it leaves --------------------------------------------------------------------------------


def test_it_puts_back_what_was_there() -> None:
    before = _bootstrap._ModuleLockManager  # type: ignore[attr-defined]
    timed(lambda: None)
    assert _bootstrap._ModuleLockManager is before  # type: ignore[attr-defined]


def test_what_somebody_put_over_it_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, zoo="", zoo_a="")
    monkeypatch.setattr(_bootstrap, "_ModuleLockManager", _bootstrap._ModuleLockManager)  # type: ignore[attr-defined]
    times = ImportTimes()
    times.start()

    class Other(_bootstrap._ModuleLockManager):  # type: ignore[name-defined, misc]
        pass

    _bootstrap._ModuleLockManager = Other  # type: ignore[attr-defined]
    exec("import zoo", {})
    times.stop()
    assert _bootstrap._ModuleLockManager is Other  # type: ignore[attr-defined]
    exec("import zoo_a", {})
    assert Seen(times).stacks == {("zoo",)}


def test_an_import_system_that_is_not_known_declines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_bootstrap, "_ModuleLockManager")
    with pytest.raises(Declined, match="not known"):
        ImportTimes().start()


def test_a_failure_of_its_own_fails_no_import(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, zoo="import zoo_a", zoo_a="")

    def fail(*_: Any) -> None:
        raise ValueError("ours")

    monkeypatch.setattr(ImportTimes, "enter", fail)
    monkeypatch.setattr(ImportTimes, "leave", fail)
    timed(statement("import zoo"))
    assert "zoo_a" in sys.modules
