"""An order service as one finds them: it works, it is cached, it is slow now and then, and it leaks."""

import functools
import hashlib
import json
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

SKU = re.compile(r"^(?P<line>[A-Z]{3})-(?P<number>\d{4})(?:-(?P<variant>[a-z]+))?$")
WAREHOUSES = ("berlin", "lyon", "porto")

# The planted leak: no two orders share a key, so nothing is ever found in here and nothing ever leaves.
PRICES: dict[str, dict[str, object]] = {}
# A harmless look-alike: it grows, too, but only to the last five orders.
RECENT: list[str] = []

pool = ThreadPoolExecutor(max_workers=3, thread_name_prefix="warehouse")
shoppers = random.Random(7)


def handler(event, context):
    """Price one order, look for its items in every warehouse and answer with an invoice."""
    order = json.loads(event["body"]) if "body" in event else new_order(context.aws_request_id)
    items = [item for item in order["items"] if SKU.match(item["sku"])]
    answers = pool.map(ask_warehouse, WAREHOUSES, [items] * len(WAREHOUSES))
    prices = [lookup(order["id"], item["sku"]) for item in items]
    total = sum(price["net"] * (1 + tax_rate(order["country"], price["sku"][:3])) for price in prices)
    remember(order["id"])
    invoices = [render_invoice(name, prices, total) for name in order["recipients"]]
    stock = {name: sorted(found) for name, found in zip(WAREHOUSES, answers, strict=True)}
    return {"statusCode": 200, "body": json.dumps({"invoices": invoices, "stock": stock})}


def new_order(order_id):
    """Make up an order; one in eight is a gift for a whole office, with an invoice for each."""
    items = [{"sku": f"ABC-{shoppers.randint(0, 9999):04d}"} for _ in range(shoppers.randint(14, 22))]
    recipients = ["office"] * 24 if shoppers.random() < 0.125 else ["home"]
    return {"id": order_id, "country": shoppers.choice("DFP"), "items": items, "recipients": recipients}


def lookup(order_id, sku):
    """Return the price of an item, from the cache where it is there."""
    key = f"{order_id}:{sku}"
    if key not in PRICES:
        PRICES[key] = {"sku": sku, "net": Decimal(5 + int(sku[4:8]) % 90), "quote": sign(sku)}
    return PRICES[key]


def sign(sku):
    """Sign a price quote: slow on purpose, as signatures are."""
    return hashlib.pbkdf2_hmac("sha256", sku.encode(), b"shop", 1000).hex() * 8


@functools.lru_cache(maxsize=16)
def tax_rate(country, line):
    """Return the tax rate of a product line; this cache has a bound."""
    return Decimal(sum(map(ord, country + line)) % 10 + 15) / 100


def ask_warehouse(warehouse, items):
    """Ask a warehouse over the network which items it has."""
    time.sleep(0.004 + len(warehouse) / 2000)
    return {item["sku"] for item in items if (len(warehouse) + int(item["sku"][4:8])) % 3}


def remember(order_id):
    """Keep the last five orders for support."""
    RECENT.append(order_id)
    del RECENT[:-5]


def render_invoice(recipient, prices, total):
    """Render an invoice. The slow spot: for every new line, all lines before it are laid out again."""
    lines = [f"Invoice for {recipient}"]
    for price in prices:
        lines.append(f"{price['sku']:<12}{price['net']:>8.2f}  quote {price['quote']}")
        text = layout(lines)
    return f"{text}Total {total:.2f}"


def layout(lines):
    """Break lines at 40 characters."""
    return "".join(re.sub(r"(.{1,40})(?:\s+|$|(?=.))", r"\1\n", line) for line in lines)
