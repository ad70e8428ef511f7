"""Awkward handlers: each is a function of the event that answers something a profiler could change.

`CASES` holds those that leave the process as it was, and `WRECKS` those after which it is another or none.
Nothing in here knows of a profiler, but for the decorator around `handler`.
"""

from __future__ import annotations

import asyncio
import builtins
import contextvars
import faulthandler
import gc
import logging
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from profiler import profile

CASES: dict[str, Callable[[Any], Any]] = {}
WRECKS: dict[str, Callable[[Any], Any]] = {}
log = logging.getLogger("shop")
log.setLevel(logging.INFO)


def case(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    CASES[function.__name__] = function
    return function


def wreck(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    WRECKS[function.__name__] = function
    return function


@profile
def handler(event: Any, context: Any) -> Any:
    return (CASES | WRECKS)[event["case"]](event)


def work(seconds: float = 0.02) -> int:
    """Be busy, so that an engine has something to see."""
    ends = time.perf_counter() + seconds
    turns = 0
    while time.perf_counter() < ends:
        turns += 1
    return turns


# ---- results and exceptions ---------------------------------------------------------------------


class Odd(Exception):
    """An error that cannot be printed."""

    def __str__(self) -> str:
        raise ValueError("no words")


@case
def answers_the_event(event: Any) -> Any:
    work()
    return {"event": event, "none": None, "text": "ä\u2028 \U0001f600"}


@case
def raises(event: Any) -> Any:
    work()
    raise KeyError("tea")


@case
def raises_from_another_error(event: Any) -> Any:
    try:
        raise ValueError("first")
    except ValueError as error:
        raise LookupError("second") from error


@case
def raises_while_handling(event: Any) -> Any:
    try:
        {}["cup"]  # type: ignore[index]
    finally:
        raise RuntimeError("while handling")


@case
def raises_without_a_message(event: Any) -> Any:
    raise AssertionError


@case
def raises_deep_down(event: Any) -> Any:
    def down(level: int) -> Any:
        if level == 0:
            raise OSError(5, "disk")
        return down(level - 1)

    return down(40)


@case
def keeps_its_last_error(event: Any) -> Any:
    try:
        raise KeyError("kept")
    except KeyError as error:
        kept = error
    frames = []
    traceback = kept.__traceback__
    while traceback is not None:
        frames.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    return frames


@case
def sees_no_error_of_others(event: Any) -> Any:
    return [repr(part) for part in sys.exc_info()]


@case
def recursion_without_end(event: Any) -> Any:
    def down() -> Any:
        return down()

    down()


@case
def deep_recursion(event: Any) -> Any:
    def down(level: int) -> int:
        return level if level == 0 else 1 + down(level - 1)

    return down(800)


@case
def a_huge_result(event: Any) -> Any:
    return {"blob": "x" * 5_000_000}


@case
def a_result_too_large(event: Any) -> Any:
    return "x" * (7 * 1024 * 1024)


@case
def a_result_that_is_no_json(event: Any) -> Any:
    return {"set": {1, 2, 3}}


@case
def many_small_objects(event: Any) -> Any:
    return sum(len(part) for part in [[index] * 3 for index in range(200_000)])


# ---- hooks of its own ---------------------------------------------------------------------------


@case
def own_profile_function(event: Any) -> Any:
    calls: list[str] = []

    def hook(frame: Any, kind: str, argument: Any) -> None:
        if kind == "call":
            calls.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(hook)
    try:
        work(0.001)
    finally:
        sys.setprofile(before)
    return calls


@case
def own_profile_function_for_threads(event: Any) -> Any:
    calls: list[str] = []

    def hook(frame: Any, kind: str, argument: Any) -> None:
        if kind == "call" and frame.f_code.co_name == "task":
            calls.append(frame.f_code.co_name)

    def task() -> None:
        work(0.01)

    threading.setprofile(hook)
    try:
        thread = threading.Thread(target=task)
        thread.start()
        thread.join()
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]
    return calls


@case
def own_trace_function(event: Any) -> Any:
    lines: list[int] = []
    first = own_trace_function.__code__.co_firstlineno

    def hook(frame: Any, kind: str, argument: Any) -> Any:
        lines.append(frame.f_lineno - first)
        return hook

    before = sys.gettrace()
    sys.settrace(hook)
    try:
        sum(range(3))
        _traced()
    finally:
        sys.settrace(before)
    return lines


def _traced() -> int:
    return 1 + 1


@case
def own_cprofile(event: Any) -> Any:
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    profiler.enable()
    try:
        _traced()
        _traced()
    finally:
        profiler.disable()
    statistics = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    return [row[0] for (_, _, name), row in statistics.items() if name == "_traced"]


@case
def own_tracemalloc(event: Any) -> Any:
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start(3)
    kept = [bytearray(10_000) for _ in range(10)]
    size = sum(trace.size for trace in tracemalloc.take_snapshot().traces if trace.size >= 10_000)
    if not was_tracing:
        tracemalloc.stop()
    return [len(kept), size >= 100_000]


@case
def own_alarm(event: Any) -> Any:
    class Late(Exception):
        pass

    def ring(number: int, frame: Any) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        time.sleep(5)
        return "slept on"
    except Late:
        return "woken"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@case
def own_profiling_timer(event: Any) -> Any:
    rings: list[int] = []
    before = signal.signal(signal.SIGPROF, lambda number, frame: rings.append(number))
    signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
    try:
        for _ in range(200):  # a busy machine gives little CPU time in a while
            work(0.05)
            if len(rings) >= 3:
                break
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return len(rings) >= 3


@case
def own_sigterm(event: Any) -> Any:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        work()
    finally:
        signal.signal(signal.SIGTERM, before)
    return heard


@case
def own_switch_interval(event: Any) -> Any:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.002)
    work()
    seen = sys.getswitchinterval()
    sys.setswitchinterval(before)
    return seen


