"""The interpreter's switch interval while the sampler runs: how soon a thread that wants the GIL gets it.

A waiting thread may ask for the GIL only after it has waited one switch interval undisturbed. At 5 ms the
sampler comes late after everything; 0.5 ms is right for most. But every short system call of the running
thread disturbs the wait, each round of an event loop for one, and beside a busy loop the sampler may then see
nothing at all: at 20 µs it sees everything. That is no interval for every day: threads that compete for the
GIL would pass it on 50,000 times a second, and on a busy machine the running thread could take it back before
the sampler has looked, which matters where a long C call held it up. So: 20 µs after two looks in a row that
came late, until one comes late all the same, and only while no other thread is busy.

Source: take_gil in CPython's Python/ceval_gil.c.
"""

from __future__ import annotations

import sys

EAGER_S = 0.00002
CALM_S = 0.0005


class SwitchInterval:
    """Shorten the switch interval, follow how busy the process is, and put it back."""

    def __init__(self) -> None:
        self._before_s = sys.getswitchinterval()
        self._set_s = self._before_s
        self._over = False
        self._eager = False
        self._held_up = 0

    def follow(self, crowded: bool, late: bool = False) -> None:
        """Set what fits; an interval that is shorter already, or that user code has set since, stands."""
        self._held_up = self._held_up + 1 if late else 0
        if self._held_up == (1 if self._eager else 2):
            self._eager = not self._eager
            self._held_up = 0
        wanted_s = min(EAGER_S if self._eager and not crowded else CALM_S, self._before_s)
        if not self._over and wanted_s != self._set_s and sys.getswitchinterval() == self._set_s:
            set_switch_interval(wanted_s)
            # What is asked for is not always what is set: the interpreter keeps whole microseconds.
            self._set_s = sys.getswitchinterval()

    def restore(self) -> None:
        """Put back what was there before, unless user code has made a choice of its own meanwhile."""
        self._over = True
        if sys.getswitchinterval() == self._set_s != self._before_s:
            set_switch_interval(self._before_s)


def set_switch_interval(seconds: float) -> None:
    """Set the interval to the microsecond that it stands for."""
    # The interpreter cuts off to whole microseconds: 100 µs, read and set again, would be 99.
    sys.setswitchinterval(seconds + 5e-7)
