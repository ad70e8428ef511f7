"""Profiles for the page's tests and pictures, made by hand or at random."""

from __future__ import annotations

import random

from profiler.capture import Frame
from viewer.profile import Lane, Profile, StackTable

MS = 1_000_000

FRAMES = [
    Frame("handler", "/var/task/app.py", 10),
    Frame("lookup", "/var/task/app.py", 20),
    Frame("Client.get_object", "/opt/python/botocore/client.py", 551),
    Frame("loads", "/var/lang/lib/python3.12/json/__init__.py", 299),
    Frame("walk", "/var/task/tree.py", 3),
    Frame("_worker", "/var/lang/lib/python3.12/concurrent/futures/thread.py", 69),
]
HANDLER, LOOKUP, GET, LOADS, WALK, WORKER = range(6)


def profile_of(lanes: list[tuple[str, str, bool, list[tuple[list[int], int]]]], **more: object) -> Profile:
    """Return a profile of lanes given as (name, unit, ordered, [(stack, weight), …])."""
    table = StackTable()
    made = [
        Lane(name, unit, [(table.add(stack), weight) for stack, weight in runs], ordered)
        for name, unit, ordered, runs in lanes
    ]
    return Profile(
        **{"title": "checkout · 100 ms", "frames": FRAMES, "table": table, "lanes": made, **more}  # type: ignore[arg-type]
    )


def order_service() -> Profile:
    """Return 100 ms of a handler: lookup, S3, lookup again, JSON, a recursive walk; a worker beside it."""
    main = [
        ([HANDLER], 5 * MS),
        ([HANDLER, LOOKUP], 15 * MS),
        ([HANDLER, GET], 30 * MS),
        ([HANDLER, LOOKUP], 10 * MS),
        ([HANDLER, LOADS], 20 * MS),
        ([HANDLER, WALK], 5 * MS),
        ([HANDLER, WALK, WALK], 10 * MS),
        ([HANDLER, WALK, WALK, LOOKUP], 5 * MS),
    ]
    return profile_of(
        [
            ("MainThread", "nanoseconds", True, main),
            ("worker_0", "nanoseconds", True, [([WORKER], 60 * MS), ([WORKER, GET], 40 * MS)]),
            ("memory retained", "bytes", False, [([LOOKUP], 3072), ([GET], 1024)]),
        ],
        facts={"Duration": "100 ms", "Start": "warm"},
    )


def random_profile(nodes: int, frames: int = 400, seed: int = 1) -> Profile:
    """Return a profile of about so many distinct stacks, each run for a while."""
    chance = random.Random(seed)
    table = StackTable()
    while len(table) < nodes:
        below = chance.randrange(len(table)) if len(table) and chance.random() < 0.98 else -1
        table.child(below, chance.randrange(frames))
    runs = [(chance.randrange(len(table)), chance.randrange(1, 5 * MS)) for _ in range(nodes)]
    names = [
        Frame(f"function_{number}", f"/opt/python/package{number % 11}/module.py", number)
        for number in range(frames)
    ]
    return Profile(f"{nodes} nodes", names, table, [Lane("MainThread", "nanoseconds", runs)])
