"""The engines, by the name that PROFILER_CPU uses. Each is imported only when it is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from profiler.engines.base import Engine

ENGINES = {
    "sampler": "profiler.engines.sampler:SamplerEngine",
    "pyinstrument": "profiler.engines.pyinstrument_engine:PyinstrumentEngine",
}
# The clocks that each engine can follow.
CLOCKS = {
    "sampler": ("wall", "cpu"),
    "pyinstrument": ("wall",),
}


def load_engine(name: str) -> Any:
    """Return the class of an engine. Raises ImportError where its library is not installed."""
    module, _, attribute = ENGINES[name].partition(":")
    return getattr(import_module(module), attribute)


__all__ = ["CLOCKS", "ENGINES", "Engine", "load_engine"]
