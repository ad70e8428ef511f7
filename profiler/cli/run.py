"""`profiler run`: call a handler many times in this process, with no AWS at all."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from profiler.arming import make_recorder, open_init
from profiler.bootstrap import original_of, wrap
from profiler.cli.invoke import LocalInvoker, Tally
from profiler.cli.target import load_handler
from profiler.environment import ENVIRONMENT
from profiler.errors import HandlerError, SettingsError
from profiler.location import LocalLocation
from profiler.outbox import Outbox
from profiler.settings import CPU_CHOICES, MEMORY_CHOICES, Settings
from profiler.sinks.local import LocalSink

_SETTINGS = ("store", "cpu", "memory")
_LAST_DELIVERY_S = 30.0
_JUDGED_FROM = 21
_RESCUE_FOLDER = "profiles-undelivered"
_EPILOG = "Every PROFILER_* variable is honoured too; an option beats its variable."


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "handler", metavar="MODULE.FUNCTION", help="the handler, as Lambda names it: app.handler"
    )
    parser.add_argument("--event", metavar="FILE", help="JSON file with the event, - for standard input ({})")
    parser.add_argument("--count", type=_positive, default=1, metavar="N", help="how many invocations (1)")
    parser.add_argument("--name", help="function name in the captures (the module's name)")
    parser.add_argument(
        "--store", metavar="URI", help="where captures go: a folder or s3://bucket/prefix (profiles)"
    )
    parser.add_argument("--cpu", metavar="ENGINE", help=f"{', '.join(CPU_CHOICES)} (sampler)")
    parser.add_argument("--memory", metavar="MODE", help=f"{', '.join(MEMORY_CHOICES)} (census)")
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="end an invocation after so many seconds"
    )
    parser.add_argument(
        "--memory-size", type=_positive, metavar="MB", help="the function's memory limit, told to it"
    )
    parser.add_argument(
        "--init", action="store_true", help="capture the import of the handler's module too, as number 0"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but what the function prints")
    parser.add_argument(
        "--fail-on-leak", action="store_true", help="judge the run afterwards; exit code 1 on a leak"
    )


def run(options: argparse.Namespace) -> int:
    """Return 0, 1 where an invocation failed or --fail-on-leak found one, 2 for an error."""
    event = read_event(options.event)
    # The run arms the handler; a decorator in the function's code must not do so a second time.
    os.environ.pop("PROFILER_ENABLED", None)
    # What Lambda does too: the function's own folder comes first.
    sys.path.insert(0, os.getcwd())
    explicit = {name: value for name in _SETTINGS if (value := getattr(options, name)) is not None}
    explicit |= {"enabled": True, "init": options.init or None}
    name = options.name or options.handler.rpartition(".")[0].replace("/", ".").rpartition(".")[2]
    settings = Settings.from_env(os.environ, **explicit)
    init = open_init(settings, name) if settings.init else None
    with init or nullcontext():
        handler = original_of(load_handler(options.handler))
    recorder = make_recorder(handler, explicit, init.outbox if init else None)
    if options.fail_on_leak:
        refuse_to_judge_nothing(options.count, recorder.settings)
    outbox = recorder.outbox
    outbox.check()
    invoker = LocalInvoker(
        handler, lambda call: wrap(call, recorder), name, options.timeout, options.memory_size
    )
    tally = invoker.invoke_many(event, options.count)
    outbox.deliver(_LAST_DELIVERY_S, patient=True)
    store = recorder.settings.store
    if not options.quiet:
        _report(tally, options.count, outbox.delivered, store)
    if rescue(outbox, store):
        return 2
    if recorder.guard.failures:
        print("profiler: not every invocation could be captured; the reason is above", file=sys.stderr)
        return 2
    return (judge(name, store) if options.fail_on_leak else 0) or (1 if tally.failed else 0)


def refuse_to_judge_nothing(count: int, settings: Settings) -> None:
    """Refuse --fail-on-leak where no leak could be found. Raises SettingsError."""
    if settings.memory == "off":
        raise SettingsError("--fail-on-leak finds nothing while memory is off: leave --memory at census")
    if not settings.keep.is_always:
        raise SettingsError("--fail-on-leak needs every capture: leave PROFILER_KEEP at always")
    if settings.trigger.expected(count, settings.rate) < _JUDGED_FROM:
        raise SettingsError(
            f"--fail-on-leak needs {_JUDGED_FROM} captured invocations, one cold and 20 warm: raise --count"
        )


def rescue(outbox: Outbox, store: str) -> int:
    """Move what the store did not take of this run to a local folder, and return how many captures.

    Raises StoreError where that fails too; they wait in the outbox then, for the next run.
    """
    folder = LocalSink(LocalLocation(Path(_RESCUE_FOLDER)))
    count = 0
    for count, (key, data) in enumerate(outbox.take_back(), 1):  # noqa: B007
        folder.put(key, data)
    if count:
        print(
            f"profiler: {count} captures could not be delivered to {store}; they are in {_RESCUE_FOLDER}/",
            file=sys.stderr,
        )
    return count


def read_event(source: str | None) -> Any:
    """Return the event in a JSON file, `-` for standard input, `{}` for none. Raises HandlerError."""
    if source is None:
        return {}
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HandlerError(
            f"event {source}: cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HandlerError(f"event {source}: not JSON ({error})") from error


def judge(name: str, store: str) -> int:
    """Run `viewer leaks` over this run's captures and return its exit code."""
    command = [
        sys.executable,
        "-m",
        "viewer",
        "leaks",
        name,
        "--store",
        store,
        "--environment",
        ENVIRONMENT.id,
    ]
    return subprocess.run(command, check=False).returncode


def _report(tally: Tally, count: int, delivered: int, store: str) -> None:
    line = f"{tally.done} of {count} invocations, {delivered} captures in {store}"
    if tally.failed:
        line += f", {tally.failed} failed (the last: {tally.last_failure})"
    print(f"profiler: {line}", file=sys.stderr)


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number, 1 or more")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: must be a number of seconds, more than 0")
    return number
