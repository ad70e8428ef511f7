"""Caches: those that never forget, and those that do."""

import functools
import random
import re
import time
import weakref
from collections import OrderedDict, defaultdict
from itertools import count

SKUS = ("tea", "cup", "pot", "jam", "bun")
NUMBERS = count()
CHANCE = random.Random(11)


def render(key):
    return f"{key}: " + "=" * 80


# ---- leaks ---------------------------------------------------------------------------------------

PRICES = {}


def price_per_order(event, context):
    """The order is part of the key, so the cache has no hits."""
    order = context.aws_request_id
    for sku in SKUS:
        key = f"{order}/{sku}"
        if key not in PRICES:
            PRICES[key] = render(key)  # culprit: price_per_order
    return len(SKUS)


class QuoteBook:
    """A cache as an object, keyed by time."""

    def __init__(self):
        self.by_time = {}

    def quote(self, sku):
        key = (sku, time.time_ns())
        return self.by_time.setdefault(key, {"sku": sku, "cents": len(sku) * 95})  # culprit: quote_by_time


BOOK = QuoteBook()


def quote_by_time(event, context):
    return sum(BOOK.quote(sku)["cents"] for sku in SKUS[:2])


class Catalogue:
    """A cached method keeps each instance that it was called on."""

    def __init__(self, tenant):
        self.tenant = tenant
        self.rows = [render(f"{tenant}-{row}") for row in range(20)]

    @functools.lru_cache(maxsize=None)  # noqa: B019, UP033 # culprit: lru_cache_on_a_method
    def row_for(self, sku):  # culprit: lru_cache_on_a_method
        return self.rows[len(sku)]


def lru_cache_on_a_method(event, context):
    return Catalogue(context.aws_request_id).row_for("tea")


@functools.cache  # culprit: cached_function
def exchange_rate(order, currency):  # culprit: cached_function
    return [ord(letter) % 7 for letter in order + currency]


def cached_function(event, context):
    return sum(exchange_rate(context.aws_request_id, "EUR"))


def make_converter():
    memo = {}

    def convert(text):
        if text not in memo:
            memo[text] = text.encode("utf-16")  # culprit: closure_memo
        return memo[text]

    return convert


CONVERT = make_converter()


def closure_memo(event, context):
    return len(CONVERT(context.aws_request_id))


_interned = {}


def intern_text(text):
    return _interned.setdefault(text, text)  # culprit: interning_by_dict


def interning_by_dict(event, context):
    """Meant to share equal texts, but none of these comes twice."""
    words = [intern_text(word) for word in ("order", "paid", context.aws_request_id)]
    return " ".join(words)


SHARDS = [{} for _ in range(16)]


def sharded_cache(event, context):
    """Sixteen dicts that each grow seldom."""
    key = context.aws_request_id
    SHARDS[hash(key) % 16][key] = render(key)  # culprit: sharded_cache
    return len(key)


HISTORY = defaultdict(list)


def history_per_tenant(event, context):
    """Three tenants for ever, but each one's list gets longer."""
    tenant = ("north", "south", "west")[next(NUMBERS) % 3]
    HISTORY[tenant].append({"request": context.aws_request_id, "at": time.time()})  # culprit: history_per_tenant
    return tenant


class ExpiringCache:
    """Looks at the age of an entry only when it is read again."""

    def __init__(self, ttl_s):
        self.ttl_s = ttl_s
        self.entries = {}

    def get(self, key, make):
        made_at, value = self.entries.get(key, (0.0, None))
        if time.monotonic() - made_at > self.ttl_s:
            value = make(key)
            self.entries[key] = (time.monotonic(), value)  # culprit: expiry_only_on_read
        return value


EXPIRING = ExpiringCache(ttl_s=0.02)


def expiry_only_on_read(event, context):
    return EXPIRING.get(context.aws_request_id, render)


NEGATIVE = {}