@case
def own_faulthandler(event: Any) -> Any:
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback_later(0.05, file=file)
        time.sleep(0.15)
        faulthandler.cancel_dump_traceback_later()
        file.seek(0)
        text = file.read().decode()
    return ["Timeout" in text, "own_faulthandler" in text]


@case
def own_exception_hooks(event: Any) -> Any:
    seen: list[str] = []
    before = threading.excepthook
    threading.excepthook = lambda arguments: seen.append(repr(arguments.exc_value))
    try:
        thread = threading.Thread(target=lambda: {}["jam"])  # type: ignore[index]
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before
    return seen


# ---- threads, tasks and processes ---------------------------------------------------------------


@case
def counts_threads(event: Any) -> Any:
    return [thread.name for thread in threading.enumerate() if thread.is_alive()].count("MainThread")


@case
def a_thread_left_behind(event: Any) -> Any:
    threading.Thread(target=time.sleep, args=(0.3,), daemon=True).start()
    return "left"


@case
def a_thread_that_fails(event: Any) -> Any:
    def fail() -> None:
        raise SystemExit(3)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    return thread.is_alive()


@case
def many_threads(event: Any) -> Any:
    with ThreadPoolExecutor(20) as pool:
        return sum(pool.map(lambda number: number * number, range(200)))


@case
def an_event_loop_inside(event: Any) -> Any:
    async def one(number: int) -> int:
        await asyncio.sleep(0.001)
        return number

    async def main() -> list[int]:
        return list(await asyncio.gather(*(one(number) for number in range(20))))

    return asyncio.run(main())


@case
def an_event_loop_that_is_cancelled(event: Any) -> Any:
    async def main() -> str:
        task = asyncio.create_task(asyncio.sleep(10))
        await asyncio.sleep(0.01)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return f"cancelled, {len(asyncio.all_tasks())} left"
        return "finished"

    return asyncio.run(main())


@case
def fork_and_exit(event: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: a fork beside other threads
        child = os.fork()
    if child == 0:
        work()
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@case
def a_child_process(event: Any) -> Any:
    program = "import os, sys; print(sum(range(10)), 'PROFILER_STORE' in os.environ or 'no')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


@case
def context_variables(event: Any) -> Any:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("order", default="none")
    token = variable.set("o-1")
    seen = contextvars.copy_context()[variable]
    variable.reset(token)
    return [seen, variable.get()]


# ---- memory and the collector -------------------------------------------------------------------


@case
def a_disabled_collector(event: Any) -> Any:
    gc.disable()
    try:
        loops = []
        for _ in range(1000):
            loop: list[Any] = []
            loop.append(loop)
            loops.append(loop)
        return [gc.isenabled(), len(loops)]
    finally:
        gc.enable()


@case
def collector_thresholds(event: Any) -> Any:
    before = gc.get_threshold()
    return [gc.isenabled(), before == gc.get_threshold(), gc.get_debug()]


@case
def finalizers(event: Any) -> Any:
    ended: list[str] = []

    class Order:
        pass

    order = Order()
    weakref.finalize(order, ended.append, "order")
    del order
    return ended


@case
def objects_that_hate_to_be_asked(event: Any) -> Any:
    asked: list[str] = []

    class Shy(dict):  # type: ignore[type-arg]
        def __len__(self) -> int:
            asked.append("len")
            raise RuntimeError("how many?")

        def __iter__(self) -> Iterator[Any]:
            asked.append("iter")
            raise RuntimeError("which?")

        def __repr__(self) -> str:
            asked.append("repr")
            raise RuntimeError("who?")

    globals()["SHY"] = Shy()
    work()
    return asked


@case
def was_the_shy_one_asked(event: Any) -> Any:
    return type(globals().get("SHY")).__name__


# ---- the world around it ------------------------------------------------------------------------


@contextmanager
def patched(holder: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)


@case
def random_numbers(event: Any) -> Any:
    random.seed(7)
    work()
    return [random.random() for _ in range(3)]


@case
def time_stands_still(event: Any) -> Any:
    with patched(time, "time", lambda: 0.0), patched(time, "perf_counter", lambda: 0.0):
        time.sleep(0.02)
        return [time.time(), time.perf_counter()]


@case
def no_sleep_and_no_open(event: Any) -> Any:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise PermissionError("not here")

    with patched(time, "sleep", refuse), patched(builtins, "open", refuse):
        try:
            open("/etc/hostname")  # noqa: SIM115
        except PermissionError as error:
            return str(error)
    return "opened"


@case
def another_thread_class(event: Any) -> Any:
    started: list[str] = []

    class Counted(threading.Thread):
        def start(self) -> None:
            started.append("start")
            super().start()

    with patched(threading, "Thread", Counted):
        threading.Thread(target=work, args=(0.001,)).start()
        work()
    return started


@case
def sockets_in_a_hurry(event: Any) -> Any:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.01)
    try:
        work()
        return socket.getdefaulttimeout()
    finally:
        socket.setdefaulttimeout(before)


