"""The decision, before an invocation, whether to capture it.

It costs a microsecond where no token is to be checked, and uses no `random`: the handler's own sequence of
random numbers must not change.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from profiler.triggers.carriers import tokens_in
from profiler.triggers.token import Verifier

_SCALE = 1 << 32
_COUNT = re.compile(r"0*[1-9][0-9]{0,8}")
_ALLOWED = "allowed are rate, cold, first:N and every:N, separated by commas"


@dataclass(frozen=True, slots=True)
class Rules:
    """What PROFILER_TRIGGER asks for: an invocation is captured where any of them says so.

    `first` invocations of an environment; each one whose number is a multiple of `every`; the `cold` one;
    a share of all by `rate`.
    """

    rate: bool = False
    cold: bool = False
    first: int = 0
    every: int = 0

    def expected(self, count: int, rate: float) -> float:
        """Return how many of the first `count` invocations of an environment are captured, on average."""
        certain = sum(
            (self.cold and number == 1)
            or number <= self.first
            or (self.every > 0 and number % self.every == 0)
            for number in range(1, count + 1)
        )
        return certain + (count - certain) * rate * self.rate


def parse_rules(value: object) -> Rules:
    """Return the rules in `first:5,every:100,cold,rate`. Raises ValueError."""
    if isinstance(value, Rules):
        return value
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip().lower() for part in str(value).split(","))):
        name, colon, number = part.partition(":")
        if name in ("rate", "cold") and not colon:
            found[name] = True
        elif name in ("first", "every") and _COUNT.fullmatch(number):
            found[name] = int(number)
        else:
            raise ValueError(_ALLOWED)
    if not found:
        raise ValueError(_ALLOWED)
    return Rules(**found)


class Triggers:
    """The triggers of one environment; no more than `max_captures` that are kept.

    `fires` names the first that says so: `request`, `cold`, `first`, `every` or `rate`.
    """

    def __init__(
        self, rules: Rules, rate: float, max_captures: int, verifier: Verifier | None = None
    ) -> None:
        self._rules = rules
        self._threshold = round(rate * _SCALE) if rules.rate else 0
        self._left = max_captures
        self._verifier = verifier

    def expects_more_after(self, sequence: int) -> bool:
        """Tell whether one may be expected to fire after an invocation, by its number.

        A signed request may always come, and is not expected.
        """
        rules = self._rules
        is_endless = bool(self._threshold or rules.every)
        return self._left > 0 and (is_endless or sequence < max(rules.first, rules.cold))

    def fires(self, sequence: int, arguments: tuple[Any, ...] = ()) -> str | None:
        """Return the trigger that fires for an invocation by its number, from 1, and its arguments."""
        if self._left <= 0:
            return None
        name = self._first_to_fire(sequence, arguments)
        if name is not None:
            self._left -= 1
        return name

    def take_back(self) -> None:
        """Count one capture less: it was not kept."""
        self._left += 1

    def _first_to_fire(self, sequence: int, arguments: tuple[Any, ...]) -> str | None:
        rules = self._rules
        if self._verifier is not None and any(map(self._verifier.accepts, tokens_in(arguments))):
            return "request"
        if rules.cold and sequence == 1:
            return "cold"
        if sequence <= rules.first:
            return "first"
        if rules.every and sequence % rules.every == 0:
            return "every"
        if self._threshold >= _SCALE:
            return "rate"
        if self._threshold and int.from_bytes(os.urandom(4), "little") < self._threshold:
            return "rate"
        return None
