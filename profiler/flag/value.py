"""What the content of a flag says: on, off, or on until a time.

| content | means |
|---|---|
| `on`, `off` and the other words of PROFILER_ENABLED | the same |
| `on until 2026-11-25T16:00:00Z` | on, and off by itself from then on |
| `{"enabled": true, "until": "2026-11-25T16:00:00Z"}` | the same; also a feature flag of AppConfig |
| `{"checkout": "on", "*": "off"}` | by function, `*` for all others |
"""

from __future__ import annotations

import datetime
import json
import math
import re
from dataclasses import dataclass
from typing import Any

TRUE = ("1", "true", "yes", "on")
FALSE = ("", "0", "false", "no", "off")
_UNTIL = re.compile(r"(\w+)\s+until\s+(\S+)", re.IGNORECASE)
# AppConfig and SSM hold more, but no flag needs it.
LONGEST = 64 * 1024
# The year 10000. What is said in milliseconds lies beyond it, and would be on for ever.
_NO_MOMENT_S = 253_402_300_800


class FlagError(Exception):
    """A flag that cannot be read or understood; the message says why."""


@dataclass(frozen=True, slots=True)
class Value:
    """A flag as it was read. `until_s` is by the wall clock, seconds since 1970."""

    is_on: bool
    until_s: float = math.inf

    def holds(self, now_s: float) -> bool:
        """Tell whether it is on at a time."""
        return self.is_on and now_s < self.until_s


def value_of(content: Any, function_name: str) -> Value:
    """Return what a content says for a function: text, or what JSON makes of it. Raises FlagError."""
    if isinstance(content, str):
        if len(content) > LONGEST:
            raise FlagError("is too long to be a flag")
        content = _parsed(content)
    if isinstance(content, dict):
        return _of_object(content, function_name)
    return _of_word(content)


def _parsed(text: str) -> Any:
    text = text.strip()
    if not text.startswith(("{", '"')):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise FlagError("is no JSON") from None


def _of_object(content: dict[str, Any], function_name: str) -> Value:
    if "enabled" in content:
        word = _of_word(content["enabled"])
        return Value(word.is_on, min(word.until_s, _moment(content.get("until"))))
    found = content.get(function_name, content.get("*"))
    if isinstance(found, dict) and "enabled" in found:
        return _of_object(found, function_name)
    if found is None and content:
        return Value(False)  # the flags of others
    return _of_word(found)


def _of_word(content: Any) -> Value:
    if isinstance(content, bool):
        return Value(content)
    text = str(content).strip().lower() if isinstance(content, (str, int)) else "?"
    match = _UNTIL.fullmatch(text)
    if match is not None:
        return Value(_of_word(match[1]).is_on, _moment(match[2]))
    if text in TRUE:
        return Value(True)
    if text in FALSE:
        return Value(False)
    raise FlagError("is neither on nor off")


def _moment(content: Any) -> float:
    """Return a time in ISO 8601 (without a zone: UTC) or in seconds since 1970."""
    if content is None:
        return math.inf
    is_number = isinstance(content, (int, float)) and not isinstance(content, bool)
    try:
        seconds = content if is_number else _seconds_of(str(content))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < _NO_MOMENT_S:  # NaN too, which JSON has in Python
        raise FlagError("has an end that is no time")
    return float(seconds)


def _seconds_of(text: str) -> float:
    moment = datetime.datetime.fromisoformat(text.strip().upper().replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp()
