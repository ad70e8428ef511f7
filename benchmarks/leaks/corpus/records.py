"""Lists, sets, queues and texts that collect something."""

import array
import heapq
import itertools
import queue
import random
import time
from collections import Counter, deque

NUMBERS = itertools.count()
CHANCE = random.Random(23)


def record(context):
    return {"request": context.aws_request_id, "at": time.time(), "lines": ["tea", "cup"]}


# ---- leaks ---------------------------------------------------------------------------------------

AUDIT = []


def module_list(event, context):
    AUDIT.append(record(context))  # culprit: module_list
    return True


def remember(entry, seen=[]):  # noqa: B006
    seen.append(entry)  # culprit: mutable_default
    return len(seen)


def mutable_default(event, context):
    return remember(record(context))


class Order:
    """Counts its instances by keeping them."""

    created = []

    def __init__(self, number):
        self.number = number
        Order.created.append(self)  # culprit: class_attribute


def class_attribute(event, context):
    return Order(context.aws_request_id).number


class Application:
    """The one instance of a program, with everything in it."""

    _instance = None

    @classmethod
    def get(cls):
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    def __init__(self):
        self.requests = []


def singleton_attribute(event, context):
    Application.get().requests.append(record(context))  # culprit: singleton_attribute
    return True


HANDLED = set()


def set_of_request_ids(event, context):
    """Guards against handling twice what never comes twice."""
    if context.aws_request_id in HANDLED:
        return False
    HANDLED.add(context.aws_request_id)  # culprit: set_of_request_ids
    return True


LATENCIES = deque()


def deque_without_maxlen(event, context):
    began = time.perf_counter()
    total = sum(range(100))
    LATENCIES.append((began, time.perf_counter() - began))  # culprit: deque_without_maxlen
    return total


WIRE_LOG = bytearray()


def growing_bytearray(event, context):
    WIRE_LOG.extend(context.aws_request_id.encode() * 8)  # culprit: growing_bytearray
    return True


SAMPLES = array.array("d")


def growing_array(event, context):
    SAMPLES.extend([CHANCE.random() for _ in range(6)])  # culprit: growing_array
    return len(event)


SCHEDULE = []


def heap_scheduler(event, context):
    """Most of what is scheduled is cancelled, and stays in the heap until it is due: next year."""
    due = time.time() + 3e7
    heapq.heappush(SCHEDULE, (due, next(NUMBERS), context.aws_request_id))  # culprit: heap_scheduler
    while SCHEDULE[0][0] < time.time():
        heapq.heappop(SCHEDULE)
    return due


OUTGOING = queue.Queue()


def queue_never_drained(event, context):
    OUTGOING.put(record(context))  # culprit: queue_never_drained
    return True


def readings():
    for number in NUMBERS:
        yield {"number": number, "value": "=" * 64}  # culprit: lagging_tee


FAST, SLOW = itertools.tee(readings())


def lagging_tee(event, context):
    """One half of a tee is read, and what it has read waits for the other half."""
    return [next(FAST)["number"] for _ in range(3)]  # culprit: lagging_tee


def pages(context):
    rows = [f"{context.aws_request_id}-{row}" for row in range(30)]
    for row in rows:
        yield row


CURSORS = {}


def generators_kept(event, context):
    """A cursor that is never read to its end keeps its frame."""
    cursor = pages(context)
    CURSORS[context.aws_request_id] = cursor  # culprit: generators_kept
    return next(cursor)


RETRIES = []


def one_path_in_ten(event, context):
    if CHANCE.random() < 0.1:
        RETRIES.append(record(context))  # culprit: one_path_in_ten
    return True


REFUNDS = {}


def every_tenth_invocation(event, context):
    if next(NUMBERS) % 10 == 9:
        REFUNDS[context.aws_request_id] = record(context)  # culprit: every_tenth_invocation
    return True


TICKS = []


def slow_leak(event, context):
    """One small number per invocation."""
    TICKS.append(time.perf_counter_ns())  # culprit: slow_leak
    return True


BODIES = []


def large_leak(event, context):
    BODIES.append(b"x" * 120_000 + context.aws_request_id.encode())  # culprit: large_leak
    return True


class Entry:
    """A linked list: no container, only entries that know the one before."""

    def __init__(self, text, before):
        self.text = text
        self.before = before


LAST = None


def linked_list(event, context):
    global LAST
    LAST = Entry(f"{context.aws_request_id} done", LAST)  # culprit: linked_list
    return LAST.text


REPORT = ""


def growing_text(event, context):
    global REPORT
    REPORT += f"{time.time():.3f} {context.aws_request_id} done\n"  # culprit: growing_text
    return len(event)


# ---- look-alikes ---------------------------------------------------------------------------------

RING = [None] * 64


def ring_buffer(event, context):
    RING[next(NUMBERS) % len(RING)] = record(context)
    return True


NEWEST = deque(maxlen=50)


def bounded_deque(event, context):
    NEWEST.append(record(context))
    return len(NEWEST)


BATCH = []


def flush_every_25(event, context):
    BATCH.append(record(context))
    if len(BATCH) == 25:
        BATCH.clear()
    return len(BATCH)


CHUNK = []


def flush_by_size(event, context):
    """A buffer that is written out when enough has come, which takes a different time each time."""
    CHUNK.extend("=" * 40 for _ in range(CHANCE.randrange(1, 9)))
    if len(CHUNK) > 60:
        sent = "".join(CHUNK)
        CHUNK.clear()
        return len(sent)
    return 0


class Slot:
    result = None


def last_result_slot(event, context):
    Slot.result = [record(context) for _ in range(20)]
    return len(Slot.result)


ROWS = []


def random_size_result(event, context):
    """What is kept is as large as the last answer."""
    ROWS[:] = [f"{context.aws_request_id}-{row}" for row in range(CHANCE.randrange(5, 400))]
    return len(ROWS)


PENDING = {}


def grows_and_is_cleared(event, context):
    """Grows by chance for about thirty invocations, then all is settled at once."""
    PENDING[context.aws_request_id] = record(context)
    if CHANCE.random() < 1 / 30:
        PENDING.clear()
    return len(PENDING)


STATUSES = Counter()


def finite_statuses(event, context):
    STATUSES[CHANCE.choice((200, 201, 204, 301, 304, 400, 401, 404, 429, 500, 502, 503))] += 1
    return sum(STATUSES.values())


def building_text(event, context):
    text = ""
    for number in range(CHANCE.randrange(200, 800)):
        text += f"{number},"
    return len(text)


BEST = []


def top_ten(event, context):
    heapq.heappush(BEST, (CHANCE.random(), context.aws_request_id))
    if len(BEST) > 10:
        heapq.heappop(BEST)
    return BEST[0][0]


WINDOW = []


def sliding_window(event, context):
    """The last 15 invocations' events, of which there are more or fewer."""
    number = next(NUMBERS)
    WINDOW.extend((number, "=" * 30) for _ in range(CHANCE.randrange(4)))
    WINDOW[:] = [item for item in WINDOW if number - item[0] < 15]
    return len(WINDOW)


TABLE = []


def preloaded_table(event, context):
    """Loaded in five portions by the first invocations that need it."""
    if len(TABLE) < 500:
        TABLE.extend(f"row-{len(TABLE) + row}" for row in range(100))
    return len(TABLE)
