"""Engines and sinks of other packages, as a package on the path registers them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler import plugins
from profiler.engines import clocks_of, load_engine
from profiler.errors import PluginError, SettingsError
from profiler.settings import Settings
from profiler.sinks import open_sink
from tests.unit.profiler.helpers import ROOT, run_python


def install(folder: Path, points: str, code: str = "") -> None:
    """Put a package with entry points into a folder, as pip would leave it."""
    info = folder / "other-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    (folder / "other.py").write_text(code)


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("other", None)


def test_a_built_in_name_searches_no_metadata(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("profiler.plugins._points", lambda group: pytest.fail("searched"))
    Settings.from_env({"PROFILER_CPU": "sampler", "PROFILER_STORE": "s3://bucket"})
    load_engine("sampler")
    open_sink(str(tmp_path))


def test_an_unknown_name_lists_what_there_is(other: Path) -> None:
    install(other, "[invocation_profiler.engines]\nmine = other:Engine\n")
    with pytest.raises(SettingsError, match="allowed are sampler, pyinstrument, yappi, cprofile, off, mine"):
        Settings.from_env({"PROFILER_CPU": "sampel"})
    with pytest.raises(SettingsError, match="unknown scheme gs://"):
        Settings.from_env({"PROFILER_STORE": "gs://bucket"})


def test_an_engine_of_another_package(other: Path) -> None:
    install(
        other,
        "[invocation_profiler.engines]\nmine = other:Engine\n",
        "class Engine:\n    clocks = ('cpu',)\n",
    )
    assert load_engine("mine").__name__ == "Engine"
    assert clocks_of("mine") == ("cpu",)
    assert Settings.from_env({"PROFILER_CPU": "mine", "PROFILER_CLOCK": "cpu"}).cpu == "mine"
    with pytest.raises(SettingsError, match="mine has cpu only"):
        Settings.from_env({"PROFILER_CPU": "mine"})


def test_a_sink_of_another_package(other: Path) -> None:
    install(
        other,
        "[invocation_profiler.sinks]\ngs = other:Sink\n",
        "class Sink:\n    def __init__(self, uri):\n        self.uri = uri\n",
    )
    assert Settings.from_env({"PROFILER_STORE": "gs://bucket/p"}).store == "gs://bucket/p"
    assert open_sink("gs://bucket/p").uri == "gs://bucket/p"  # type: ignore[attr-defined]


def test_a_broken_package_is_one_error(other: Path) -> None:
    install(other, "[invocation_profiler.engines]\nmine = other:Engine\n", "raise OSError('no such device')")
    with pytest.raises(PluginError, match=r"other:Engine .* cannot be loaded: OSError: no such device"):
        plugins.load(plugins.ENGINES, "mine")


def test_a_broken_engine_disarms_with_one_warning(
    other: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from profiler.arming import arm

    install(other, "[invocation_profiler.engines]\nmine = other:Engine\n", "raise OSError('no such device')")
    monkeypatch.setenv("PROFILER_CPU", "mine")

    def handler() -> int:
        return 1

    assert arm(handler, {"enabled": True}) is handler
    [record] = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert "no such device" in record.getMessage()


def test_the_example_of_the_docs_captures(tmp_path: Path) -> None:
    """The files in docs/extending.md, taken from there, profile a handler into a store of their own."""
    blocks = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8").split("```")
    code = next(block for block in blocks if block.startswith("python\n# ourprofiler.py"))
    points = next(block for block in blocks if block.startswith("toml\n[project.entry-points"))
    names = {
        line.partition(" = ")[0]: line.partition(" = ")[2].strip('"')
        for line in points.splitlines()
        if " = " in line
    }
    engines = f"[{plugins.ENGINES}]\nlines = {names['lines']}\n"
    sinks = f"[{plugins.SINKS}]\nspool = {names['spool']}\n"
    stores = f"[invocation_profiler.stores]\nspool = {names['spool']}\n"
    install(tmp_path, engines + sinks + stores)
    (tmp_path / "ourprofiler.py").write_text(code.removeprefix("python\n"), encoding="utf-8")
    done = run_python(
        """
        from profiler import profile

        @profile
        def handler(event, context):
            total = 0
            for number in range(10):
                total += number
            return total

        print(handler({}, None))
        from viewer.store import open_store
        from profiler.codec import decode
        import json, os
        store = open_store(os.environ["PROFILER_STORE"])
        [stored] = store.list()
        capture = decode(store.read(stored.path))
        weights = {capture.frames[s[-1]].name: w for s, w in
                   zip(capture.threads[0].stacks, capture.threads[0].weights_ns)}
        print(json.dumps([capture.engine.name, weights]))
        """,
        cwd=tmp_path,
        PYTHONPATH=f"{ROOT}:{tmp_path}",
        PROFILER_ENABLED="1",
        PROFILER_CPU="lines",
        PROFILER_STORE=f"spool://{tmp_path}/captures",
    )
    assert done.returncode == 0, done.stderr
    answer, captured = done.stdout.splitlines()
    assert answer == "45"
    engine, weights = json.loads(captured)
    assert engine == "lines"
    assert any(name.endswith("handler") for name in weights)
