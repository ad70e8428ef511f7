"""The wrapper around an armed handler: `begin`, the handler, `end`.

The file is called as `awslambdaric` calls its own, on purpose. From the traceback of an error that client
leaves out the leading frames of every `…/bootstrap.py`: so the error that a team sees in its log, and that
the caller gets, is the same with the profiler as without it. Source: handle_event_request in
awslambdaric/bootstrap.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from profiler.outermost import enter
from profiler.recorder import Recorder

_MARK = "__invocation_profiler_original__"


def is_armed(handler: Callable[..., Any]) -> bool:
    """Tell whether a handler has been wrapped, perhaps below another decorator."""
    return hasattr(handler, _MARK)


def wrap(handler: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    """Return a function that calls the handler between `begin` and `end`."""
    if is_async(handler):
        return _wrap_async(handler, recorder)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if (call := enter()) is None:
            return handler(*args, **kwargs)
        try:
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
        finally:
            call.close()

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
        if (call := enter()) is None:
            return await handler(*args, **kwargs)
        try:
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
        finally:
            call.close()

    return _marked(wrapper, handler)
