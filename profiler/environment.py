"""The execution environment: its id, and the count of all its invocations, captured or not."""

from __future__ import annotations

import os
from itertools import count


class Environment:
    """One process that serves invocations. A fork is an environment of its own."""

    def __init__(self) -> None:
        self._renew()

    def next_sequence(self) -> int:
        """Return the number of the invocation that begins now, from 1."""
        if os.getpid() != self._process_id:
            self._renew()
        return next(self._sequence)

    def _renew(self) -> None:
        self._process_id = os.getpid()
        # Not random: a handler that seeds it would give every environment the same id.
        self.id = os.urandom(8).hex()
        self._sequence = count(1)


ENVIRONMENT = Environment()
