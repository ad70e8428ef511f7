"""The execution environment: its id, and the count of all its invocations, captured or not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import count

from profiler.capture import INIT_SEQUENCE

_SNAP_START = "snap-start"


class Environment:
    """One process that serves invocations. A fork is an environment of its own, and so is what is restored
    from a snapshot: one snapshot becomes many environments.

    What is of one environment alone compares the `id` that it was made under with the `id` now.
    """

    def __init__(self) -> None:
        self._renew()

    @property
    def id(self) -> str:
        """The id, 16 hexadecimal digits that no other environment has."""
        self._follow_fork()
        return self._id

    def next_sequence(self) -> int:
        """Return the number of the invocation that begins now, from 1."""
        self._follow_fork()
        number = next(self._sequence)
        # The snapshot is taken at the end of init, so where an invocation begins it has been restored.
        if number == INIT_SEQUENCE + 1 and not self._is_restored and is_snapshot(os.environ):
            self.restored()
            number = next(self._sequence)
        return number

    def restored(self) -> None:
        """Become another environment: this process has been restored from a snapshot."""
        self._renew()
        self._is_restored = True

    def _follow_fork(self) -> None:
        if os.getpid() != self._process_id:
            self._renew()

    def _renew(self) -> None:
        self._process_id = os.getpid()
        # Not random: a handler that seeds it would give every environment the same id, and so would a
        # snapshot. The kernel seeds its own generator anew after a restore.
        self._id = os.urandom(8).hex()
        self._sequence = count(INIT_SEQUENCE + 1)
        self._is_restored = False


def is_snapshot(environ: Mapping[str, str]) -> bool:
    """Tell whether this function starts from a snapshot (Lambda SnapStart)."""
    return environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == _SNAP_START


ENVIRONMENT = Environment()
