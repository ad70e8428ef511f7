"""Leak tests: call a handler many times in a test, and fail where something grows without bound.

    from profiler.leaktest import assert_no_leak

    def test_checkout_does_not_leak():
        assert_no_leak(app.handler, lambda n: {"order": f"o{n}"}, invocations=50)

With pytest the fixture `assert_no_leak` is the same function. It needs `invocation-profiler[viewer]`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from profiler.arming import make_recorder
from profiler.bootstrap import is_async, original_of, wrap
from profiler.cli.invoke import LocalContext
from profiler.errors import ProfilerError

# A verdict takes twenty warm invocations.
FEWEST_INVOCATIONS = 20
_LEAK, _CLEAN = 1, 0
_PATIENCE_S = 30.0


def assert_no_leak(
    handler: Callable[..., Any],
    event: Any = None,
    invocations: int = 50,
    *,
    memory: str = "census",
    ignore: Sequence[str] = (),
) -> None:
    """Call a handler, first once to warm up and then so many times, and judge what it leaves.

    `event` is what each call is given, or a function that makes the event of the n-th call, from 0: a
    cache only grows where there is something new to keep. `memory` is `census` or `tracemalloc`, which
    costs more and names lines of code that no container leads to. `ignore` are patterns (`app.KNOWN*`) of
    subjects that may grow. What the handler raises is raised on.

    Raises:
        AssertionError: there is a leak; the message says which, where, and how sure that is.
        ValueError: there are fewer invocations than a verdict takes.
        ProfilerError: it could not be judged.
    """
    if invocations < FEWEST_INVOCATIONS:
        raise ValueError(f"invocations={invocations}: a verdict takes {FEWEST_INVOCATIONS}")
    with tempfile.TemporaryDirectory(prefix="leaktest-") as store:
        _capture(original_of(handler), event, invocations, store, memory)
        code, text = _judge(store, ignore)
    if code == _LEAK:
        raise AssertionError(f"the handler leaks:\n{text}")
    if code != _CLEAN:
        raise ProfilerError(f"the leak test could not be judged: {text}")


def _capture(handler: Callable[..., Any], event: Any, invocations: int, store: str, memory: str) -> None:
    settings = {"store": store, "memory": memory, "cpu": "off", "rate": 1.0, "gc": "collect"}
    recorder = make_recorder(handler, {"enabled": True, "upload": "before-response", **settings})
    name = getattr(handler, "__module__", None) or "handler"
    wrapped = wrap(handler, recorder)
    loop = asyncio.new_event_loop() if is_async(handler) else None
    try:
        for number in range(-1, invocations):
            call = wrapped if number >= 0 else handler
            given = event(max(number, 0)) if callable(event) else event
            answer = call({} if given is None else given, LocalContext(name, None, None))
            if loop is not None:
                loop.run_until_complete(answer)
    finally:
        if loop is not None:
            loop.close()
    if not recorder.outbox.deliver(_PATIENCE_S, patient=True) or recorder.guard.failures:
        raise ProfilerError("not every invocation could be captured; the log says why")


def _judge(store: str, ignore: Sequence[str]) -> tuple[int, str]:
    command = [sys.executable, "-m", "viewer", "leaks", "--store", store]
    command += [argument for pattern in ignore for argument in ("--ignore", pattern)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    return done.returncode, (done.stdout if done.returncode in (_LEAK, _CLEAN) else done.stderr).strip()
