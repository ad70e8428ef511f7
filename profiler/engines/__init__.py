"""The engines, by the name that PROFILER_CPU uses. Each is imported only when it is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from profiler.engines.base import Engine

ENGINES = {
    "sampler": "profiler.engines.sampler:SamplerEngine",
    "pyinstrument": "profiler.engines.pyinstrument_engine:PyinstrumentEngine",
}
# What has to be installed for an engine; imported with it, so that its absence shows while arming.
_LIBRARIES = {"pyinstrument": "pyinstrument"}
# The clocks that each engine can follow.
CLOCKS = {
    "sampler": ("wall", "cpu"),
    "pyinstrument": ("wall",),
}


def load_engine(name: str) -> Any:
    """Return the class of an engine. Raises ImportError where its library is not installed."""
    if name in _LIBRARIES:
        import_module(_LIBRARIES[name])
    module, _, attribute = ENGINES[name].partition(":")
    return getattr(import_module(module), attribute)


__all__ = ["CLOCKS", "ENGINES", "Engine", "load_engine"]
