"""One invocation that is watched: when it is looked at, when it is drafted, and who writes its capture.

    start ─ look ─ look ─ draft ─ look ─ … ─ draft ─ … ─ reserve before the deadline ─ deadline
                                                          └ partial capture, delivered while there is time

Either the handler's end or a partial capture comes first, and that is settled by one step that cannot be
divided: who acquires `_claim`. A partial capture is not the last word. Where the handler comes to its end
after all, its whole capture takes the place of the partial one, as long as that has not been delivered.
"""

from __future__ import annotations

import _thread

from profiler.codec import encode
from profiler.keys import CaptureKey
from profiler.watch.desk import Desk
from profiler.watch.draft import Signs
from profiler.watch.drafting import SECOND_NS, Drafts
from profiler.watch.entry import Entry
from profiler.watch.last_words import LastWords, with_last_words
from profiler.watch.sigterm import SigtermHook
from profiler.window import Window

# Delivery of a partial capture ends so long before the deadline.
LAST_NS = SECOND_NS // 20
# So much later than the thread the kernel's timer goes off: a thread that can have the lock has it by then,
# on a machine as slow as Lambda's smallest, too.
WORDS_NS = 2 * SECOND_NS // 5
# Of the half second between SIGTERM and SIGKILL.
WRITING_AT_MOST_S = 0.3


class Watched:
    """`tick` is for the thread, `partial` for whoever knows that time is up, the rest for the recorder."""

    def __init__(
        self, desk: Desk, window: Window, signs: Signs, deadline_ns: int | None, reserve_ns: int
    ) -> None:
        self._desk = desk
        self._window = window
        self._signs = signs
        self._deadline_ns = deadline_ns
        self._drafts: Drafts | None = None
        self.hook: SigtermHook | None = None
        self._words: LastWords | None = None
        self._claim = _thread.allocate_lock()
        self._written = _thread.allocate_lock()
        self._written.acquire()
        self._has_ended = False
        self._name: str | None = None
        self._began_ns = desk.clock()
        self._partial_ns: int | None = None
        if deadline_ns is not None:
            # Lambda's shortest time-out is one second, the default reserve half of that.
            left_ns = deadline_ns - self._began_ns
            self._partial_ns = deadline_ns - max(0, min(reserve_ns, left_ns // 2))
            signs.partial_ns = max(0, self._partial_ns - self._began_ns)
        self.due_ns = self._partial_ns

    def keep_drafts(self, entry: Entry) -> None:
        """Keep a draft in an entry from now on."""
        by_ns = None if self._deadline_ns is None else (self._deadline_ns - self._began_ns) // 4
        self._drafts = Drafts(entry, self._window, self._signs, self._desk, by_ns)
        self.due_ns = self._next_ns()

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
        if self._drafts is not None:
            self._drafts.do_what_is_due(now_ns)
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
                capture = with_last_words(capture, words, until_ns)
            if not self._desk.keeps(capture):
                self._drop_draft()
                return False
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
        if self._drafts is not None:
            self._drafts.entry.drop()

    def expect_words(self, words: LastWords) -> None:
        """Have the stacks written without the interpreter's lock, where the thread gets it too late."""
        if self._partial_ns is None or self._deadline_ns is None:
            return
        pause_ns = min(WORDS_NS, (self._deadline_ns - self._partial_ns) * 4 // 5)
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

    def _next_ns(self) -> int | None:
        drafts_ns = self._drafts.due_ns if self._drafts is not None else None
        return min(filter(None, (drafts_ns, self._partial_ns)), default=None)
