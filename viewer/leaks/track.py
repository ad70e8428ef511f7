"""The values of one subject, in little room: there are many subjects, and most of them stay as they are."""

from __future__ import annotations

from array import array

_NONE = -1


class Track:
    """The values of one subject by the number of the observation.

    A run of equal values is kept once, from its first number to its last, so that what stays as it is
    takes no more room after ten thousand observations than after one.
    """

    __slots__ = ("_earlier", "_first", "_last", "_value")

    def __init__(self) -> None:
        self._first = self._last = _NONE
        self._value = 0
        # First, last and value of each run before the present one.
        self._earlier: array[int] | None = None

    def add(self, number: int, value: int) -> None:
        """Take the value of an observation; numbers do not go down."""
        if self._value == value and self._last + 1 == number and self._last != _NONE:
            self._last = number
            return
        if self._last != _NONE:
            if self._earlier is None:
                self._earlier = array("q")
            self._earlier.extend((self._first, self._last, self._value))
        self._first = self._last = number
        self._value = value

    def by_number(self) -> dict[int, int]:
        """Return the values, those of one observation added up."""
        found: dict[int, int] = {}
        earlier = self._earlier or ()
        for start in range(0, len(earlier), 3):
            _spread(found, earlier[start], earlier[start + 1], earlier[start + 2])
        if self._last != _NONE:
            _spread(found, self._first, self._last, self._value)
        return found


def _spread(found: dict[int, int], first: int, last: int, value: int) -> None:
    for number in range(first, last + 1):
        found[number] = found.get(number, 0) + value
