"""Which stacks are those of a thread that waits for work."""

from __future__ import annotations

import pytest

from profiler.capture import Frame
from viewer.parked import parked_nodes
from viewer.profile import Profile, StackTable

LIB = "/var/lang/lib/python3.12"
BOOT = Frame("Thread._bootstrap", f"{LIB}/threading.py", 1000)
WORKER = Frame("_worker", f"{LIB}/concurrent/futures/thread.py", 69)
RUN = Frame("_WorkItem.run", f"{LIB}/concurrent/futures/thread.py", 53)
GET = Frame("Queue.get", f"{LIB}/queue.py", 154)
WAIT = Frame("Condition.wait", f"{LIB}/threading.py", 323)
LOADS = Frame("loads", f"{LIB}/json/__init__.py", 299)
OWN = Frame("fetch", "/var/task/app.py", 3)
PACKAGE = Frame("Pool.loop", "/opt/python/worker/loop.py", 8)
OWN_GET = Frame("get", "/var/task/queue.py", 8)


@pytest.mark.parametrize(
    ("stack", "parked"),
    [
        ([BOOT, WORKER], True),
        ([BOOT, GET, WAIT], True),
        ([WORKER, RUN, LOADS], False),  # the standard library at work
        ([WORKER, RUN, OWN], False),
        ([OWN, WAIT], False),  # own code waits for an answer
        ([PACKAGE, GET, WAIT], False),
        ([OWN_GET], False),  # a name alone says nothing
    ],
)
def test_a_thread_waits_for_work_where_only_the_library_waits(stack: list[Frame], parked: bool) -> None:
    table = StackTable()
    node = table.add(range(len(stack)))
    assert (node in parked_nodes(Profile("", stack, table, []))) is parked


def test_windows_and_python_310_name_the_same_place() -> None:
    frames = [Frame("wait", "C:\\Python310\\Lib\\threading.py", 288)]
    table = StackTable()
    table.add([0])
    assert parked_nodes(Profile("", frames, table, [])) == [0]
