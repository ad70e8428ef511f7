"""The settings, and the only place that reads PROFILER_* variables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from profiler import plugins
from profiler.engines import ENGINES, clocks_of
from profiler.engines.base import DEFAULT_INTERVAL_NS
from profiler.errors import PluginError, SettingsError, StoreError
from profiler.flag.sources import ALLOWED as FLAG_KINDS
from profiler.flag.sources import parse_source
from profiler.flag.value import FALSE, TRUE
from profiler.location import OtherLocation, parse_location
from profiler.triggers import Keep, Rules, parse_keep, parse_rules
from profiler.triggers.token import SHORTEST_KEY

LIVE = "live"
CPU_CHOICES = (*ENGINES, "off")
MEMORY_CHOICES = ("census", "auto", "tracemalloc", "off")
GC_CHOICES = ("off", "collect", "freeze")
UPLOAD_CHOICES = ("auto", "before-response", "after-response")
DEFAULT_STORE = "profiles"
_BY_RATE = Rules(rate=True)
_EVERYTHING = Keep()
# Never shown.
SECRETS = ("request_key",)
# Ours too, but no settings: what the entry point, the exec wrapper and `profiler disable` go by.
OTHER_VARIABLES = ("PROFILER_HANDLER", "PROFILER_INNER_WRAPPER", "PROFILER_BEFORE")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to capture. Every field has a PROFILER_* variable; units stand in the names."""

    enabled: bool | str = False
    flag: str | None = None
    flag_ttl_s: float = 30.0
    store: str = DEFAULT_STORE
    cpu: str = "sampler"
    clock: str = "wall"
    interval_ms: float = DEFAULT_INTERVAL_NS / 1e6
    memory: str = "census"
    memory_frames: int = 1
    gc: str = "off"
    trigger: Rules = _BY_RATE
    init: bool = False
    rate: float = 1.0
    request_key: str | None = None
    keep: Keep = _EVERYTHING
    upload: str = "auto"
    reserve_ms: int = 500
    max_captures: int = 1000
    spool_mb: int = 64
    labels: Mapping[str, str] | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **explicit: Any) -> Settings:
        """Return the settings of an environment; an explicit argument beats its variable.

        Raises:
            SettingsError: every bad value at once, each with its name and what is allowed.
            TypeError: an explicit argument that is no setting.
        """
        names = {field.name for field in fields(cls)}
        for name in explicit:
            if name not in names:
                raise TypeError(f"profile() has no setting {name!r}; there are {', '.join(sorted(names))}")
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, read in _READERS.items():
            variable = variable_of(name)
            if explicit.get(name) is not None:
                source, raw = f"{name}=", explicit[name]
            elif environ.get(variable, "").strip():  # SAM and Terraform write an empty one for "not set"
                source, raw = f"{variable}=", environ[variable]
            else:
                continue
            try:
                values[name] = read(raw)
            except ValueError as error:
                problems.append(f"{source}{'…' if name in SECRETS else raw}: {error}")
        settings = cls(**values)
        if not problems:
            problems = settings._contradictions()
        if problems:
            raise SettingsError("; ".join(problems))
        return settings

    @property
    def is_live(self) -> bool:
        """Whether the flag is read anew in a running environment (`PROFILER_ENABLED=live`)."""
        return self.enabled == LIVE

    def _contradictions(self) -> list[str]:
        problems = []
        if self.is_live and self.flag is None:
            problems.append(f"PROFILER_FLAG is not set, and PROFILER_ENABLED={LIVE} reads it: {FLAG_KINDS}")
        if self.memory == "off" and self.keep.grew_bytes is not None:
            problems.append("PROFILER_KEEP=grew:…: PROFILER_MEMORY=off does not see memory grow")
        if self.cpu != "off":
            try:
                clocks = clocks_of(self.cpu)
                if self.clock not in clocks:
                    has = ", ".join(clocks)
                    problems.append(f"PROFILER_CLOCK={self.clock}: {self.cpu} has {has} only")
            except PluginError as error:
                problems.append(f"PROFILER_CPU={self.cpu}: {error}")
        return problems


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"PROFILER_{name.upper()}"


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the PROFILER_* variables that are no setting: most likely a slip of the pen."""
    known = {*(variable_of(field.name) for field in fields(Settings)), *OTHER_VARIABLES}
    return sorted(name for name in environ if name.startswith("PROFILER_") and name not in known)


# ---- one reader for each kind of value; each raises ValueError that says what is allowed ----


def _flag(value: object) -> bool | str:
    text = str(value).strip().lower()
    if text == LIVE:
        return LIVE
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ValueError(f"allowed are {', '.join(TRUE)}, {', '.join(FALSE[1:])} or {LIVE}")


def _choice(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = str(value).strip().lower()
        if text not in choices:
            raise ValueError(f"allowed are {', '.join(choices)}")
        return text

    return read


def _engine(value: object) -> str:
    text = str(value).strip()
    if text.lower() in CPU_CHOICES:
        return text.lower()
    others = plugins.names(plugins.ENGINES)
    if text not in others:
        raise ValueError(f"allowed are {', '.join((*CPU_CHOICES, *others))}")
    return text


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not low <= number <= high:  # NaN too
            raise ValueError(f"allowed is a number from {low:g} to {high:g}")
        return number

    return read


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"allowed is a whole number from {low} to {high}")
        return number

    return read


def _store(value: object) -> str:
    text = str(value)
    try:
        location = parse_location(text)
    except StoreError as error:
        raise ValueError(str(error)) from None
    if isinstance(location, OtherLocation) and location.scheme not in plugins.names(plugins.SINKS):
        raise ValueError(f"unknown scheme {location.scheme}://; give s3://bucket/prefix or a folder")
    return text


def _key(value: object) -> str:
    text = str(value).strip()
    if len(text) < SHORTEST_KEY:
        raise ValueError(f"a key has {SHORTEST_KEY} characters at least")
    return text


def _labels(value: object) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(name): str(text) for name, text in value.items()}
    labels = {}
    for part in filter(None, (part.strip() for part in str(value).split(","))):
        name, equals, text = part.partition("=")
        if not equals or not name.strip():
            raise ValueError("allowed are name=value pairs, separated by commas")
        labels[name.strip()] = text.strip()
    return labels


_READERS: dict[str, Callable[[Any], Any]] = {
    "enabled": _flag,
    "flag": parse_source,
    "flag_ttl_s": _number(1, 86_400),
    "store": _store,
    "cpu": _engine,
    "clock": _choice("wall", "cpu"),
    "interval_ms": _number(0.1, 1000),
    "memory": _choice(*MEMORY_CHOICES),
    "memory_frames": _whole(1, 100),
    "gc": _choice(*GC_CHOICES),
    "trigger": parse_rules,
    "init": _flag,
    "rate": _number(0, 1),
    "request_key": _key,
    "keep": parse_keep,
    "upload": _choice(*UPLOAD_CHOICES),
    "reserve_ms": _whole(0, 900_000),
    "max_captures": _whole(1, 1_000_000),
    "spool_mb": _whole(1, 10_240),
    "labels": _labels,
}
