"""While an invocation runs: signs of life several times a second, and drafts now and then.

Memory is looked at the more often the sooner it will be at its limit. What drafts cost is bounded: in time
by the pause after each, in memory by what is left below the limit.
"""

from __future__ import annotations

from profiler import host
from profiler.codec import encode
from profiler.watch.desk import Desk
from profiler.watch.draft import Signs
from profiler.watch.entry import Entry
from profiler.window import Window

SECOND_NS = 1_000_000_000
# A look costs 30 µs: a thousandth of the shortest pause, which the first look comes after.
SHORT_LOOK_NS = SECOND_NS // 40
LOOK_NS = SECOND_NS // 4
FIRST_DRAFT_NS = SECOND_NS
DRAFT_NS = 5 * SECOND_NS
# A draft that took long is followed by the next so many times later: drafts take less than one per cent.
DRAFT_PAUSE = 100
# From this share of the limit on, memory is near it.
NEAR = 0.8
# To make a draft takes memory: so much, and so many bytes for each byte that it has.
ROOM_BYTES = 16 * 2**20
ROOM_PER_BYTE = 100


class Drafts:
    """Those of one invocation, in one entry. The first one comes after `by_ns` at the latest."""

    def __init__(
        self, entry: Entry, window: Window, signs: Signs, desk: Desk, by_ns: int | None = None
    ) -> None:
        self.entry = entry
        self._window = window
        self._signs = signs
        self._desk = desk
        self._looked_ns = now_ns = desk.clock()
        self._pause_ns = SHORT_LOOK_NS
        self._look_ns = now_ns + SHORT_LOOK_NS
        self._draft_ns = now_ns + (FIRST_DRAFT_NS if by_ns is None else min(FIRST_DRAFT_NS, by_ns))
        self._is_near = False

    @property
    def due_ns(self) -> int:
        """When there is something to do."""
        return min(self._look_ns, self._draft_ns)

    def do_what_is_due(self, now_ns: int) -> None:
        """Look, and make a draft, where it is time for that."""
        if now_ns >= self._look_ns:
            self._look(now_ns)
        if now_ns >= self._draft_ns:
            self._draft(now_ns)

    def _look(self, now_ns: int) -> None:
        """Write down the signs of life; the sooner look again, the sooner memory will be at its limit."""
        signs = self._signs
        rss_bytes, before_bytes = host.rss_bytes(), signs.rss_bytes
        growth_bytes = max(0, (rss_bytes or 0) - (before_bytes or 0)) if before_bytes is not None else 0
        took_ns = max(1, now_ns - self._looked_ns)
        self._pause_ns = min(2 * self._pause_ns, LOOK_NS)
        if rss_bytes is not None and signs.limit_bytes and growth_bytes:
            left_ns = max(0, signs.limit_bytes - rss_bytes) * took_ns // growth_bytes
            self._pause_ns = min(self._pause_ns, max(SHORT_LOOK_NS, left_ns // 4))
        self._looked_ns = now_ns
        # From where a capture counts, which is after the engine has started.
        signs.seen_ns = max(0, now_ns - self._window.started_ns)
        signs.next_ns = signs.seen_ns + self._pause_ns
        signs.rss_bytes = rss_bytes
        if rss_bytes is not None:
            signs.expected_bytes = rss_bytes + growth_bytes * self._pause_ns // took_ns
        self._look_ns = now_ns + self._pause_ns
        self.entry.see(signs)
        if not self._is_near and is_near(signs):
            self._is_near = True
            self._draft_ns = now_ns
            self._desk.relieve()

    def _draft(self, now_ns: int) -> None:
        """Put what there is so far on disk, where there is memory for that."""
        if self._has_room():
            with self._desk.guard("draft"):
                draft = encode(self._desk.partial(self._window, "crashed"))
                self.entry.replace(self._signs, draft)
        cost_ns = self._desk.clock() - now_ns
        self._draft_ns = now_ns + max(DRAFT_NS, DRAFT_PAUSE * cost_ns)

    def _has_room(self) -> bool:
        signs = self._signs
        rss_bytes = host.rss_bytes()
        if rss_bytes is None or signs.limit_bytes is None:
            return True
        return signs.limit_bytes - rss_bytes > ROOM_BYTES + ROOM_PER_BYTE * signs.size


def is_near(signs: Signs) -> bool:
    """Tell whether memory was near the limit, or would have been at the next look."""
    most_bytes = max(signs.rss_bytes or 0, signs.expected_bytes or 0)
    return bool(signs.limit_bytes) and most_bytes >= NEAR * (signs.limit_bytes or 0)
