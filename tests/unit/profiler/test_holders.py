"""Who holds an object: the path's names, what is no path, and what the search never touches."""

from __future__ import annotations

import contextvars
import gc
import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from profiler.memory import holders as holders_module
from profiler.memory.holders import holders

CODE = """
    import functools

    class Order:
        pass

    class Bus:
        def __init__(self):
            self.callbacks = []

    class Node:
        def __init__(self, following):
            self.next = following
        def call(self):
            pass

    class Registry:
        items = {}

    class Slotted:
        __slots__ = ("order",)

    class Kept(list):
        pass

    BUS, SLOTTED, KEPT = Bus(), Slotted(), Kept()
    HEAD = None
    ERRORS, METHODS, PARTIALS, GENERATORS, PAIRS = [], [], [], [], []

    def callback(payload):
        def call():
            return payload
        return call

    def default(order, seen=[], *, more=[]):
        pass

    def fail(order):
        raise ValueError

    def steps(order):
        yield 1
        print(order)

    def keep_error(order):
        try:
            fail(order)
        except ValueError as error:
            ERRORS.append(error)

    def keep_generator(order):
        running = steps(order)
        next(running)
        GENERATORS.append(running)

    def keep_method(order):
        node = Node(None)
        node.order = order
        METHODS.append(node.call)

    def chain(order):
        global HEAD
        for _ in range(300):
            HEAD = Node(HEAD)
        last = HEAD
        while last.next:
            last = last.next
        last.order = order
"""


@pytest.fixture
def app(module: Callable[[str, str], ModuleType]) -> ModuleType:
    return module("app", CODE)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the search the time that pytest's many objects take on a busy machine."""
    monkeypatch.setattr(holders_module, "TIME_AT_MOST_NS", 10**12)
    monkeypatch.setattr(holders_module, "OBJECTS_AT_MOST", 10**9)


def path_of(app: ModuleType, item: object) -> str | None:
    own = [("app", app)]
    return holders([item], own).get(id(item))


KEEPERS: dict[str, Callable[[Any, Any], object]] = {
    "app.ORDER": lambda app, order: setattr(app, "ORDER", order),
    "app.BUS.callbacks[]<payload>": lambda app, order: app.BUS.callbacks.append(app.callback(order)),
    "app.Registry.items[]": lambda app, order: app.Registry.items.__setitem__("jane@example.org", order),
    "app.PAIRS[][]": lambda app, order: app.PAIRS.append((1, order)),
    "app.default(seen=)[]": lambda app, order: app.default.__defaults__[0].append(order),
    "app.default(more=)[]": lambda app, order: app.default.__kwdefaults__["more"].append(order),
    "app.default.cache[]": lambda app, order: setattr(app.default, "cache", [order]),
    "app.SLOTTED.order": lambda app, order: setattr(app.SLOTTED, "order", order),
    "app.KEPT[]": lambda app, order: app.KEPT.append(order),
    "app.ERRORS[].__traceback__ → frame of keep_error → Order": lambda app, order: app.keep_error(order),
    "app.METHODS[].__self__.order": lambda app, order: app.keep_method(order),
    "app.HEAD.next.next.next….order": lambda app, order: app.chain(order),
}


@pytest.mark.parametrize("path", KEEPERS)
def test_the_shortest_way_from_a_global(app: ModuleType, path: str) -> None:
    order = app.Order()
    KEEPERS[path](app, order)
    assert path_of(app, order) == path


def test_what_is_within_an_object_that_names_nothing(app: ModuleType) -> None:
    order, other = app.Order(), app.Order()
    app.PARTIALS.append(app.functools.partial(print, order))
    app.keep_generator(other)
    assert path_of(app, order) == "app.PARTIALS[] → tuple[]"
    found = path_of(app, other)
    assert found is not None
    assert found.startswith("app.GENERATORS[] → ")
    assert found.endswith(" → Order" if "frame" in found else "Order")


def test_no_key_and_no_odd_attribute_is_told(app: ModuleType) -> None:
    order = app.Order()
    holder = app.Order()
    vars(holder)["jane@example.org"] = order
    app.HOLDER = holder
    # Whether an object's dict stands between them differs from one Python to the next.
    assert path_of(app, order) in ("app.HOLDER.…", "app.HOLDER → Order")


def test_a_context_variable_holds(app: ModuleType) -> None:
    variable: contextvars.ContextVar[Any] = contextvars.ContextVar("trace")
    found: list[str] = []

    def run() -> None:
        variable.set([app.Order()])
        found.extend(holders([variable.get()[0]], [("app", app)]).values())

    contextvars.copy_context().run(run)
    assert found[0].startswith("context variables → ")


def test_own_modules_come_before_others(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    order = app.Order()
    other = ModuleType("aaa_package")
    vars(other)["SHORT"] = order
    monkeypatch.setitem(sys.modules, "aaa_package", other)
    app.default.deep = {"a": {"b": [order]}}
    assert path_of(app, order) == "app.default.deep[][][]"


def test_the_budgets_are_kept(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    order = app.Order()
    app.chain(order)
    monkeypatch.setattr(holders_module, "OBJECTS_AT_MOST", 10)
    assert path_of(app, order) is None
    monkeypatch.setattr(holders_module, "OBJECTS_AT_MOST", 10**9)
    monkeypatch.setattr(holders_module, "TIME_AT_MOST_NS", 0)
    assert path_of(app, order) is None


def test_it_runs_no_code_of_the_users_and_leaves_gc_as_it_was(app: ModuleType) -> None:
    class Trap:
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"asked for {name}")

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __hash__(self) -> int:
            raise AssertionError("hashed")

        def __len__(self) -> int:
            raise AssertionError("measured")

    order = app.Order()
    trap = Trap()
    object.__getattribute__(trap, "__dict__")["order"] = order
    app.TRAP = [trap]
    assert path_of(app, order) == "app.TRAP[].order"
    assert gc.isenabled()
    gc.disable()
    try:
        path_of(app, order)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_keeps_nothing_alive(app: ModuleType) -> None:
    order = app.Order()
    app.ORDER = order
    path_of(app, order)
    alive = weakref.ref(order)
    del order
    app.ORDER = None
    assert alive() is None
