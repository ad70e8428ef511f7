"""From asleep to armed: read the settings, and make the recorder of a handler."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from profiler.aws.context import is_lambda
from profiler.bootstrap import is_armed, wrap
from profiler.errors import ProfilerError, SettingsError
from profiler.guard import logger
from profiler.recorder import Recorder
from profiler.settings import Settings, unknown_variables
from profiler.watch.opening import open_watch

if TYPE_CHECKING:
    from profiler.outbox import Outbox


def arm(handler: Callable[..., Any], explicit: dict[str, Any]) -> Callable[..., Any]:
    """Return the handler wrapped, or, with one warning, the handler itself where that cannot be."""
    try:
        if not callable(handler):
            return handler
        if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
            return handler
        if is_armed(handler):  # armed already, perhaps below another decorator
            return handler
        recorder = make_recorder(handler, explicit)
        watch = open_watch(recorder, os.environ)
        recorder.watch = None if recorder.runs_alone else watch
        return wrap(handler, recorder)
    except (ProfilerError, ImportError, TypeError) as error:
        logger.warning("profiler: not armed: %s", error)
        return handler
    except Exception:  # noqa: BLE001 — nothing in here may keep the function from starting
        logger.warning("profiler: not armed", exc_info=True)
        return handler


def make_recorder(handler: Callable[..., Any], explicit: dict[str, Any]) -> Recorder:
    """Return the recorder that the environment and the explicit arguments ask for.

    Raises:
        SettingsError: a bad value, or no store inside Lambda.
    """
    from profiler.delivery import open_delivery

    settings = Settings.from_env(os.environ, **explicit)
    if is_lambda(os.environ) and not os.environ.get("PROFILER_STORE") and not explicit.get("store"):
        raise SettingsError("PROFILER_STORE is not set: give s3://bucket/prefix")
    for name in unknown_variables(os.environ):
        logger.warning("profiler: %s is set but is no setting of the profiler", name)
    try:
        recorder = Recorder(handler, settings, _open_outbox(settings))
    except ImportError as error:
        package = f"pip install 'invocation-profiler[{settings.cpu}]'"
        raise SettingsError(f"PROFILER_CPU={settings.cpu}: {error}; {package}") from error
    if settings.is_live and settings.flag is not None:
        from profiler.flag import LiveFlag, open_source

        source = open_source(settings.flag, recorder.function_name, os.environ)
        recorder.live_flag = LiveFlag(source, recorder.function_name, settings.flag_ttl_s)
        recorder.live_flag.refresh()
    upload = settings.upload
    if upload == "auto" and recorder.runs_alone:
        upload = "before-response"  # an extension is a thread
    # Last, for Lambda waits for an extension in every invocation, whether or not anybody gives it work.
    recorder.delivery = open_delivery(upload, settings.reserve_ms / 1000, os.environ)
    return recorder


def _open_outbox(settings: Settings) -> Outbox:
    from profiler.location import LocalLocation, parse_location
    from profiler.outbox import Outbox, spool_folder
    from profiler.sinks import open_sink

    store = settings.store
    # A local disk is as quick as the spool would be. In Lambda a folder is a network file system.
    is_disk = isinstance(parse_location(store), LocalLocation) and not is_lambda(os.environ)
    return Outbox(
        open_sink(store),
        settings.spool_mb * 2**20,
        lambda make: spool_folder(store, make=make),
        at_once=is_disk,
    )
