"""From asleep to armed: read the settings, and put the wrapper around the handler."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from profiler.aws.context import is_lambda
from profiler.errors import ProfilerError, SettingsError
from profiler.guard import logger
from profiler.recorder import Recorder
from profiler.settings import Settings, unknown_variables

_MARK = "__invocation_profiler_original__"


def arm(handler: Callable[..., Any], explicit: dict[str, Any]) -> Callable[..., Any]:
    """Return the handler wrapped, or, with one warning, the handler itself where that cannot be."""
    try:
        if not callable(handler):
            return handler
        if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
            return handler
        if hasattr(handler, _MARK):  # armed already, perhaps below another decorator
            return handler
        return wrap(handler, make_recorder(handler, explicit))
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
    from profiler.outbox import Outbox
    from profiler.sinks import open_sink

    settings = Settings.from_env(os.environ, **explicit)
    if is_lambda(os.environ) and not os.environ.get("PROFILER_STORE") and not explicit.get("store"):
        raise SettingsError("PROFILER_STORE is not set: give s3://bucket/prefix")
    for name in unknown_variables(os.environ):
        logger.warning("profiler: %s is set but is no setting of the profiler", name)
    try:
        return Recorder(handler, settings, Outbox(open_sink(settings.store)))
    except ImportError as error:
        package = f"pip install 'invocation-profiler[{settings.cpu}]'"
        raise SettingsError(f"PROFILER_CPU={settings.cpu}: {error}; {package}") from error


def wrap(handler: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    """Return a function that calls the handler between `begin` and `end`."""
    if is_async(handler):
        return _wrap_async(handler, recorder)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        window = recorder.begin(args)
        if window is None:
            return handler(*args, **kwargs)
        try:
            result = handler(*args, **kwargs)
        except BaseException as error:  # looked at and raised on, SystemExit too
            recorder.end(window, error)
            raise
        recorder.end(window, None)
        return result

    return _marked(wrapper, handler)


def is_async(handler: Callable[..., Any]) -> bool:
    """Tell whether a call of the handler returns a coroutine; an object with `async __call__` counts."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__)


def original_of(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that an armed handler wraps; any other handler as it is."""
    original: Callable[..., Any] = getattr(handler, _MARK, handler)
    # A decorator around an armed handler has a copy of the mark (functools.wraps), and its own work to do.
    return original if getattr(handler, "__wrapped__", None) is original else handler


def _marked(wrapper: Callable[..., Any], handler: Callable[..., Any]) -> Callable[..., Any]:
    wraps(handler)(wrapper)
    setattr(wrapper, _MARK, handler)
    return wrapper


def _wrap_async(handler: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        window = recorder.begin(args)
        if window is None:
            return await handler(*args, **kwargs)
        try:
            result = await handler(*args, **kwargs)
        except BaseException as error:  # CancelledError too
            recorder.end(window, error)
            raise
        recorder.end(window, None)
        return result

    return _marked(wrapper, handler)
