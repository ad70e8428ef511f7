"""The engines, by the name that PROFILER_CPU uses. Each is imported only when it is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from profiler import plugins
from profiler.engines.base import Engine

ENGINES = {
    "sampler": "profiler.engines.sampler:SamplerEngine",
    "pyinstrument": "profiler.engines.pyinstrument_engine:PyinstrumentEngine",
    "yappi": "profiler.engines.yappi_engine:YappiEngine",
    "cprofile": "profiler.engines.cprofile_engine:CProfileEngine",
}
# What has to be installed for an engine; imported with it, so that its absence shows while arming.
_LIBRARIES = {"pyinstrument": "pyinstrument", "yappi": "yappi"}
# The clocks that each engine can follow.
CLOCKS = {
    "sampler": ("wall", "cpu"),
    "pyinstrument": ("wall",),
    "yappi": ("wall", "cpu"),
    "cprofile": ("wall", "cpu"),
}


def load_engine(name: str) -> Any:
    """Return the class of an engine, built in or another package's.

    Raises:
        ImportError: its library is not installed.
        PluginError: no package registers it, or that one is broken.
    """
    if name not in ENGINES:
        return plugins.load(plugins.ENGINES, name)
    if name in _LIBRARIES:
        import_module(_LIBRARIES[name])
    module, _, attribute = ENGINES[name].partition(":")
    return getattr(import_module(module), attribute)


def clocks_of(name: str) -> tuple[str, ...]:
    """Return the clocks of an engine; another package's names them as `clocks`. Raises PluginError."""
    if name in CLOCKS:
        return CLOCKS[name]
    return tuple(getattr(load_engine(name), "clocks", ("wall",)))


__all__ = ["CLOCKS", "ENGINES", "Engine", "clocks_of", "load_engine"]
