"""Workloads whose truth is known: each leaf is timed, without any profiler, around its call.

A leaf is one function that owns all that happens below it. A scenario calls its leaves through
`call`, so that the same code runs timed (`measure`) and plain (`execute`).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import re
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Call = Callable[..., Any]
Scenario = Callable[[Call], None]

# The part of a profile that lies in the scenario but in none of its leaves.
ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Score:
    """How far a profile is from the truth.

    `wrong_share` is the share of all time given to the wrong leaf: half the sum of the absolute
    differences of share. `worst_points` is the largest of them, in percentage points.
    """

    wrong_share: float
    worst_leaf: str
    worst_points: float


def execute(scenario: Scenario) -> None:
    """Run a scenario as a profiler is to see it. Profiles are read below this function."""
    scenario(_plain)


def measure(scenario: Scenario) -> dict[str, float]:
    """Run a scenario without a profiler and return the seconds spent in each leaf, and elsewhere."""
    seconds: dict[str, float] = defaultdict(float)
    clock = time.perf_counter

    def timed(leaf: Call, *arguments: Any) -> Any:
        began = clock()
        result = leaf(*arguments)
        seconds[leaf.__name__] += clock() - began
        return result

    began = clock()
    scenario(timed)
    whole = clock() - began
    seconds[ELSEWHERE] = max(0.0, whole - sum(seconds.values()))
    return dict(seconds)


def observed(times: dict[str, float], leaves: frozenset[str]) -> dict[str, float]:
    """Return an engine's total time of each leaf, and what it placed in no leaf, in its own time."""
    seconds = {leaf: times.get(leaf, 0.0) for leaf in leaves}
    seconds[ELSEWHERE] = max(0.0, times.get(execute.__name__, 0.0) - sum(seconds.values()))
    return seconds


def score(seen: dict[str, float], true: dict[str, float]) -> Score:
    """Compare two divisions of time by their shares. Engines that slow the program down are not punished."""
    seen_shares, true_shares = shares(seen), shares(true)
    differences = {
        leaf: abs(seen_shares.get(leaf, 0.0) - true_shares.get(leaf, 0.0))
        for leaf in seen_shares | true_shares
    }
    worst = max(sorted(differences), key=differences.__getitem__)
    return Score(sum(differences.values()) / 2, worst, 100 * differences[worst])


def shares(seconds: dict[str, float]) -> dict[str, float]:
    """Return each part as a share of the whole; all zero where nothing was seen."""
    whole = sum(seconds.values())
    return {leaf: (value / whole if whole else 0.0) for leaf, value in seconds.items()}


def _plain(leaf: Call, *arguments: Any) -> Any:
    return leaf(*arguments)


# ---- scenarios ---------------------------------------------------------------------------------


def four_leaves(call: Call) -> None:
    """Run a call-free loop, tiny calls, a C sort that holds the GIL, and a sleep: 12 to 20 ms each."""
    for _ in range(18):
        call(loop_without_calls, 300_000)
        call(call_tiny_functions, 240_000)
        call(sort_in_c, 110_000)
        call(sleep_a_little, 0.0137)


def seven_leaves(call: Call) -> None:
    """Run seven leaves of 2 to 12 ms: the kinds of work that a sampler confuses."""
    for _ in range(26):
        call(sort_in_c, 45_000)
        call(loop_without_calls, 90_000)
        call(call_tiny_functions, 110_000)
        call(compress, 1)
        call(encode_json, 1_500)
        call(sleep_a_little, 0.0043)
        call(search_text, 60)


def order_service(call: Call) -> None:
    """Handle batches of orders as a service does: six leaves of 0.05 to 0.4 ms that feed each other."""
    for batch in range(600):
        rows = call(parse_csv, batch)
        orders = call(build_orders, rows)
        totals = call(price_orders, orders)
        call(format_receipts, orders, totals)
        call(hash_orders, orders)
        call(run_pipeline, orders)


def deep_stacks(call: Call) -> None:
    """Run recursive and exception-heavy code below thirty frames of middleware."""
    for round_number in range(110):
        _middleware(30, call, round_number)


SCENARIOS: dict[str, Scenario] = {
    "four leaves": four_leaves,
    "seven leaves": seven_leaves,
    "order service": order_service,
    "deep stacks": deep_stacks,
}


# ---- leaves ------------------------------------------------------------------------------------

_RANDOM = random.Random(7)
_NUMBERS = [_RANDOM.random() for _ in range(120_000)]
_TEXT = " ".join(f"user{number}@host{number % 17}.example order-{number * 31}" for number in range(1_200))
_BYTES = _TEXT.encode() * 4
_DOCUMENT = [{"id": number, "name": f"item {number}", "price": number / 7} for number in range(2_000)]
_PATTERN = re.compile(r"[a-z]+(\d+)@host(\d+)\.example")
_CSV = "\n".join(f"{number},sku-{number % 40},{number % 9 + 1},{number * 1.37:.2f}" for number in range(400))


def loop_without_calls(turns: int) -> int:
    """Spin in one frame."""
    total = 0
    for number in range(turns):
        total = (total + number * 3) & 0xFFFF
    return total


def call_tiny_functions(calls: int) -> int:
    """Call a one-line function over and over."""
    total = 0
    for number in range(calls):
        total = _tiny(total, number)
    return total


def _tiny(total: int, number: int) -> int:
    return (total + number) & 0xFFFF


