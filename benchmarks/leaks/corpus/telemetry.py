"""Logs, spans, metrics and warnings."""

import contextvars
import io
import logging
import logging.handlers
import random
import time
import warnings
from collections import defaultdict

CHANCE = random.Random(31)

# ---- leaks ---------------------------------------------------------------------------------------

log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.propagate = False


def logging_handler_per_call(event, context):
    """Sets up logging in each invocation; each line is then written once more than in the last."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter(f"{context.aws_request_id} %(message)s"))
    log.addHandler(handler)  # culprit: logging_handler_per_call
    log.info("order")
    return True


def logger_per_request(event, context):
    """A logger of its own for each request; `logging` keeps them all by their names."""
    logger = logging.getLogger(f"shop.requests.{context.aws_request_id}")  # culprit: logger_per_request
    logger.debug("order")
    return logger.name


class InMemoryExporter:
    """The exporter of the unit tests, in production."""

    def __init__(self):
        self.finished = []

    def export(self, span):
        self.finished.append(span)  # culprit: in_memory_spans


class Span:
    def __init__(self, name, request):
        self.name = name
        self.attributes = {"request": request, "began": time.time()}


EXPORTER = InMemoryExporter()


def in_memory_spans(event, context):
    for name in ("handler", "db.query"):
        EXPORTER.export(Span(name, context.aws_request_id))
    return True


class Metrics:
    """Counters by name and labels, as Prometheus clients keep them."""

    def __init__(self):
        self._values = defaultdict(float)

    def add(self, name, value, **labels):
        key = (name, tuple(sorted(labels.items())))
        self._values[key] += value  # culprit: metric_cardinality


METRICS = Metrics()


def metric_cardinality(event, context):
    METRICS.add("requests", 1, path=f"/orders/{context.aws_request_id}", status=200)
    METRICS.add("requests", 1, path="/health", status=200)
    return True


class CollectingHandler(logging.Handler):
    """Collects records for a summary that is written at exit, which never comes."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)  # culprit: kept_log_records


summary = logging.getLogger("shop.summary")
summary.propagate = False
summary.addHandler(CollectingHandler())


def kept_log_records(event, context):
    summary.warning("slow order %s", context.aws_request_id)
    return True


def warning_registry(event, context):
    """A text that differs each time is remembered each time, in the module's own registry."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda *args, **kwargs: None
        warnings.warn(f"order {context.aws_request_id} is old", stacklevel=1)  # culprit: warning_registry
    return True


TRACE = contextvars.ContextVar("trace", default=())


def context_variable(event, context):
    """Adds to the trace of the request before it, which nobody has reset."""
    TRACE.set((*TRACE.get(), {"request": context.aws_request_id}))  # culprit: context_variable
    return len(TRACE.get()) > 0


BAGGAGE = contextvars.ContextVar("baggage")


def context_variable_dict(event, context):
    """One dict in a context variable, filled by every invocation."""
    baggage = BAGGAGE.get(None)
    if baggage is None:
        baggage = {}
        BAGGAGE.set(baggage)
    baggage[context.aws_request_id] = time.time()  # culprit: context_variable_dict
    return True


# ---- look-alikes ---------------------------------------------------------------------------------

buffered = logging.getLogger("shop.buffered")
buffered.setLevel(logging.INFO)
buffered.propagate = False
MEMORY_HANDLER = logging.handlers.MemoryHandler(12, target=logging.NullHandler())
buffered.addHandler(MEMORY_HANDLER)


def memory_handler_that_flushes(event, context):
    buffered.info("order %s", context.aws_request_id)
    return len(MEMORY_HANDLER.buffer)


class BatchExporter:
    def __init__(self):
        self.waiting = []

    def export(self, span):
        self.waiting.append(span)
        if len(self.waiting) >= 17:
            self.waiting = []


BATCHES = BatchExporter()


def spans_in_batches(event, context):
    for name in ("handler", "db.query"):
        BATCHES.export(Span(name, context.aws_request_id))
    return len(BATCHES.waiting)


BOUNDED_METRICS = Metrics()


def metrics_of_finite_paths(event, context):
    path = CHANCE.choice(("/orders", "/health", "/users", "/baskets", "/items", "/admin"))
    BOUNDED_METRICS.add("requests", 1, path=path, status=CHANCE.choice((200, 404, 500)))
    return path


def handler_added_and_removed(event, context):
    handler = logging.StreamHandler(io.StringIO())
    log.addHandler(handler)
    try:
        log.info("order %s", context.aws_request_id)
    finally:
        log.removeHandler(handler)
    return True


REQUEST = contextvars.ContextVar("request")


def context_variable_reset(event, context):
    token = REQUEST.set({"request": context.aws_request_id, "at": time.time()})
    try:
        return REQUEST.get()["request"]
    finally:
        REQUEST.reset(token)
