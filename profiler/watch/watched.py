"""One invocation that is watched: when it is looked at, when it is drafted, and who writes its capture.

    start ─ look ─ look ─ draft ─ look ─ … ─ draft ─ … ─ reserve before the deadline ─ deadline
                                                          └ partial capture, delivered while there is time

Either the handler's end or a partial capture comes first, and that is settled by one step that cannot be
divided: who acquires `_claim`. A partial capture is not the last word. Where the handler comes to its end
after all, its whole capture takes the place of the partial one, as long as that has not been delivered.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns

from profiler import host
from profiler.capture import Capture
from profiler.codec import encode
from profiler.guard import Guard
from profiler.keys import CaptureKey
from profiler.outbox import Outbox
from profiler.watch.draft import Signs
from profiler.watch.entry import Entry
from profiler.watch.last_words import LastWords, with_last_words
from profiler.watch.sigterm import SigtermHook
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
# Delivery of a partial capture ends so long before the deadline.
LAST_NS = SECOND_NS // 20
# So much later than the thread the kernel's timer goes off: a thread that can have the lock has it by then.
WORDS_NS = 3 * SECOND_NS // 20
# Of the half second between SIGTERM and SIGKILL.
WRITING_AT_MOST_S = 0.3


@dataclass(frozen=True, slots=True)
class Desk:
    """What a recorder lends: how to read an invocation, and where to put what was read."""

    partial: Callable[[Window, str], Capture]
    outbox: Outbox
    guard: Guard
    clock: Callable[[], int] = perf_counter_ns


class Watched:
    """`tick` is for the thread, `partial` for whoever knows that time is up, the rest for the recorder."""

    def __init__(
        self, desk: Desk, window: Window, signs: Signs, deadline_ns: int | None, reserve_ns: int
    ) -> None:
        self._desk = desk
        self._window = window
        self._signs = signs
        self._deadline_ns = deadline_ns
        self.entry: Entry | None = None
        self.hook: SigtermHook | None = None
        self._words: LastWords | None = None
        self._claim = _thread.allocate_lock()
        self._written = _thread.allocate_lock()
        self._written.acquire()
        self._has_ended = False
        self._name: str | None = None
        now_ns = desk.clock()
        self._began_ns = self._looked_ns = now_ns
        self._pause_ns = signs.next_ns = SHORT_LOOK_NS
        self._look_ns = now_ns + SHORT_LOOK_NS
        self._draft_ns = now_ns + FIRST_DRAFT_NS
        self._partial_ns: int | None = None
        if deadline_ns is not None:
            left_ns = deadline_ns - now_ns
            # Lambda's shortest time-out is one second, the default reserve half of that.
            self._partial_ns = deadline_ns - max(0, min(reserve_ns, left_ns // 2))
            self._draft_ns = min(self._draft_ns, now_ns + left_ns // 4)
            signs.partial_ns = max(0, self._partial_ns - now_ns)
        self._is_near = False
        self.due_ns: int | None = self._next_ns()

    # ---- the handler's end ---------------------------------------------------------------------

    def end(self) -> None:
        """Claim the invocation for the handler's end, or, where that is too late, say that it came."""
        self._has_ended = True
        self._claim.acquire(False)
        with self._desk.guard("watch"):
            self._take_words()

    def settle(self) -> None:
        """Take back the partial capture and leave no draft: the whole capture is safe, or not wanted."""
        name, self._name = self._name, None
        if name is not None:
            self._desk.outbox.withdraw(name)
        self._drop_draft()

    # ---- before it has ended -------------------------------------------------------------------

    def tick(self) -> None:
        """Do what is due. Runs in the thread."""
        if self._claim.locked():
            self.due_ns = None
            return
        now_ns = self._desk.clock()
        if self._partial_ns is not None and now_ns >= self._partial_ns:
            self.due_ns = None
            if self.partial("timeout") and self._deadline_ns is not None:
                self._deliver((self._deadline_ns - LAST_NS - self._desk.clock()) / 1e9)
            return
        if self.entry is None:  # nothing to write on
            self.due_ns = self._partial_ns
            return
        if now_ns >= self._look_ns:
            self._look(self.entry, now_ns)
        if now_ns >= self._draft_ns:
            self._draft(self.entry, now_ns)
        self.due_ns = self._next_ns()

    def partial(self, outcome: str) -> bool:
        """Put a partial capture into the outbox, unless the handler's end or another one was first."""
        if not self._claim.acquire(False):
            return False
        try:
            return self._write_partial(outcome)
        finally:
            self._written.release()

    def wait_for_partial(self) -> None:
        """Give a partial capture that another thread writes the time for that."""
        if not self._has_ended and self._written.acquire(timeout=WRITING_AT_MOST_S):
            self._written.release()

    def _write_partial(self, outcome: str) -> bool:
        with self._desk.guard("partial capture"):
            words = self._take_words()
            capture = self._desk.partial(self._window, outcome)
            if words:
                until_ns = capture.invocation.duration_ns
                capture = with_last_words(capture, words, self._signs.thread, until_ns)
            data = encode(capture, clock=self._desk.clock)
            if self._has_ended:
                return False
            self._name = self._desk.outbox.add(CaptureKey.of(capture), data)
            if self._has_ended:  # it may have looked for the name before there was one
                self.settle()
                return False
            self._drop_draft()
            return True
        return False

    @property
    def is_late(self) -> bool:
        """Tell whether the reserve before the deadline is reached."""
        return self._partial_ns is not None and self._desk.clock() >= self._partial_ns

    def _drop_draft(self) -> None:
        if self.entry is not None:
            self.entry.drop()

    def expect_words(self, words: LastWords) -> None:
        """Have the stacks written without the interpreter's lock, where the thread gets it too late."""
        if self._partial_ns is None or self._deadline_ns is None:
            return
        pause_ns = min(WORDS_NS, (self._deadline_ns - self._partial_ns) // 2)
        in_ns = self._partial_ns + pause_ns - self._desk.clock()
        if in_ns > 0 and words.expect(in_ns):
            self._words = words
            self._signs.words_ns = self._partial_ns + pause_ns - self._began_ns

    def _take_words(self) -> str:
        """Stop the timer, and return what was written if it has gone off."""
        words, self._words = self._words, None
        if words is None:
            return ""
        words.cancel()
        is_over = self._desk.clock() - self._began_ns >= (self._signs.words_ns or 0)
        return words.take() if is_over else ""

    def _deliver(self, budget_s: float) -> None:
        with self._desk.guard("delivery"):
            self._desk.outbox.deliver(budget_s)

    def _next_ns(self) -> int:
        return min(self._look_ns, self._draft_ns, self._partial_ns or self._look_ns)

    # ---- looks and drafts ----------------------------------------------------------------------

    def _look(self, entry: Entry, now_ns: int) -> None:
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
        entry.see(signs)
        if not self._is_near and is_near(signs):
            self._is_near = True
            self._draft_ns = now_ns

    def _draft(self, entry: Entry, now_ns: int) -> None:
        """Put what there is so far on disk, where there is memory for that."""
        if self._has_room():
            with self._desk.guard("draft"):
                entry.replace(self._signs, encode(self._desk.partial(self._window, "crashed")))
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
