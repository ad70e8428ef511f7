"""From asleep to armed: read the settings, and make the recorder of a handler."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from profiler.aws.context import is_lambda
from profiler.aws.snapstart import prepare_for_snapshot
from profiler.bootstrap import is_armed, wrap
from profiler.errors import ProfilerError, SettingsError
from profiler.guard import logger
from profiler.recorder import Recorder
from profiler.settings import Settings, unknown_variables
from profiler.watch.opening import open_watch

if TYPE_CHECKING:
    from profiler.init_phase import InitPhase
    from profiler.outbox import Outbox


def load_and_arm(load: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
    """Return the handler that `load` returns, armed; what it raises is raised on.

    With PROFILER_INIT the import is a capture of its own. Bad settings are `arm`'s to tell.
    """
    init = None
    try:
        settings = Settings.from_env(os.environ)
        if settings.init and _has_store(None):
            module = os.environ.get("PROFILER_HANDLER", "").rpartition(".")[0]
            init = open_init(settings, module.replace("/", "."))
    except Exception as error:  # noqa: BLE001 — nothing in here may keep the function from starting
        logger.debug("profiler: init is not captured: %s", error)
    if init is None:
        return arm(load(), {})
    with init:
        handler = load()
    return arm(handler, {}, init.outbox)


def open_init(settings: Settings, default_name: str) -> InitPhase:
    """Return the init phase of a function, with the name that it has where Lambda gives it none."""
    from profiler.init_phase import InitPhase

    return InitPhase(settings, open_outbox(settings), default_name)


def arm(
    handler: Callable[..., Any], explicit: dict[str, Any], outbox: Outbox | None = None
) -> Callable[..., Any]:
    """Return the handler wrapped, or, with one warning, the handler itself where that cannot be.

    `outbox` is the one that init has used, if there was an init of ours.
    """
    try:
        if not callable(handler):
            return handler
        if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
            return handler
        if is_armed(handler):  # armed already, perhaps below another decorator
            return handler
        recorder = make_recorder(handler, explicit, outbox)
        watch = open_watch(recorder, os.environ)
        recorder.watch = None if recorder.runs_alone else watch
        return wrap(handler, recorder)
    except (ProfilerError, ImportError, TypeError) as error:
        logger.warning("profiler: not armed: %s", error)
        return handler
    except Exception:  # noqa: BLE001 — nothing in here may keep the function from starting
        logger.warning("profiler: not armed", exc_info=True)
        return handler


def make_recorder(
    handler: Callable[..., Any], explicit: dict[str, Any], outbox: Outbox | None = None
) -> Recorder:
    """Return the recorder that the environment and the explicit arguments ask for.

    Raises:
        SettingsError: a bad value, or no store inside Lambda.
    """
    from profiler.delivery import open_delivery

    settings = Settings.from_env(os.environ, **explicit)
    if not _has_store(explicit.get("store")):
        raise SettingsError("PROFILER_STORE is not set: give s3://bucket/prefix")
    for name in unknown_variables(os.environ):
        logger.warning("profiler: %s is set but is no setting of the profiler", name)
    try:
        recorder = Recorder(handler, settings, outbox or open_outbox(settings))
    except ImportError as error:
        package = f"pip install 'invocation-profiler[{settings.cpu}]'"
        raise SettingsError(f"PROFILER_CPU={settings.cpu}: {error}; {package}") from error
    if settings.init:
        from profiler.init_phase import warn_where_unseen

        warn_where_unseen()
    prepare_for_snapshot(recorder.outbox, os.environ)
    if settings.is_live and settings.flag is not None:
        from profiler.flag import LiveFlag, open_source

        source = open_source(settings.flag, recorder.function_name, os.environ)
        recorder.live_flag = LiveFlag(source, recorder.function_name, settings.flag_ttl_s)
        recorder.live_flag.read_ahead()
    upload = settings.upload
    if upload == "auto" and recorder.runs_alone:
        upload = "before-response"  # an extension is a thread
    # Last, for Lambda waits for an extension in every invocation, whether or not anybody gives it work.
    recorder.delivery = open_delivery(upload, settings.reserve_ms / 1000, os.environ)
    return recorder


def _has_store(explicit: str | None) -> bool:
    return bool(explicit or os.environ.get("PROFILER_STORE") or not is_lambda(os.environ))


def open_outbox(settings: Settings) -> Outbox:
    """Return the outbox for the store that the settings name."""
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