def sort_in_c(length: int) -> list[float]:
    """Hold the GIL in one C call."""
    return sorted(_NUMBERS[:length])


def sleep_a_little(seconds: float) -> None:
    """Wait without the GIL."""
    time.sleep(seconds)


def compress(copies: int) -> bytes:
    """Work in C without the GIL."""
    return zlib.compress(_BYTES * copies, 6)


def encode_json(items: int) -> Any:
    """Work in C with the GIL, a call at a time."""
    return json.loads(json.dumps(_DOCUMENT[:items]))


def search_text(matches: int) -> int:
    """Let the regex engine hold the GIL."""
    return sum(len(_PATTERN.findall(_TEXT)) for _ in range(matches // 10))


def parse_csv(batch: int) -> list[tuple[str, str, int, Decimal]]:
    """Parse prices as decimals."""
    reader = csv.reader(io.StringIO(_CSV))
    return [(f"{batch}-{row[0]}", row[1], int(row[2]), Decimal(row[3])) for row in reader]


def build_orders(rows: list[tuple[str, str, int, Decimal]]) -> list[dict[str, Any]]:
    """Build nested dicts."""
    orders: dict[str, dict[str, Any]] = {}
    for identifier, sku, quantity, price in rows:
        order = orders.setdefault(identifier[-2:], {"id": identifier, "lines": [], "seen": {}})
        order["lines"].append({"sku": sku, "quantity": quantity, "price": price})
        order["seen"][sku] = order["seen"].get(sku, 0) + quantity
    return list(orders.values())


def price_orders(orders: list[dict[str, Any]]) -> list[Decimal]:
    """Add up lines in comprehensions."""
    return [sum((_line_total(line) for line in order["lines"]), Decimal(0)) for order in orders]


def _line_total(line: dict[str, Any]) -> Decimal:
    total: Decimal = line["price"] * line["quantity"]
    return total if line["quantity"] < 5 else total * Decimal("0.95")


def format_receipts(orders: list[dict[str, Any]], totals: list[Decimal]) -> str:
    """Format text, a line at a time."""
    lines = []
    for order, total in zip(orders, totals, strict=True):
        lines.append(f"{order['id']:>10} {total:>12,.2f}")
        lines.extend(
            f"  {line['sku']:<10}{line['quantity']:>4} x {line['price']:>8.2f}" for line in order["lines"]
        )
    return "\n".join(lines)


def hash_orders(orders: list[dict[str, Any]]) -> list[str]:
    """Hash many short byte strings."""
    return [
        hashlib.sha256(f"{order['id']}/{line['sku']}/{line['price']}".encode()).hexdigest()
        for order in orders
        for line in order["lines"]
    ]


def run_pipeline(orders: list[dict[str, Any]]) -> int:
    """Pull lines through three generators."""
    return sum(_quantities(_cheap(_lines(orders))))


def _lines(orders: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for order in orders:
        yield from order["lines"]


def _cheap(lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line["price"] < 400:
            yield line


def _quantities(lines: Iterator[dict[str, Any]]) -> Iterator[int]:
    for line in lines:
        yield line["quantity"]


def _middleware(depth: int, call: Call, round_number: int) -> None:
    if depth:
        _middleware(depth - 1, call, round_number)
        return
    call(walk_tree, round_number)
    call(evaluate_expression, "((1+2)*(3+4)-5)*(6+7*(8-2))+" * 180 + "1")
    call(raise_and_catch, 8_000)
    call(join_strings, 9_000)
    call(solve_by_memo, 500)


def walk_tree(salt: int) -> int:
    """Recurse over a binary tree, fourteen levels deep."""
    return _walk(14, salt)


def _walk(depth: int, salt: int) -> int:
    if depth == 0:
        return salt & 7
    return (_walk(depth - 1, salt) + _walk(depth - 1, salt + 1)) & 0xFFFF


def evaluate_expression(text: str) -> int:
    """Evaluate arithmetic by recursive descent."""
    return _Expression(text).sum()


class _Expression:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def sum(self) -> int:
        value = self.product()
        while self.peek() in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            value += sign * self.product()
        return value

    def product(self) -> int:
        value = self.atom()
        while self.peek() == "*":
            self.take()
            value *= self.atom()
        return value

    def atom(self) -> int:
        if self.peek() == "(":
            self.take()
            value = self.sum()
            self.take()
            return value
        return int(self.take())

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]


def raise_and_catch(times: int) -> int:
    """Raise and catch, two frames down."""
    caught = 0
    for number in range(times):
        try:
            _check(number)
        except ValueError:
            caught += 1
    return caught


def _check(number: int) -> None:
    if number % 2:
        raise ValueError(number)


def join_strings(count: int) -> str:
    """Build a long string of short ones, all in one frame."""
    parts = []
    for number in range(count):
        parts.append(str(number).rjust(6, "0"))
    return ",".join(parts)


def solve_by_memo(size: int) -> int:
    """Fill a table by recursion with a memo."""
    memo: dict[int, int] = {0: 0, 1: 1}
    return max(_memo_value(number, memo) for number in range(size * 10))


def _memo_value(number: int, memo: dict[int, int]) -> int:
    if number not in memo:
        memo[number] = (_memo_value(number - 1, memo) + _memo_value(number // 2, memo)) & 0xFFFF
    return memo[number]
