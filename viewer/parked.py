"""Threads that wait for work: pool workers, timers and servers that nobody has given anything to do.

A stack is parked where nothing but the standard library is on it and its innermost function is one that
waits. A thread that waits for an answer is not: the function's own code, or a package, asked for it.
"""

from __future__ import annotations

from profiler.capture import Frame
from viewer.modules import FROZEN, STDLIB, classify, short_file
from viewer.profile import Profile

# Functions that do nothing but wait, by file; a name without its class, as Python 3.10 knows no other.
_WAITING = {
    ("concurrent/futures/thread.py", "_worker"),
    ("concurrent/futures/process.py", "wait_result_broken_or_wakeup"),
    ("multiprocessing/connection.py", "_poll"),
    ("multiprocessing/connection.py", "_recv"),
    ("multiprocessing/connection.py", "wait"),
    ("multiprocessing/pool.py", "worker"),
    ("queue.py", "get"),
    ("selectors.py", "select"),
    ("socket.py", "accept"),
    ("threading.py", "_wait_for_tstate_lock"),
    ("threading.py", "join"),
    ("threading.py", "wait"),
}


def parked_nodes(profile: Profile) -> list[int]:
    """Return the nodes of the stack table at which a thread waits for work."""
    library = [classify(frame.file)[0] in (STDLIB, FROZEN) for frame in profile.frames]
    waiting = [_waits(frame) for frame in profile.frames]
    only_library: list[bool] = []
    nodes = []
    for node, (parent, frame) in enumerate(zip(profile.table.parents, profile.table.frames, strict=True)):
        only_library.append(library[frame] and (parent < 0 or only_library[parent]))
        if only_library[node] and waiting[frame]:
            nodes.append(node)
    return nodes


def _waits(frame: Frame) -> bool:
    return (short_file(frame.file), frame.name.rpartition(".")[2]) in _WAITING
