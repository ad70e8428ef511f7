"""What a recorder tells of its invocations: one begins, has ended, and has left all that it will leave."""

from __future__ import annotations

import _thread
import errno
import os
from collections.abc import Callable
from functools import partial

from profiler import host
from profiler.capture import Capture
from profiler.codec import encode_plain
from profiler.guard import logger
from profiler.outbox.shelf import Folder
from profiler.watch.box import Box
from profiler.watch.desk import Desk
from profiler.watch.draft import Signs
from profiler.watch.drafting import SHORT_LOOK_NS
from profiler.watch.entry import Entry
from profiler.watch.last_words import LastWords
from profiler.watch.sigterm import SigtermHook
from profiler.watch.thread import the_thread
from profiler.watch.watched import Watched
from profiler.window import Window

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class Watch:
    """Watches one invocation at a time.

    `folder` is the outbox's, None for no drafts. `first` makes the capture of an invocation that begins.
    With `hears_sigterm` a partial capture is written at SIGTERM, too.
    """

    def __init__(
        self,
        desk: Desk,
        first: Callable[[Window], Capture],
        folder: Folder | None,
        reserve_ns: int,
        *,
        hears_sigterm: bool = False,
    ) -> None:
        self._desk = desk
        self._first = first
        self._folder = folder
        self._reserve_ns = reserve_ns
        self._hears_sigterm = hears_sigterm
        self._box: Box | None = None
        self._words: LastWords | None = None
        self._has_words = True
        self._group_limit_bytes = host.memory_limit_bytes()
        self._oom_kills = host.oom_kills()
        self._has_thread = True

    def begin(self, window: Window, deadline_ns: int | None) -> None:
        """Watch an invocation. `deadline_ns` is on `time.perf_counter_ns`, None where there is none."""
        with self._desk.guard("watch"):
            signs = self._signs(window)
            watched = Watched(self._desk, window, signs, deadline_ns, self._reserve_ns)
            window.watched = watched
            self._keep_drafts(window, watched, signs)
            if self._hears_sigterm:
                watched.hook = SigtermHook.install(partial(_at_sigterm, watched))
            self._look_after(watched)

    def end(self, window: Window) -> None:
        """Claim an invocation for the end of its handler."""
        watched = window.watched
        if watched is None:
            return
        watched.end()
        with self._desk.guard("watch"):
            if watched.hook is not None:
                watched.hook.remove()
            if self._has_thread:
                the_thread().leave(watched)

    def settle(self, window: Window) -> None:
        """Take back what was kept for the case that an invocation has no end: it is safe, or not wanted."""
        watched, window.watched = window.watched, None
        if watched is not None:
            with self._desk.guard("watch"):
                watched.settle()

    def _look_after(self, watched: Watched) -> None:
        if not self._has_thread:
            return
        try:
            the_thread().look_after(watched)
        except RuntimeError as error:
            self._has_thread = False
            logger.debug("profiler: no thread watches the invocations: %s", error)

    def _signs(self, window: Window) -> Signs:
        limits = [self._group_limit_bytes, (window.facts.memory_limit_mb or 0) * 2**20]
        return Signs(
            process_id=os.getpid(),
            thread=_thread.get_ident(),
            next_ns=SHORT_LOOK_NS,
            rss_bytes=host.rss_bytes(),
            limit_bytes=min(filter(None, limits), default=None),
            oom_kills=self._oom_kills,
        )

    def _keep_drafts(self, window: Window, watched: Watched, signs: Signs) -> None:
        """Write the first draft, where there is a disk for it."""
        if self._folder is None:
            return
        try:
            folder = self._folder(True)
        except OSError as error:  # the outbox will say so
            self._folder = None
            logger.debug("profiler: no drafts are kept, there is no folder: %s", error)
            return
        try:
            if self._box is None or self._box.process_id != signs.process_id:
                self._box, self._words = Box(folder), None
            signs.process_started = self._box.process_started
            self._expect_words(watched, self._box)
            watched.keep_drafts(Entry(self._box, signs, encode_plain(self._first(window)), self._failed))
        except OSError as error:
            self._failed(error)

    def _expect_words(self, watched: Watched, box: Box) -> None:
        # Only of the main thread, where Lambda calls handlers: timers and signals are not there for many.
        if not self._has_words or _thread.get_native_id() != box.process_id:
            return
        try:
            if self._words is None:
                self._words = LastWords(box, box.process_id)
            watched.expect_words(self._words)
        except (OSError, ValueError, RuntimeError) as error:
            self._has_words = False
            logger.debug("profiler: no last words are written: %s", error)

    def _failed(self, error: OSError) -> None:
        """Make no more drafts, and say so once, unless it is what the outbox says anyway."""
        if self._folder is not None:
            self._folder = None
            say = logger.debug if error.errno in _OF_THE_DISK else logger.warning
            say("profiler: no drafts of running invocations are kept: %s", error)


def _at_sigterm(watched: Watched) -> None:
    if not watched.partial("timeout" if watched.is_late else "crashed"):
        watched.wait_for_partial()
