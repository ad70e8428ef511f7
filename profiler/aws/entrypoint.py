"""The handler of a function whose code stays as it is: `PROFILER_HANDLER` names the function's own.

`profiler.aws.entrypoint.handler` is configured instead of it, by the exec wrapper or by hand. With the flag
off `handler` is the function's own handler, the same object, and nothing else is imported. A handler that
cannot be loaded is reported to the user, and to the Runtime API, as it is without us.
"""

import os

from profiler._wrap import is_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Handler: TypeAlias = Callable[..., Any]

ENTRY_POINT = "profiler.aws.entrypoint.handler"


def load_original() -> "Handler":
    """Return the function's own handler; whatever its module raises is raised."""
    name = os.environ.get("PROFILER_HANDLER", "")
    if name in ("", ENTRY_POINT):
        from profiler.errors import HandlerError

        raise HandlerError("PROFILER_HANDLER must name the function's own handler, for example app.handler")
    if os.environ.get("_HANDLER") == ENTRY_POINT:
        os.environ["_HANDLER"] = name  # the function's code, and other tools, see what is there without us
    try:
        # AWS's own: `package/module.function`, names such as `lambda.handler`, and its words for errors.
        from awslambdaric.bootstrap import _get_handler as get_handler
    except ImportError:
        get_handler = _get_handler
    handler: Handler = get_handler(name)
    return handler


def _get_handler(name: str) -> "Handler":
    """Load a handler where there is no `awslambdaric` to do it, as it does."""
    from importlib import import_module

    module, _, function = name.rpartition(".")
    handler: Handler = getattr(import_module(module.replace("/", ".")), function)
    return handler


def _as_the_runtime_reports(error: Exception) -> Exception:
    """Return the error as the runtime tells it when it imports the module itself: without our frames.

    A `FaultException` carries type, message and stack trace as they are to be reported, so an error of any
    type can be told by one. Source: `run` and `build_fault_result` of `awslambdaric.bootstrap`.
    """
    try:
        from awslambdaric.lambda_runtime_exception import FaultException
    except ImportError:
        return error
    if isinstance(error, FaultException):  # it carries a report already
        return error  # type: ignore[no-any-return]
    import traceback

    from profiler.own import is_own_file

    frames = traceback.extract_tb(error.__traceback__)
    while frames and (is_own_file(frames[0].filename) or "/bootstrap.py" in frames[0].filename):
        del frames[0]
    lines = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames]
    fault: Exception = FaultException(type(error).__name__, str(error), traceback.format_list(lines))
    return fault


def _load() -> "Handler":
    """Return the function's own handler, armed where the flag is on."""
    if is_off(os.environ.get("PROFILER_ENABLED", "")):
        return load_original()
    from profiler.arming import load_and_arm

    return load_and_arm(load_original)


try:
    handler = _load()
except Exception as error:
    fault = _as_the_runtime_reports(error)
    if fault is error:
        raise
    raise fault from error