@case
def log_lines(event: Any) -> Any:
    log.info("an order of %s", event.get("sku", "tea"))
    logging.getLogger().warning("root %d", 1)
    print("printed", flush=True)
    try:
        {}["pot"]  # type: ignore[index]
    except KeyError:
        log.exception("no such thing")
    return "logged"


@case
def logging_handlers(event: Any) -> Any:
    return [type(one).__name__ for one in logging.getLogger().handlers]


@case
def warnings_as_errors(event: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        work()
        try:
            warnings.warn("careful", UserWarning, stacklevel=1)
        except UserWarning as warning:
            return str(warning)
    return "unnoticed"


@case
def output_elsewhere(event: Any) -> Any:
    import io

    text = io.StringIO()
    with patched(sys, "stdout", text), patched(sys, "stderr", text):
        print("to the page")
        work()
    return text.getvalue()


@case
def its_variables(event: Any) -> Any:
    return sorted(name for name in os.environ if not name.startswith(("PROFILER_", "AWS_", "_X_AMZN")))


@case
def the_current_folder(event: Any) -> Any:
    before = os.getcwd()
    os.chdir("/")
    try:
        work()
        return os.getcwd()
    finally:
        os.chdir(before)


@case
def modules_by_name(event: Any) -> Any:
    return [name in sys.modules for name in ("app", "json", "antigravity")]


@case
def a_tight_umask(event: Any) -> Any:
    before = os.umask(0o777)
    try:
        work()
    finally:
        os.umask(before)
    return before == os.umask(before)


# ---- what is another process afterwards, or none ------------------------------------------------


@wreck
def exits(event: Any) -> Any:
    work()
    sys.exit(3)


@wreck
def exits_with_words(event: Any) -> Any:
    sys.exit("that was all")


@wreck
def interrupts(event: Any) -> Any:
    raise KeyboardInterrupt


@wreck
def leaves_through_the_back_door(event: Any) -> Any:
    work()
    os._exit(4)


@wreck
def leaves_from_a_thread(event: Any) -> Any:
    threading.Timer(0.05, os._exit, (5,)).start()
    time.sleep(5)


@wreck
def kills_itself(event: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(5)


@wreck
def takes_too_long(event: Any) -> Any:
    time.sleep(60)


@wreck
def is_busy_too_long(event: Any) -> Any:
    work(60)


@wreck
def closes_every_file(event: Any) -> Any:
    work()
    # Not the connection that the answer goes through: that one is the runtime's.
    kept = {0, 1, 2} | {int(name) for name in os.listdir("/proc/self/fd") if _is_socket(name)}
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                continue
    return "closed"


def _is_socket(name: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    except OSError:
        return False


@wreck
def empties_its_variables(event: Any) -> Any:
    os.environ.clear()
    work()
    return dict(os.environ)


@wreck
def has_few_files_left(event: Any) -> Any:
    in_use = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 1, in_use + 1))
    work()
    return "few"


@wreck
def writes_no_file(event: Any) -> Any:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    work()
    return "none"


@wreck
def breaks_its_json(event: Any) -> Any:
    import gzip
    import zlib

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("broken library")

    zlib.compressobj = refuse  # type: ignore[assignment, misc]
    gzip.compress = refuse
    work()
    return "broken"


@wreck
def starts_no_thread(event: Any) -> Any:
    import _thread

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("can't start new thread")

    _thread.start_new_thread = refuse  # type: ignore[assignment]
    threading._start_new_thread = refuse  # type: ignore[attr-defined]
    work()
    return "alone"


@wreck
def freezes_the_collector(event: Any) -> Any:
    gc.freeze()
    gc.set_threshold(5, 2, 2)
    work()
    return gc.get_threshold()
