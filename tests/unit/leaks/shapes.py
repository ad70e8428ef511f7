"""How containers grow over their life: look-alikes that must stay silent, and leaks that must be found.

Each shape is a function of (random numbers, how many invocations) that returns the entries after each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from random import Random

Shape = Callable[[Random, int], list[int]]


def growing(step: Callable[[Random, int], float]) -> Shape:
    return lambda rng, count: [int(value) for value in accumulate(step(rng, i) for i in range(count))]


def each(value: Callable[[Random, int], float]) -> Shape:
    return lambda rng, count: [int(value(rng, i)) for i in range(count)]


def full_at(share: float) -> Shape:
    """A cache without a known bound that is full after a share of the invocations."""

    def shape(rng: Random, count: int) -> list[int]:
        most = int(5 * count * share)
        return list(accumulate((rng.randint(2, 8) for _ in range(count)), lambda a, b: min(most, a + b)))

    return shape


def finite_keys(share: float) -> Shape:
    """Five lookups of random keys an invocation, out of as many keys as `share` of all lookups."""

    def shape(rng: Random, count: int) -> list[int]:
        keys, seen, entries = max(3, int(5 * count * share)), set(), []
        for _ in range(count):
            seen.update(rng.randrange(keys) for _ in range(5))
            entries.append(len(seen))
        return entries

    return shape


def ttl(rng: Random, count: int) -> list[int]:
    added = [rng.randint(1, 9) for _ in range(count)]
    return [sum(added[max(0, i - count // 5) : i + 1]) for i in range(count)]


def steps(how_many: int) -> Shape:
    def shape(rng: Random, count: int) -> list[int]:
        at = rng.sample(range(1, count), how_many)
        return [100 + 300 * sum(i >= one for one in at) + rng.randint(0, 1) for i in range(count)]

    return shape


def pool(rng: Random, count: int) -> list[int]:
    return list(accumulate((min(10, 1 + int(rng.expovariate(0.5))) for _ in range(count)), max))


def batches(rng: Random, count: int) -> list[int]:
    size = rng.choice([3, 7, 10, count // 4, count // 3])
    return [i % size for i in range(count)]


def reflected_walk(rng: Random, count: int) -> list[int]:
    return list(accumulate((rng.choice((-1, 1)) for _ in range(count)), lambda a, b: max(0, a + b)))


def correlated(rng: Random, count: int) -> list[int]:
    values, value = [], 0.0
    for _ in range(count):
        value = 0.9 * value + rng.gauss(0, 20)
        values.append(int(500 + value))
    return values


# Shape → most leaks, in percent of series, at 39 and at 100 warm invocations.
SILENT: dict[str, tuple[Shape, float, float]] = {
    "full early": (full_at(0.15), 0, 0),
    "full at a third": (full_at(0.3), 0, 0),
    "full at half": (full_at(0.5), 0, 0),
    "full at 70 %": (full_at(0.7), 2, 1),
    "few keys": (finite_keys(0.05), 0, 0),
    "finite keys": (finite_keys(0.2), 1, 0),
    "many keys": (finite_keys(0.5), 2, 1),
    "as many keys as lookups": (finite_keys(1.0), 4, 1),
    "ttl": (ttl, 2, 1),
    "lazy import": (steps(1), 0, 0),
    "two steps": (steps(2), 0, 0),
    "four steps": (steps(4), 0, 0),
    "pool": (pool, 0, 0),
    "batch buffer": (batches, 0, 0),
    "last result": (each(lambda rng, i: rng.randint(1, 50)), 1, 1),
    "noise": (each(lambda rng, i: 1000 + rng.gauss(0, 50)), 1, 1),
    "correlated noise": (correlated, 1, 1),
    "random walk": (growing(lambda rng, i: rng.gauss(0, 5) + (1000 if i == 0 else 0)), 4, 3),
    "walk above zero": (reflected_walk, 4, 3),
    "logarithm": (each(lambda rng, i: 100 * math.log(2 + i) + rng.gauss(0, 2)), 1, 0),
}
# Leak → least found, in percent.
FOUND: dict[str, tuple[Shape, float, float]] = {
    "one each": (growing(lambda rng, i: 1), 100, 100),
    "five each": (growing(lambda rng, i: 5), 100, 100),
    "14 to 22 each": (growing(lambda rng, i: rng.randint(14, 22)), 93, 93),
    "0 to 9 each": (growing(lambda rng, i: rng.randint(0, 9)), 90, 92),
    "noisy": (each(lambda rng, i: 500 + 5 * i + rng.gauss(0, 20)), 65, 99),
    "very noisy": (each(lambda rng, i: 500 + 5 * i + rng.gauss(0, 50)), 0, 75),
    "every third": (growing(lambda rng, i: 7 if i % 3 == 0 else 0), 100, 100),
    "every second, by chance": (growing(lambda rng, i: 3 if rng.random() < 0.5 else 0), 80, 92),
    "slow: one in four": (growing(lambda rng, i: i % 4 == 3), 100, 100),
    "emptied, but not quite": (each(lambda rng, i: i // 4 + i % 5 * 2), 100, 100),
}
