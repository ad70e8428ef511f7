"""Where a live flag stands, by what PROFILER_FLAG says; each source is loaded only when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from profiler import plugins

KINDS = ("appconfig", "ssm", "openfeature")
ALLOWED = (
    "allowed are appconfig:APPLICATION/ENVIRONMENT/PROFILE (and #FLAG), ssm:PARAMETER and openfeature:KEY"
)


class Source(Protocol):
    """One flag, somewhere. Another package's source is made with (name, function_name)."""

    def read(self) -> Any:
        """Return its content, text or JSON's values (`profiler.flag.value`). Raises whatever went wrong."""


def parse_source(value: object) -> str:
    """Return what PROFILER_FLAG says, if it names a source. Raises ValueError."""
    text = str(value).strip()
    kind, _, name = text.partition(":")
    if kind == "appconfig":
        parts = name.partition("#")[0].split("/")
        if len(parts) == 3 and all(parts):
            return text
    elif name and (kind in KINDS or kind in plugins.names(plugins.FLAGS)):
        return text
    raise ValueError(ALLOWED)


def open_source(text: str, function_name: str, environ: Mapping[str, str]) -> Source:
    """Return the source that PROFILER_FLAG names; nothing is connected yet. Raises PluginError."""
    kind, _, name = text.partition(":")
    if kind == "appconfig":
        from profiler.flag.appconfig import AppConfigSource

        return AppConfigSource(name, environ)
    if kind == "ssm":
        from profiler.flag.ssm import open_parameter

        return open_parameter(name, environ)
    if kind == "openfeature":
        from profiler.flag.openfeature import OpenFeatureSource

        return OpenFeatureSource(name, function_name)
    source: Source = plugins.load(plugins.FLAGS, kind)(name, function_name)
    return source
