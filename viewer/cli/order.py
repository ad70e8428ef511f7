"""Which captures come first, and how few of them are held to find out."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator

from viewer.store import StoredCapture

_DAY_NS = 86_400 * 1_000_000_000


def one_of_each(captures: Iterable[StoredCapture]) -> Iterator[StoredCapture]:
    """Leave one capture of each invocation: the one that saw most of it.

    A partial capture may have been delivered before the invocation came to its end after all; its name has
    another duration and outcome. In a listing the two stand side by side.
    """
    for _, group in itertools.groupby(captures, key=_invocation):
        yield max(group, key=lambda stored: stored.key.duration_ns)


def _invocation(stored: StoredCapture) -> tuple[str, str, int, int, str]:
    key = stored.key
    return (key.function_name, key.environment_id, key.sequence, key.started_at_ns, key.request_id)


def in_order(
    captures: Iterable[StoredCapture], *, slowest: int | None = None, last: int | None = None
) -> list[StoredCapture]:
    """Return the slowest or the newest few, or all, newest first; of a few no more are ever held."""
    if slowest is not None:
        return heapq.nlargest(slowest, captures, key=lambda stored: stored.key.duration_ns)
    if last is not None:
        return heapq.nlargest(last, captures, key=age)
    return sorted(captures, key=age, reverse=True)


def newest_of_dates(captures: Iterable[StoredCapture], count: int) -> list[StoredCapture]:
    """Return the newest of captures that come date by date, the newest date first.

    Once there are enough, older dates are neither listed nor opened.
    """
    found: list[StoredCapture] = []
    for _, group in itertools.groupby(captures, key=lambda stored: stored.key.started_at_ns // _DAY_NS):
        found = heapq.nlargest(count, itertools.chain(found, group), key=age)
        if len(found) == count:
            break
    return found


def environment(stored: StoredCapture) -> tuple[str, str]:
    """Return what an environment is known by."""
    return stored.key.function_name, stored.key.environment_id


def age(stored: StoredCapture) -> tuple[int, int]:
    """Return what sorts captures by time."""
    return stored.key.started_at_ns, stored.key.sequence
