"""Four handlers that stress a profiler in four ways, each 0.3 to 0.5 s when nothing profiles it."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

Handler = Callable[[dict[str, Any], object], Any]


def many_small_calls(event: dict[str, Any], context: object) -> int:
    """Price baskets by way of six million calls of one-line functions."""
    return sum(_basket_total(basket) for basket in range(550_000))


def allocation(event: dict[str, Any], context: object) -> int:
    """Build and drop records: dicts, lists and strings, few calls."""
    kept: dict[int, dict[str, Any]] = {}
    for number in range(650_000):
        record = {"id": number, "name": f"item {number}", "tags": [number, number + 1], "price": number * 1.5}
        kept[number % 20_000] = record
        kept[number % 20_000]["path"] = ("root", str(number))
    return len(kept)


def threads(event: dict[str, Any], context: object) -> int:
    """Let eight threads share 240 jobs of pure Python."""
    jobs: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    results: list[int] = []
    workers = [threading.Thread(target=_work, args=(jobs, results)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for number in range(240):
        jobs.put(number)
    for _ in workers:
        jobs.put(None)
    for worker in workers:
        worker.join()
    return sum(results)


def coroutines(event: dict[str, Any], context: object) -> int:
    """Run 60 coroutines that hand over to each other 4,000 times."""
    return asyncio.run(_gather())


WORKLOADS: dict[str, Handler] = {
    "many small calls": many_small_calls,
    "allocation": allocation,
    "threads": threads,
    "asyncio": coroutines,
}


def _basket_total(basket: int) -> int:
    total = 0
    for line in range(basket % 12):
        total += _with_tax(_line_price(line, basket))
    return total


def _line_price(line: int, basket: int) -> int:
    return line * 7 + basket % 31


def _with_tax(price: int) -> int:
    return price + price // 5


def _work(jobs: queue.SimpleQueue[int | None], results: list[int]) -> None:
    while (number := jobs.get()) is not None:
        results.append(sum(_basket_total(basket) for basket in range(number, number + 2_000)))


async def _gather() -> int:
    return sum(await asyncio.gather(*(_session(number) for number in range(60))))


async def _session(number: int) -> int:
    total = 0
    for step in range(4_000):
        total += await _fetch(number, step)
    return total


async def _fetch(number: int, step: int) -> int:
    await asyncio.sleep(0)
    return _with_tax(_line_price(step, number))
