"""The door: with the flag off `profile` returns the handler itself and imports nothing.

Kept free of imports on purpose. `os` is the interpreter's own; everything else is imported below,
in functions that run only when the flag is on.
"""

import os

TYPE_CHECKING = False


def is_off(flag: object) -> bool:
    """Tell whether a value of the flag means off."""
    return str(flag).strip().lower() in ("", "0", "false", "no", "off")


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, overload

    Handler = TypeVar("Handler", bound=Callable[..., Any])

    @overload
    def profile(handler: Handler, /, **settings: object) -> Handler: ...
    @overload
    def profile(**settings: object) -> Callable[[Handler], Handler]: ...
    def profile(handler: Any = None, /, **settings: object) -> Any: ...

else:

    def profile(handler=None, /, **settings):
        """Capture invocations of a handler while PROFILER_ENABLED is on; return it as it is while off.

        Use as `@profile` or `@profile(cpu="pyinstrument", rate=0.1)`. An argument beats its PROFILER_*
        variable. Works on functions and `async def` functions; generators are left as they are. A bad
        setting is one warning, and the handler is returned as it is.
        """
        if handler is None:
            return lambda decorated: profile(decorated, **settings)
        enabled = settings.get("enabled")
        if enabled is None:
            enabled = os.environ.get("PROFILER_ENABLED", "")
        if is_off(enabled):
            return handler
        from profiler.arming import arm

        return arm(handler, settings)
