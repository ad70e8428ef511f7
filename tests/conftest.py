"""For every test: the process is afterwards as it was before."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from profiler import own

# The function side is tested on bare interpreters too, where these libraries are not installed.
_PLUGINS = {
    "tests.servers.fixtures": ("boto3", "moto"),
    "tests.browser_fixtures": ("selenium",),
}
pytest_plugins = [
    plugin
    for plugin, libraries in _PLUGINS.items()
    if all(importlib.util.find_spec(library) for library in libraries)
]

_THREAD_GRACE_S = 3.0
# pytest-timeout's own signal comes and goes; test_architecture shows that the profiler uses no alarm.
_PYTEST_SIGNAL = getattr(signal, "SIGALRM", None)
_SIGNALS = sorted(int(number) for number in signal.valid_signals() - {_PYTEST_SIGNAL})


@pytest.fixture(autouse=True)
def unharmed_process() -> Iterator[None]:
    """Prove that a test leaves no hook, thread, handler or setting behind."""
    before = _state()
    threads = _threads()
    yield
    after = _state()
    # Put right first what can be put right, so that one bad test does not fail all that follow.
    if tracemalloc.is_tracing():
        tracemalloc.stop()
    sys.setswitchinterval(before["switch interval"])
    assert after == before
    assert _threads_left(threads) == {}


def _state() -> dict[str, Any]:
    return {
        "profile hook": sys.getprofile(),
        "trace hook": sys.gettrace(),
        "threads' profile hook": threading.getprofile(),
        "threads' trace hook": threading.gettrace(),
        "tracemalloc": tracemalloc.is_tracing(),
        "switch interval": sys.getswitchinterval(),
        "gc enabled": gc.isenabled(),
        "gc frozen": gc.get_freeze_count(),
        "signals": {number: signal.getsignal(number) for number in _SIGNALS},
        "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        "working directory": os.getcwd(),
    }


def _threads() -> set[int]:
    # A sampling thread is none of `threading`'s, but it has a frame.
    return {thread.ident or 0 for thread in threading.enumerate()} | set(sys._current_frames())


def _threads_left(before: set[int]) -> dict[int, str]:
    """Return the new threads that do not end by themselves within a few seconds."""
    ends = time.monotonic() + _THREAD_GRACE_S
    # `own.THREADS` live as long as the process.
    while (left := _threads() - before - own.THREADS) and time.monotonic() < ends:
        time.sleep(0.01)
    return {ident: getattr(threading._active.get(ident), "name", "no Python thread") for ident in left}
