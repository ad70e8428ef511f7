"""Counting objects by type: what is told, when, at what price, and who is said to hold them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from profiler import host
from profiler.capture import TypeCount
from profiler.memory import types as types_module
from profiler.memory.types import TypeCounts

CODE = """
    class Order:
        pass

    class Chain:
        head = None

    CHAIN = Chain()

    def leak(count=1):
        for _ in range(count):
            order = Order()
            order.next = CHAIN.head
            CHAIN.head = order

    def litter():
        order = Order()
        order.itself = order
"""


@pytest.fixture
def app(module: Callable[[str, str], ModuleType]) -> ModuleType:
    return module("app", CODE)


@pytest.fixture(autouse=True)
def _rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types_module, "ALLOWANCE_NS", 10**12)
    # A process of pytest's has far more objects than a function's.
    monkeypatch.setattr(types_module, "_COST_AT_MOST_NS", 10**12)
    monkeypatch.setattr(types_module, "TYPES_AT_MOST", 10**6)
    monkeypatch.setattr("profiler.memory.holders.TIME_AT_MOST_NS", 10**12)
    monkeypatch.setattr("profiler.memory.holders.OBJECTS_AT_MOST", 10**9)


def counts_of(
    app: ModuleType, counts: TypeCounts, *, limit: int | None = None, duration_ns: int = 0
) -> dict[str, TypeCount]:
    return {one.type: one for one in counts.take(duration_ns, limit, [("app", app)]).types}


def test_a_type_is_told_once_it_has_grown_and_then_always(app: ModuleType) -> None:
    counts = TypeCounts()
    app.leak(5)
    for _ in range(2):  # the cold one, and the first to be counted
        assert "app.Order" not in counts_of(app, counts)
    app.leak(3)
    assert "app.Order" not in counts_of(app, counts)
    app.leak()
    assert counts_of(app, counts)["app.Order"].count == 9
    app.CHAIN.head = app.CHAIN.head.next
    assert counts_of(app, counts)["app.Order"].count == 8


def test_who_holds_them_is_found_and_remembered(app: ModuleType) -> None:
    counts = TypeCounts()
    found = []
    for _ in range(24):
        app.leak()
        told = counts_of(app, counts).get("app.Order")
        found.append(told.held_by if told else "")
    assert found[3] == ""
    assert found[-1] == found[-3] == "app.CHAIN.head.next.next.next…"
    last = counts_of(app, counts)["app.Order"]
    assert last.object_bytes is not None
    assert 50 < last.object_bytes < 20_000


def test_garbage_is_held_by_nobody(app: ModuleType) -> None:
    counts = TypeCounts()
    import gc

    gc.collect()
    gc.disable()
    try:
        for _ in range(40):
            app.litter()
            told = counts_of(app, counts)
    finally:
        gc.enable()
    assert told["app.Order"].count == 40
    assert told["app.Order"].held_by == ""


def test_no_search_without_room(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "rss_bytes", lambda: 100 << 20)
    counts = TypeCounts()
    for _ in range(40):
        app.leak()
        told = counts_of(app, counts, limit=128 << 20)
    assert told["app.Order"].held_by == ""
    assert counts_of(app, counts, limit=256 << 20)["app.Order"].held_by == ""  # it is told from the next on
    assert counts_of(app, counts, limit=256 << 20)["app.Order"].held_by != ""


def test_it_counts_as_often_as_it_may(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types_module, "ALLOWANCE_NS", 0)
    monkeypatch.setattr(types_module, "ALLOWANCE_SHARE", 0.01)
    counted = []

    class Nothing:
        by_id = types_module.Counter()

        def __init__(self) -> None:
            counted.append(1)

        def types(self, wanted: object) -> dict[int, type]:
            return {}

    monkeypatch.setattr(types_module, "_Counts", Nothing)
    counts = TypeCounts()
    counts.take(0, None, [])
    counts.take(0, None, [])
    assert len(counted) == 1
    counts._cost_ns = 1_000_000
    for _ in range(40):  # a tenth of its price each time, with four times that while the heap grows
        counts.take(10_000_000, None, [])
        counts._cost_ns = 1_000_000
    assert 2 <= len(counted) <= 18


def test_a_count_that_is_too_dear_is_the_last(app: ModuleType) -> None:
    counts = TypeCounts()
    counts_of(app, counts)
    counts_of(app, counts)
    counts._cost_ns = 10**13
    app.leak(100)
    assert counts_of(app, counts, duration_ns=10**17) == {}


def test_no_metaclass_is_asked_anything(app: ModuleType) -> None:
    asked: list[str] = []

    def witness(name: str) -> Any:
        return lambda *_: asked.append(name) or NotImplemented

    class Meta(type):
        __eq__ = witness("__eq__")
        __hash__ = None  # type: ignore[assignment]
        __getattr__ = witness("__getattr__")

    counts, kept = TypeCounts(), []
    made = Meta("Made", (), {})
    asked.clear()
    for _ in range(30):
        kept += [object.__new__(made) for _ in range(4)]
        app.KEPT = kept
        told = {one.type for one in counts.take(0, None, [("app", app)]).types}
    assert any(name.endswith("Made") for name in told)
    assert asked == []


def test_types_are_not_kept_alive(app: ModuleType) -> None:
    import gc
    import weakref

    counts = TypeCounts()
    kind = type("Made", (), {})
    made = [kind() for _ in range(50)]
    for _ in range(3):
        counts_of(app, counts)
    alive = weakref.ref(kind)
    del kind, made
    gc.collect()
    assert alive() is None
    counts_of(app, counts)
