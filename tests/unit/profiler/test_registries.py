"""Counts of what the interpreter and the standard library keep, as they grow and as they are given back."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import subprocess
import sys
import threading
from pathlib import Path

from profiler import own
from profiler.memory.registries import registries
from tests.unit.profiler.helpers import run_python


def counts(open_files: int | None = None) -> dict[str, int]:
    return {path: count for path, _, count in registries(open_files)}


def test_handlers_of_loggers_by_name() -> None:
    logger = logging.getLogger("app.orders")
    handler = logging.NullHandler()
    before = counts()
    logger.addHandler(handler)
    logger.addHandler(other := logging.NullHandler())
    try:
        assert counts()["logging.getLogger(app.orders).handlers"] == 2
    finally:
        logger.removeHandler(handler)
        logger.removeHandler(other)
    assert counts().keys() <= before.keys() | {"logging.Logger.manager.loggerDict"}


def test_a_logger_that_is_named_after_a_value_gives_no_name_away() -> None:
    logger = logging.getLogger("order 17 of jane@example.com")
    logger.addHandler(handler := logging.NullHandler())
    try:
        found = counts()
    finally:
        logger.removeHandler(handler)
        del logging.Logger.manager.loggerDict["order 17 of jane@example.com"]
    assert found["logging.getLogger().handlers"] == 1
    assert "jane" not in str(found)


def test_exit_callbacks() -> None:
    before = counts()["atexit"]
    atexit.register(callback := lambda: None)
    assert counts()["atexit"] == before + 1
    atexit.unregister(callback)


def test_threads_without_the_profilers_own() -> None:
    before = counts()["threads"]
    release = threading.Event()
    threads = [
        threading.Thread(target=release.wait, name=name)
        for name in ("worker", f"{own.THREAD_PREFIX}-delivery")
    ]
    for thread in threads:
        thread.start()
    try:
        assert counts()["threads"] == before + 1
    finally:
        release.set()
        for thread in threads:
            thread.join()


def test_executors_and_tasks() -> None:
    pools = [concurrent.futures.ThreadPoolExecutor(2) for _ in range(3)]
    before = counts()["executors"]
    for pool in pools:
        pool.submit(int).result()
    assert counts()["executors"] == before + 3
    for pool in pools:
        pool.shutdown()

    async def main() -> int:
        tasks = [asyncio.create_task(asyncio.sleep(30)) for _ in range(4)]
        found = counts()["asyncio tasks"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found

    assert asyncio.run(main()) >= 5


def test_classes_made_at_run_time() -> None:
    before = counts()["classes"]
    kept = [type(f"Order{number}", (), {}) for number in range(5)]
    assert counts()["classes"] == before + len(kept)


def test_open_files_are_those_that_were_counted() -> None:
    assert counts(7)["open files"] == 7
    assert "open files" not in counts(None)


def test_nothing_is_imported_for_it() -> None:
    done = run_python(
        """
        import sys
        from profiler.memory.registries import registries
        before = set(sys.modules)
        assert list(registries(3))
        print(sorted(set(sys.modules) - before))
        """
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_handler_added_in_every_invocation_is_a_leak_with_its_advice(tmp_path: Path) -> None:
    """From the function to the verdict."""
    (tmp_path / "app.py").write_text(
        "import logging\n"
        "def handler(event, context):\n"
        "    logging.getLogger('app').addHandler(logging.NullHandler())\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "profiler", "run", "app.handler", "--count", "40", "--fail-on-leak"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named" in done.stderr:  # the viewer needs more than a bare interpreter has
        return
    assert done.returncode == 1, done.stderr
    assert "logging.getLogger(app).handlers grows by 1.0 entries per invocation" in done.stdout
    assert "docs/leaks.md#logging-handlers" in done.stdout
