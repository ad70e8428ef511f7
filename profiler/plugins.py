"""What others add by entry points: engines, sinks and live flags, under the name that a setting gives.

The metadata of all installed packages is searched only for a name that is not built in.
"""

from __future__ import annotations

from typing import Any

from profiler.errors import PluginError

# Groups of entry points.
ENGINES = "invocation_profiler.engines"
SINKS = "invocation_profiler.sinks"
FLAGS = "invocation_profiler.flags"


def names(group: str) -> list[str]:
    """Return the names that are registered in a group."""
    return sorted({point.name for point in _points(group)})


def load(group: str, name: str) -> Any:
    """Return what is registered under a name.

    Raises:
        PluginError: nothing is, or what is cannot be imported.
    """
    for point in _points(group):
        if point.name == name:
            try:
                return point.load()
            except Exception as error:
                raise PluginError(
                    f"{point.value} ({group} {name}) cannot be loaded: {type(error).__name__}: {error}"
                ) from error
    raise PluginError(f"no package registers {name!r} in {group}")


def _points(group: str) -> Any:
    from importlib.metadata import entry_points

    return entry_points(group=group)
