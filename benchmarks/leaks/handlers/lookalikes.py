"""Handlers that are full, lazy, swept or merely busy, and do not leak."""

import collections
import concurrent.futures
import functools
import gc
import importlib
import json
import logging
import logging.handlers
import queue
import random
import re
import time
import weakref

CALLS = [0]


def _number():
    CALLS[0] += 1
    return CALLS[0]


@functools.lru_cache(maxsize=16)
def _small(key):
    return [key] * 20


def full_lru(event, context):
    for _ in range(5):
        _small(time.time_ns())


@functools.lru_cache(maxsize=200)
def _fills_late(key):
    return [key] * 20


def lru_that_fills_late(event, context):
    for _ in range(5):
        _fills_late(time.time_ns())


TTL = {}


def ttl_cache(event, context):
    now = _number()
    for key in [key for key, until in TTL.items() if until < now]:
        del TTL[key]
    for index in range(3):
        TTL[f"{context.aws_request_id}/{index}"] = now + 8


FINITE = {}


def finite_keys(event, context):
    FINITE.setdefault(random.randrange(60), [0] * 30)


STATUSES = collections.Counter()


def finite_statuses(event, context):
    STATUSES[random.choice(("ok", "ok", "ok", "declined", "late", "error"))] += 1


MODULES = []


def lazy_import(event, context):
    if not MODULES:
        MODULES.append(importlib.import_module("xml.dom.minidom"))


POOL = []


def connection_pool(event, context):
    connection = POOL.pop() if POOL and random.random() < 0.9 else {"socket": bytearray(3_000)}
    if len(POOL) < 5:
        POOL.append(connection)


BATCH = []


def batch_buffer(event, context):
    BATCH.extend({"n": n} for n in range(7))
    if len(BATCH) >= 100:
        BATCH.clear()


PENDING = []


def flush_every_25(event, context):
    PENDING.append(context.aws_request_id)
    if _number() % 25 == 0:
        PENDING.clear()


LAST = {}


def last_result(event, context):
    LAST["result"] = [context.aws_request_id] * random.randrange(100, 400)


class Node:
    def __init__(self):
        self.me = self
        self.data = list(range(200))


def cycles_for_the_collector(event, context):
    for _ in range(20):
        Node()


def cycles_with_rare_collections(event, context):
    gc.disable()
    for _ in range(20):
        Node()
    if _number() % 15 == 0:
        gc.collect()


def busy_with_strings(event, context):
    return len(json.loads(json.dumps([{"n": n, "text": str(n) * 5} for n in range(2_000)])))


def allocator_retention(event, context):
    blocks = [bytearray(random.randrange(1_000, 90_000)) for _ in range(60)]
    return sum(map(len, blocks[::2]))


RING = [None] * 50


def ring_buffer(event, context):
    RING[_number() % 50] = {"request": context.aws_request_id}


RECENT = collections.deque(maxlen=30)


def bounded_deque(event, context):
    RECENT.extend([context.aws_request_id] * 2)


COMPILED = {}


def warm_up(event, context):
    if len(COMPILED) < 12:
        for word in range(12):
            COMPILED[word] = re.compile(f"{word}+x")


GROWN = []


def grown_then_cleared(event, context):
    GROWN.append(bytearray(500))
    if len(GROWN) > 40:
        del GROWN[:]


def memo_of_a_request(event, context):
    memo = {}
    for number in range(300):
        memo.setdefault(number % 37, []).append(number)
    return len(memo)


WEAK = weakref.WeakValueDictionary()


class Session:
    pass


def weak_values_that_die(event, context):
    session = Session()
    WEAK[context.aws_request_id] = session
    return len(WEAK)


CONFIG = {}


def config_reloaded(event, context):
    if _number() % 5 == 0:
        CONFIG.clear()
    CONFIG.update({f"key-{n}": "value" * random.randrange(1, 9) for n in range(40)})


SESSIONS = []


def session_renewed(event, context):
    if _number() % 10 == 1:
        SESSIONS[:] = [{"token": bytearray(4_000), "since": time.time()}]


SEEN = collections.OrderedDict()


def trimmed_ids(event, context):
    SEEN[context.aws_request_id] = None
    while len(SEEN) > 45:
        SEEN.popitem(last=False)


MEMORY = logging.handlers.MemoryHandler(
    capacity=20, flushLevel=logging.CRITICAL, target=logging.NullHandler()
)
LOGGER = logging.getLogger("buffered")
LOGGER.propagate = False
LOGGER.addHandler(MEMORY)


def memory_handler(event, context):
    for _ in range(3):
        LOGGER.warning("order %s", context.aws_request_id)


EVICTED = {}


def evicts_now_and_then(event, context):
    EVICTED[context.aws_request_id] = time.time_ns()
    if len(EVICTED) > 30 and _number() % 7 == 0:
        for key in sorted(EVICTED, key=EVICTED.get)[: len(EVICTED) // 2]:
            del EVICTED[key]


EXECUTOR = concurrent.futures.ThreadPoolExecutor(max_workers=3)


def executor_reused(event, context):
    return sum(EXECUTOR.map(len, ["a", "bb", "ccc"]))


QUEUE = queue.Queue(maxsize=50)


def bounded_queue(event, context):
    if QUEUE.full():
        QUEUE.get()
    QUEUE.put(context.aws_request_id)


def random_size_result(event, context):
    LAST["report"] = "x" * random.randrange(10, 200_000)