def negative_cache(event, context):
    """Remembers what was not found, for one request in three."""
    key = context.aws_request_id
    if CHANCE.random() < 1 / 3:
        NEGATIVE[key] = None  # culprit: negative_cache
    return key in NEGATIVE


# ---- look-alikes ---------------------------------------------------------------------------------


@functools.lru_cache(maxsize=16)
def shipping(order):
    return render(order)


def full_lru(event, context):
    return shipping(context.aws_request_id)


@functools.lru_cache(maxsize=1024)
def tax(order):
    return render(order)


def lru_still_filling(event, context):
    """Grows during the whole run, and its bound is known."""
    return tax(context.aws_request_id)


RECENT = OrderedDict()


def lru_full_at_forty(event, context):
    """An LRU made by hand: one new entry per invocation, and none more from the fortieth on."""
    RECENT[context.aws_request_id] = render(context.aws_request_id)
    while len(RECENT) > 40:
        RECENT.popitem(last=False)
    return len(RECENT)


class TtlCache:
    """Throws out what is old whenever something is added."""

    def __init__(self, ttl_calls):
        self.ttl_calls = ttl_calls
        self.entries = {}

    def put(self, key, now):
        self.entries[key] = (now, render(key))
        for old in [k for k, (made, _) in self.entries.items() if now - made >= self.ttl_calls]:
            del self.entries[old]


TTL = TtlCache(ttl_calls=12)


def ttl_at_steady_state(event, context):
    for sku in SKUS[: CHANCE.randrange(1, 4)]:
        TTL.put(f"{context.aws_request_id}/{sku}", next(NUMBERS))
    return len(TTL.entries)


CITIES = {}


def finite_keys(event, context):
    """Sixty possible keys, met by chance: it fills ever more slowly."""
    for _ in range(2):
        city = f"city-{CHANCE.randrange(60)}"
        if city not in CITIES:
            CITIES[city] = render(city)
    return len(CITIES)


COUNTRIES = {}


def finite_keys_skewed(event, context):
    """A few keys come often and some of them seldom, as in real traffic."""
    country = f"country-{min(39, int(CHANCE.paretovariate(0.7)) - 1)}"
    COUNTRIES.setdefault(country, render(country))
    return country


ROUTES = {}


def evicts_every_thirty(event, context):
    ROUTES[context.aws_request_id] = render(context.aws_request_id)
    if len(ROUTES) >= 30:
        for key in list(ROUTES)[:20]:
            del ROUTES[key]
    return len(ROUTES)


def request_local_memo(event, context):
    memo = {}
    for number in range(300):
        memo.setdefault(number % 50, render(number))
    return len(memo)


class Basket:
    def __init__(self, order):
        self.order = order
        self.lines = [render(sku) for sku in SKUS]


BASKETS = weakref.WeakValueDictionary()


def weak_values_that_die(event, context):
    basket = BASKETS.setdefault(context.aws_request_id, Basket(context.aws_request_id))
    return len(basket.lines)


CONFIG = {}


def config_reload(event, context):
    """The whole content is replaced by as much of it."""
    number = next(NUMBERS)
    if number % 7 == 0:
        CONFIG.clear()
        CONFIG.update({f"key-{n}": render(f"{number}-{n}") for n in range(40)})
    return len(CONFIG)


PATTERNS = {}


def compiled_patterns(event, context):
    """Eight patterns in the first eight invocations, and the caches of `re` below them."""
    number = next(NUMBERS) % 8
    pattern = PATTERNS.setdefault(number, re.compile(rf"(?P<sku>\w+)-{{{number}}}x?"))
    return bool(pattern.match("tea-x"))


SEEN = set()


def trimmed_set_of_ids(event, context):
    SEEN.add(context.aws_request_id)
    if len(SEEN) > 25:
        for old in sorted(SEEN)[:5]:
            SEEN.discard(old)
    return len(SEEN)
