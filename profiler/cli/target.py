"""From a handler string to the handler: `module.function`, also `package/module.function`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from profiler.errors import HandlerError


def load_handler(target: str) -> Callable[..., Any]:
    """Return the handler that a Lambda handler string names.

    Raises:
        HandlerError: no dot in it, a module that does not import, or no such function there.
    """
    module_name, dot, function_name = target.rpartition(".")
    if not dot or not module_name or not function_name:
        raise HandlerError(f"handler {target!r}: write MODULE.FUNCTION, for example app.handler")
    try:
        module = import_module(module_name.replace("/", "."))
    except ModuleNotFoundError as error:
        raise HandlerError(f"handler {target!r}: no module named {error.name!r} in this folder") from error
    except Exception as error:
        reason = " ".join(str(error).split())
        raise HandlerError(f"handler {target!r}: import failed: {type(error).__name__}: {reason}") from error
    handler = getattr(module, function_name, None)
    if handler is None:
        raise HandlerError(f"handler {target!r}: module {module_name!r} has no {function_name!r}")
    if not callable(handler):
        raise HandlerError(f"handler {target!r}: {function_name!r} is not a function")
    return handler  # type: ignore[no-any-return]
