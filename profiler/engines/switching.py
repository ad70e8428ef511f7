"""The interpreter's switch interval while the sampler runs: how soon a thread that wants the GIL gets it.

A waiting thread may ask for the GIL only after it has waited one switch interval undisturbed, and every
short system call of the running thread (each round of an event loop is one) disturbs it: at 5 ms, and at
0.5 ms too, a sampler beside a busy event loop sees nothing at all. At 20 µs it sees everything. But threads
that compete for the GIL would then pass it on 50,000 times a second, so the interval is that short only
while no other thread is busy.

Source: take_gil in CPython's Python/ceval_gil.c.
"""

from __future__ import annotations

import sys

ALONE_S = 0.00002
CROWDED_S = 0.0005


class SwitchInterval:
    """Shorten the switch interval, follow how busy the process is, and put it back."""

    def __init__(self) -> None:
        self._before_s = sys.getswitchinterval()
        self._set_s = self._before_s
        self._over = False

    def follow(self, crowded: bool) -> None:
        """Set what fits; an interval that is shorter already, or that user code has set since, stands."""
        wanted_s = min(CROWDED_S if crowded else ALONE_S, self._before_s)
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
