"""At the start of a process: deliver what a dead one has left, and watch what comes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from profiler.aws.context import is_lambda
from profiler.capture import Capture
from profiler.codec import encode
from profiler.keys import CaptureKey
from profiler.outbox import spool_folder
from profiler.recorder import Recorder
from profiler.watch.desk import Desk
from profiler.watch.recovery import recover_quietly
from profiler.watch.watch import Watch

# After a crash init waits so long for the store to take what was found.
_DELIVERY_S = 2.0


def open_watch(recorder: Recorder, environ: Mapping[str, str]) -> Watch:
    """Return the watch over a recorder's invocations, and put into its outbox what was found on disk."""
    settings, outbox = recorder.settings, recorder.outbox

    def folder(make: bool) -> Path:
        return spool_folder(settings.store, environ, make=make)

    def add(capture: Capture) -> None:
        if recorder.keeps(capture):
            outbox.add(CaptureKey.of(capture), encode(capture))

    with recorder.guard("recovery"):
        if recover_quietly(folder, add) and not outbox.is_empty():
            _load_client(settings.store)
            outbox.deliver(_DELIVERY_S)
    desk = Desk(recorder.partial, recorder.keeps, outbox, recorder.guard, recorder.relieve)
    reserve_ns = settings.reserve_ms * 1_000_000
    return Watch(desk, recorder.first, folder, reserve_ns, hears_sigterm=is_lambda(environ))


def _load_client(store: str) -> None:
    """Import what delivery needs here and now: not in its thread, beside the imports of the user's module."""
    if store.startswith("s3://"):
        try:
            importlib.import_module("boto3")
        except ImportError:
            return
