"""What the main thread is at when the reserve is reached and no thread of Python's can look.

A C call that holds the interpreter's lock past the deadline (a regular expression that backtracks, a product
of huge integers) leaves no thread the time to write anything. So a timer of the kernel's (timer_create(2))
is set for a moment after the watch's own: the thread that gets the lock stops it, and it goes off only where
none did. Its signal is one of those that nobody uses; the handler is faulthandler's, written in C, which
puts the stacks into a file and needs no lock. Nothing is raised, and system calls go on (SA_RESTART).
`faulthandler.dump_traceback_later` would do the same, but there is one of it in a process, the user's.

Only the stack of the thread that is in the C call is written: that stands still. Faulthandler would walk the
others' while they run, and from Python 3.11 on that may end the process. It may do so, once in ten thousand
times or less, with a thread's own stack where the signal meets it in the middle of a call of Python's; hence
the timer waits until a thread that can have the lock has it.
"""

from __future__ import annotations

import faulthandler
import os
import re
import signal
from dataclasses import replace
from typing import Any

from profiler import host, own
from profiler.capture import Capture, Frame, ThreadProfile
from profiler.watch.box import Box

# Signals that others are least likely to use: the last but a few.
_CANDIDATES = range(3, 12)
WORDS_AT_MOST_BYTES = 1 << 20

_HEAD = "Stack (most recent call first):"
_FRAME = re.compile(r'  File "(.*)", line (\d+) in (.*)')


class LastWords:
    """One timer for a thread of this process, and the file that the signal's handler writes."""

    def __init__(self, box: Box, thread_id: int) -> None:
        """Make the timer. Raises OSError where the system has none such."""
        self._box = box
        self._signal = _unused_signal()
        self._timer = host.KernelTimer(self._signal, thread_id)
        # For good: a signal that is on its way when its handler has been taken away would end the process.
        faulthandler.register(self._signal, file=box.descriptor, all_threads=False, chain=False)

    def expect(self, in_ns: int) -> bool:
        """Set the timer; False where there is no file for what it writes."""
        if not self._box.can_take_words():
            return False
        self._timer.set(in_ns)
        return True

    def cancel(self) -> None:
        """Stop the timer."""
        self._timer.set(0)

    def take(self) -> str:
        """Return what has been written, and forget it: the process lives after all. Raises OSError."""
        text = self._box.owner.read_text("utf-8", "replace")
        if text:
            os.truncate(self._box.owner, 0)
        return text


def _unused_signal() -> int:
    """Return a real-time signal that nobody handles. Raises OSError."""
    if not host.IS_LINUX:
        raise OSError("timers that signal a thread are Linux's")
    caught = host.handled_signals()
    for offset in _CANDIDATES:
        number = int(signal.SIGRTMAX) - offset
        if signal.getsignal(number) is signal.SIG_DFL and number not in caught:
            return number
    raise OSError("no signal is free")


# ---- afterwards -----------------------------------------------------------------------------------


def with_last_words(capture: Capture, words: str, until_ns: int) -> Capture:
    """Return a capture whose handler's thread ends where the words say that it was, until `until_ns`.

    Where the samples go as far, the last of them, which was taken before, counts as that place if it leads
    there. The lines are those that ran, where no sample tells where the function begins.
    """
    stack = _below_us(_stack(words))
    if not stack or not capture.threads:
        return capture
    frames = list(capture.frames)
    indexes = tuple(_index(frames, frame) for frame in stack)
    first = capture.threads[0]
    runs = [(one, weight) for one, weight in zip(first.stacks, first.weights_ns, strict=True) if weight]
    left_ns = until_ns - first.start_ns - sum(weight for _, weight in runs)
    if left_ns > 0:
        runs.append((indexes, left_ns))
    elif runs and runs[-1][0] == indexes[: len(runs[-1][0])]:
        runs[-1] = (indexes, runs[-1][1])
    else:
        return capture
    stacks, weights_ns = zip(*runs, strict=True)
    handler = ThreadProfile(first.name, tuple(stacks), tuple(weights_ns), first.start_ns)
    return replace(capture, frames=tuple(frames), threads=(handler, *capture.threads[1:]))


def _stack(words: str) -> list[Frame]:
    """Return the frames, root first; none where the words are not whole."""
    head, *lines = words.splitlines() or [""]
    found = [_FRAME.fullmatch(line) for line in lines]
    if head != _HEAD or None in found:
        return []
    return [Frame(one[3], one[1], int(one[2][:9])) for one in reversed(found) if one is not None]


def _below_us(stack: list[Frame]) -> list[Frame]:
    """Return what the handler called: the frames below the profiler's wrapper."""
    ours = [number for number, frame in enumerate(stack) if own.is_own_file(frame.file)]
    return stack[ours[-1] + 1 :] if ours else stack


def _index(frames: list[Frame], frame: Frame) -> int:
    """Return the index of the function that a line is in, adding it where no sample has seen it."""
    best: Any = None
    for number, known in enumerate(frames):
        same = known.file == frame.file and known.name.rpartition(".")[2] == frame.name
        if same and known.line <= frame.line and (best is None or known.line > frames[best].line):
            best = number
    if best is None:
        best = len(frames)
        frames.append(frame)
    return int(best)
