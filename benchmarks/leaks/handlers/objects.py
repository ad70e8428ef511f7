"""Leaks in objects, closures, defaults, registries and generators."""

import asyncio
import collections
import contextvars
import ctypes
import heapq
import itertools
import queue
import types
import weakref


class Store:
    cache = {}

    def __init__(self):
        self.history = []


STORE = Store()


def mutable_default(event, context, seen=[]):
    seen.append(context.aws_request_id)  # leak: mutable_default
    return len(seen)


def class_attribute(event, context):
    Store.cache[context.aws_request_id] = {"total": 3}  # leak: class_attribute


def attribute_of_a_singleton(event, context):
    STORE.history.append((context.aws_request_id, "ok"))  # leak: attribute_of_a_singleton


def _make_lookup():
    memo = {}

    def lookup(key):
        if key not in memo:
            memo[key] = [key] * 5  # leak: closure_memo
        return memo[key]

    return lookup


LOOKUP = _make_lookup()


def closure_memo(event, context):
    return LOOKUP(context.aws_request_id)


QUEUE = queue.Queue()


def queue_never_drained(event, context):
    QUEUE.put({"request": context.aws_request_id})  # leak: queue_never_drained


JOBS = []


def scheduler_heap(event, context):
    heapq.heappush(JOBS, (len(JOBS) + 1e9, context.aws_request_id))  # leak: scheduler_heap


RECENT = collections.deque()


def deque_without_bound(event, context):
    RECENT.append({"request": context.aws_request_id})  # leak: deque_without_bound


ERRORS = []


def stored_exceptions(event, context):
    payload = list(range(500))
    try:
        raise ValueError(f"bad order {context.aws_request_id} {len(payload)}")
    except ValueError as error:
        ERRORS.append(error)  # leak: stored_exceptions


REGISTRY = {}


def class_registry(event, context):
    name = f"Order_{context.aws_request_id.replace('-', '')}"
    REGISTRY[name] = type(name, (), {"id": context.aws_request_id})  # leak: class_registry


class Model:
    pass


def types_made_per_call(event, context):
    made = type("Answer", (Model,), {"fields": ("a", "b")})
    KEPT_TYPES.append(made)  # leak: types_made_per_call


KEPT_TYPES = []
GENERATORS = []


def _rows(request):
    for number in range(100):
        yield request, number


def generators_kept(event, context):
    rows = _rows(context.aws_request_id)
    next(rows)
    GENERATORS.append(rows)  # leak: generators_kept


LEFT, RIGHT = itertools.tee(itertools.count())


def tee_that_is_read_on_one_side(event, context):
    return [next(LEFT) for _ in range(200)]  # leak: tee_that_is_read_on_one_side


LISTENERS = []


class Bus:
    callbacks = LISTENERS


def event_bus_callbacks(event, context):
    order = {"request": context.aws_request_id, "lines": list(range(30))}
    Bus.callbacks.append(lambda message: order)  # leak: event_bus_callbacks


ALIVE = weakref.WeakValueDictionary()
STRONG = []


class Session:
    def __init__(self, request):
        self.request = request


def weak_values_kept_alive(event, context):
    session = Session(context.aws_request_id)
    ALIVE[context.aws_request_id] = session
    STRONG.append(session)  # leak: weak_values_kept_alive


SPAN = contextvars.ContextVar("span", default=())


def context_variable(event, context):
    SPAN.set((*SPAN.get(), context.aws_request_id))  # leak: context_variable
    return len(SPAN.get())


NATIVE = ctypes.CDLL(None)
NATIVE.malloc.restype = ctypes.c_void_p


def native_memory(event, context):
    block = NATIVE.malloc(65_536)  # leak: native_memory
    ctypes.memset(block, 1, 65_536)


class Exporter:
    def __init__(self):
        self.finished_spans = []

    def export(self, span):
        self.finished_spans.append(span)  # leak: span_exporter


EXPORTER = Exporter()


def span_exporter(event, context):
    EXPORTER.export(types.SimpleNamespace(name="handler", id=context.aws_request_id, attributes={"a": 1}))


LOOP = asyncio.new_event_loop()


async def _forever():
    await asyncio.Event().wait()


def tasks_never_awaited(event, context):
    LOOP.create_task(_forever())  # leak: tasks_never_awaited
    LOOP.run_until_complete(asyncio.sleep(0))


FIGURES = {}


def figures_never_closed(event, context):
    number = len(FIGURES) + 1
    FIGURES[number] = {"axes": [[0.0] * 50], "number": number}  # leak: figures_never_closed
