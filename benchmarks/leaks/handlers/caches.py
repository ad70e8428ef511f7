"""Leaks that began as a cache: no bound, or a key that never comes back."""

import functools
import hashlib
import sqlite3
import threading
import time

PRICES = {}
RATES = {}
SESSIONS = {}
ITEMS = []
SEEN = set()
INTERNED = {}
SHARDS = {number: [] for number in range(16)}
COUNTERS = {}
LOCAL = threading.local()
BUFFER = bytearray()


def module_dict(event, context):
    for sku in ("tea", "cup", "pot"):
        PRICES[f"{context.aws_request_id}/{sku}"] = {"sku": sku, "price": 5}  # leak: module_dict
    return len(PRICES)


def module_list(event, context):
    ITEMS.append({"request": context.aws_request_id, "at": time.time()})  # leak: module_list


def high_cardinality_key(event, context):
    key = hashlib.sha256(str(time.time_ns()).encode()).hexdigest()
    if key not in RATES:
        RATES[key] = [1.0] * 20  # leak: high_cardinality_key
    return RATES[key]


def seen_ids(event, context):
    duplicate = context.aws_request_id in SEEN
    SEEN.add(context.aws_request_id)  # leak: seen_ids
    return duplicate


def interning(event, context):
    text = f"customer-{context.aws_request_id}"
    return INTERNED.setdefault(text, text)  # leak: interning


@functools.cache
def _exchange_rate(currency, moment):  # leak: cache_on_a_function
    return [currency, moment] * 10


def cache_on_a_function(event, context):
    return len(_exchange_rate("EUR", time.time_ns()))


class Catalogue:
    def __init__(self, tenant):
        self.tenant = tenant
        self.rows = list(range(50))

    @functools.cache
    def price(self, sku):  # leak: cache_on_a_method
        return len(sku) + self.rows[3]


def cache_on_a_method(event, context):
    return Catalogue("shop").price("tea")


def inner_lists_grow(event, context):
    shard = hash(context.aws_request_id) % 16
    SHARDS[shard].append(("order", context.aws_request_id))  # leak: inner_lists_grow
    return len(SHARDS)


def metric_cardinality(event, context):
    labels = ("checkout", context.aws_request_id)
    COUNTERS[labels] = COUNTERS.get(labels, 0) + 1  # leak: metric_cardinality


def thread_local_data(event, context):
    if not hasattr(LOCAL, "spans"):
        LOCAL.spans = []
    LOCAL.spans.append({"name": "handler", "request": context.aws_request_id})  # leak: thread_local_data


def growing_bytes(event, context):
    BUFFER.extend(context.aws_request_id.encode() * 20)  # leak: growing_bytes


def slow_leak(event, context):
    PRICES[context.aws_request_id] = None  # leak: slow_leak


def large_leak(event, context):
    SESSIONS[context.aws_request_id] = bytearray(200_000)  # leak: large_leak


CALLS = [0]


def one_path_in_ten(event, context):
    CALLS[0] += 1
    if CALLS[0] % 10 == 3:
        SESSIONS[context.aws_request_id] = {"cart": list(range(40))}  # leak: one_path_in_ten


CONNECTIONS = []


def database_connections(event, context):
    connection = sqlite3.connect(":memory:")
    CONNECTIONS.append(connection)  # leak: database_connections
    return connection.execute("select 1").fetchone()
