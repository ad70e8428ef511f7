"""What grows in a process beside the function's own containers: handlers, callbacks, threads, tasks, classes.

Each is a number that the interpreter or the standard library keeps anyway; a module that the function has not
imported is not imported for it. All together take some tens of microseconds.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from profiler import own

_LOGGERS_AT_MOST = 500
# A logger's name is code (`app.orders`) unless somebody makes one for each request.
_NAME_OF_CODE = re.compile(r"[A-Za-z_][\w.]{0,80}")
# Their direct subclasses: what `type()`, `namedtuple`, `dataclass` and exceptions made at run time add to.
_BASES = (object, tuple, BaseException, Exception)

# A path, a type, and how many there are.
Registry = tuple[str, str, int]


def registries(open_files: int | None) -> Iterator[Registry]:
    """Yield everything that is there; `open_files` where they have been counted already."""
    yield from _logging_handlers(sys.modules.get("logging"))
    yield from _threads(sys.modules.get("threading"), sys.modules.get("concurrent.futures.thread"))
    yield from _tasks(sys.modules.get("asyncio.tasks"))
    atexit = sys.modules.get("atexit")
    if atexit is not None:
        yield "atexit", "atexit callbacks", atexit._ncallbacks()
    if open_files is not None:
        yield "open files", "open files", open_files
    yield "classes", "type", sum(len(type.__subclasses__(base)) for base in _BASES)
    yield "sys.modules", "dict", len(sys.modules)
    yield "sys.path", "list", len(sys.path)


def _logging_handlers(logging: Any) -> Iterator[Registry]:
    if logging is None:
        return
    loggers = logging.Logger.manager.loggerDict
    yield "logging.Logger.manager.loggerDict", "dict", len(loggers)
    yield "logging.root.handlers", "logging handlers", len(logging.root.handlers)
    others = 0
    for name, logger in islice(list(loggers.items()), _LOGGERS_AT_MOST):
        handlers = vars(logger).get("handlers")  # a placeholder has none
        if type(handlers) is not list or not handlers:
            continue
        if type(name) is str and _NAME_OF_CODE.fullmatch(name):
            yield f"logging.getLogger({name}).handlers", "logging handlers", len(handlers)
        else:
            others += len(handlers)
    if others:
        yield "logging.getLogger().handlers", "logging handlers", others


def _threads(threading: Any, futures: Any) -> Iterator[Registry]:
    if threading is not None:
        names = [str(thread._name) for thread in list(threading._active.values())]
        yield "threads", "threads", sum(not name.startswith(own.THREAD_PREFIX) for name in names)
    queues = getattr(futures, "_threads_queues", None)
    if queues is not None:
        yield "executors", "executors", len({id(queue) for queue in list(queues.values())})


def _tasks(asyncio_tasks: Any) -> Iterator[Registry]:
    # One set up to Python 3.11, two from 3.12 on.
    sets = [getattr(asyncio_tasks, name, None) for name in ("_all_tasks", "_scheduled_tasks", "_eager_tasks")]
    known = {id(tasks): tasks for tasks in sets if tasks is not None}
    if known:
        yield "asyncio tasks", "asyncio tasks", sum(len(tasks) for tasks in known.values())
