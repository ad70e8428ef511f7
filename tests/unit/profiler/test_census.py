"""What the census finds, by which name, and what it never touches."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from profiler.memory import walk as walk_module
from profiler.memory.census import Census, Found
from profiler.memory.containers import attributes_of, entries_of, estimated_bytes, newest_entries
from profiler.memory.roots import OwnModules

Make = Callable[[str, str], ModuleType]


def census_of(name: str = "app", census: Census | None = None) -> dict[str, Found]:
    """Return the containers of one module by path; a new census looks often, as a warm one has."""
    if census is None:
        census = Census()
        for _ in range(8):  # a level of what is at rest is followed with every look
            census.take()
    found, complete, _ = census.take()
    assert complete
    return {item.path: item for item in found if item.path.startswith(f"{name}.")}


EVERY_KIND = """
    import array, collections, functools, types, weakref

    PRICES = {1: "a", 2: "b"}
    ITEMS = [1, 2, 3]
    SEEN = {1}
    RECENT = collections.deque([1, 2], maxlen=5)
    FREE = collections.deque([1])
    ORDERED = collections.OrderedDict(a=1)
    COUNTS = collections.Counter("aab")
    GROUPS = collections.defaultdict(list, a=[1])
    BUFFER = bytearray(7)
    NUMBERS = array.array("q", [1, 2])
    TEXT = "no container"
    PAIR = ([1, 2], {3})
    FROZEN = frozenset({1})
    NESTED = {"a": {"b": [1]}}
    _private = [1]
    __dunder = [1]

    @functools.lru_cache(maxsize=8)
    def cached(n): return n
    cached(1), cached(2)

    @functools.cache
    def endless(n): return n
    endless(1)

    def default(x, seen=[], *, also={}):
        seen.append(x); also[x] = x
    default(1); default(2)

    def make():
        memo = {}
        def inner(x):
            memo[x] = x
        return inner
    remember = make()
    remember(1)

    def counting(): ...
    counting.calls = [1, 2]

    class Store:
        registry = {"a": 1}
        def __init__(self):
            self.cache = {1: 1, 2: 2}
            self.__secret = [1]
        @staticmethod
        def plain(x, kept=[1]): ...
        @classmethod
        def of(cls, x, kept=[1, 2]): ...
        @functools.lru_cache(maxsize=4)
        def price(self, n): return n

    store = Store()
    store.price(1)
    bound = store.price

    class Slotted:
        __slots__ = ("items", "empty", "__hidden")
        def __init__(self):
            self.items = [1, 2]
            self.__hidden = [1]
    slotted = Slotted()

    class Mine(dict): pass
    mine = Mine(a=1)

    class Bounded(dict):
        def __init__(self):
            super().__init__(a=1)
            self.maxsize = 10
    bounded = Bounded()

    class Holder:
        def __init__(self):
            self.max_entries = 50
            self.ttl = 30
            self.data = {1: 1}
    holder = Holder()

    class Node:
        def __init__(self): self.me = self; self.children = [self]
    node = Node()
    users = [Store(), Store()]
    namespace = types.SimpleNamespace(log=[1])
"""


def test_every_kind_of_container_has_its_name(module: Make) -> None:
    module("app", EVERY_KIND)
    found = census_of()
    expected = {
        "app.PRICES": ("dict", 2),
        "app.ITEMS": ("list", 3),
        "app.SEEN": ("set", 1),
        "app.RECENT": ("deque", 2),
        "app.FREE": ("deque", 1),
        "app.ORDERED": ("OrderedDict", 1),
        "app.COUNTS": ("Counter", 2),
        "app.GROUPS": ("defaultdict", 1),
        "app.GROUPS[]": ("list", 1),
        "app.BUFFER": ("bytearray", 7),
        "app.NUMBERS": ("array", 2),
        "app.PAIR[]": ("list", 3),
        "app.NESTED": ("dict", 1),
        "app.NESTED[]": ("dict", 1),
        "app.NESTED[][]": ("list", 1),
        "app._private": ("list", 1),
        "app.cached": ("lru_cache", 2),
        "app.endless": ("lru_cache", 1),
        "app.default(seen=)": ("list", 2),
        "app.default(also=)": ("dict", 2),
        "app.remember<memo>": ("dict", 1),
        "app.counting.calls": ("list", 2),
        "app.Store.registry": ("dict", 1),
        "app.Store.plain(kept=)": ("list", 1),
        "app.Store.of(kept=)": ("list", 2),
        "app.Store.price": ("lru_cache", 1),
        "app.store.cache": ("dict", 2),
        "app.store._Store__secret": ("list", 1),
        "app.slotted.items": ("list", 2),
        "app.slotted._Slotted__hidden": ("list", 1),
        "app.mine": ("Mine", 1),
        "app.bounded": ("Bounded", 1),
        "app.holder.data": ("dict", 1),
        "app.node.children": ("list", 1),
        "app.users": ("list", 2),
        "app.users[].cache": ("dict", 4),
        "app.users[]._Store__secret": ("list", 2),
        "app.namespace.log": ("list", 1),
    }
    assert {path: (item.type, item.entries) for path, item in found.items()} == expected


def test_bounds_and_expiry_are_read(module: Make) -> None:
    module("app", EVERY_KIND)
    found = census_of()
    bounds = {path: item.bound for path, item in found.items() if item.bound is not None}
    assert bounds == {
        "app.RECENT": 5,
        "app.cached": 8,
        "app.Store.price": 4,
        "app.bounded": 10,
        "app.holder.data": 50,
    }
    assert [path for path, item in found.items() if item.expires] == ["app.holder.data"]


def test_a_bound_that_has_been_passed_is_none(module: Make) -> None:
    module("app", "class C:\n    def __init__(self): self.maxsize = 2; self.data = [1, 2, 3]\nc = C()")
    assert census_of()["app.c.data"].bound is None


def test_what_grew_since_the_last_walk(module: Make) -> None:
    app = module("app", "A = []\nB = {}")
    census = Census()
    assert census_of(census=census)["app.A"].grown == (app.A,)
    assert census_of(census=census)["app.A"].grown == ()
    app.A.append(1)
    found = census_of(census=census)
    assert found["app.A"].grown == (app.A,)
    assert found["app.B"].grown == ()
    app.A.clear()
    assert census_of(census=census)["app.A"].grown == ()


def test_sizes_follow_the_entries(module: Make) -> None:
    app = module("app", "A = [bytes(1000) for _ in range(100)]\nB = {}")
    census = Census()
    size = census_of(census=census)["app.A"].bytes
    assert size is not None
    assert 100_000 < size < 120_000
    app.B.update({n: str(n) * 100 for n in range(50)})
    grown = census_of(census=census)["app.B"].bytes
    assert grown is not None
    assert grown > 5_000


def test_large_containers_are_counted_and_not_walked(module: Make) -> None:
    """Up to 400 entries the containers in them are counted."""
    module(
        "app",
        "A = {n: [] for n in range(401)}\nB = {n: [] for n in range(400)}\nC = {n: n for n in range(9)}",
    )
    assert set(census_of()) == {"app.A", "app.B", "app.B[]", "app.C"}


# ---- which modules ------------------------------------------------------------------------------


def test_only_the_functions_own_modules_are_walked(module: Make) -> None:
    module("app", "import json, logging, collections\nA = []")
    names = [name for name, _ in OwnModules().list()]
    assert "app" in names
    assert not {"json", "logging", "collections", "pytest", "profiler", "profiler.capture", "sys"} & set(
        names
    )


def test_a_module_imported_later_is_seen(module: Make) -> None:
    own = OwnModules()
    assert "later" not in [name for name, _ in own.list()]
    module("later", "A = []")
    assert "later" in [name for name, _ in own.list()]


def test_odd_things_in_sys_modules_are_passed_over(module: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError("imported by being looked at")

    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    monkeypatch.setitem(sys.modules, "none", None)
    monkeypatch.setitem(sys.modules, "thing", object())  # type: ignore[arg-type]
    odd = ModuleType("odd")
    odd.__file__ = 3  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "odd", odd)
    module("app", "A = []")
    assert set(census_of()) == {"app.A"}


# ---- nothing of the user's is run, nothing of the user's is shown -------------------------------

WITNESSES = """
    CALLS = set()

    def witness(name):
        def method(self, *args, **kwargs):
            CALLS.add(f"{type(self).__name__}.{name}")
            raise RuntimeError(name)
        return method

    SPECIAL = (
        "__len__ __iter__ __contains__ __getitem__ __sizeof__ __getattr__ __getattribute__ __eq__ __hash__ "
        "__bool__ __reversed__ __repr__ __str__ __dir__ keys values items get __call__ __index__"
    ).split()

    def loud(name, *bases, **more):
        body = {special: witness(special) for special in SPECIAL}
        body["__class__"] = property(witness("__class__"))
        body["__module__"] = __name__
        body.update(more)
        return type(name, bases, body)

    LoudDict, LoudList, LoudSet = loud("LoudDict", dict), loud("LoudList", list), loud("LoudSet", set)
    Loud = loud("Loud")
    Proxy = loud("Proxy", __dict__=property(witness("__dict__")), __slots__=("wrapped",))

    class Meta(type):
        __eq__ = witness("__eq__")
        __hash__ = witness("__hash__")
        __instancecheck__ = __subclasscheck__ = witness("check")
        __len__ = witness("__len__")
        __getattr__ = witness("__getattr__")
    class Metal(metaclass=Meta): pass

    loud_dict, loud_list, loud_set = LoudDict(), LoudList(), LoudSet()
    dict.__setitem__(loud_dict, "key", Loud())
    list.append(loud_list, Loud())
    plain = Loud()
    proxy = Proxy()
    metal = Metal()
    Odd, Odder = loud("Odd", __module__=None), loud("Odder", __module__=property(lambda self: 1))
    mixed = [Loud(), Metal(), Odd(), Odder()]

    class Key:
        asked = 0
        def __hash__(self):
            Key.asked += 1
            return 1
    by_key = {Key(): [1]}
    Key.asked = 0
"""


def test_no_method_of_the_users_is_called(module: Make) -> None:
    app = module("app", WITNESSES)
    census = Census()
    found = census_of(census=census)
    census_of(census=census)
    assert set() == app.CALLS
    assert app.Key.asked == 0
    assert found["app.loud_dict"].entries == 1
    assert found["app.loud_list"].entries == 1
    assert found["app.loud_set"].entries == 0
    assert found["app.by_key"].entries == 1


def test_sizing_calls_no_method_of_the_users(module: Make) -> None:
    app = module("app", WITNESSES)
    for value in (app.loud_dict, app.loud_list, app.loud_set, app.plain, app.proxy, app.mixed, app.by_key):
        estimated_bytes(value)
        newest_entries(value)
        entries_of(value)
        attributes_of(value)
    assert set() == app.CALLS
    assert app.Key.asked == 0


def test_names_that_are_no_names_are_passed_over(module: Make) -> None:
    app = module("app", "class C: pass\nc = C()\ndef f(): pass")
    vars(app)["alice@example.com"] = [1]
    vars(app)[7] = [1]  # type: ignore[index]
    vars(app)["fine"] = [1]
    app.c.__dict__["bob@example.com"] = [1]
    app.c.__dict__[7] = [1]
    app.c.fine = [1]
    app.f.__dict__["carol@example.com"] = [1]
    app.f.fine = [1]
    setattr(app.C, "dave@example.com", [1])
    assert set(census_of()) == {"app.fine", "app.c.fine", "app.f.fine"}


def test_no_key_and_no_value_is_in_a_path(module: Make) -> None:
    module(
        "app",
        """
        SESSIONS = {"alice": {"secret": ["hunter2"]}, "bob": {"secret": ["123456"]}}
        LISTS = [["alice"], {"bob": []}, ("carol", ["dave"])]
        """,
    )
    paths = " ".join(census_of())
    assert not [word for word in ("alice", "bob", "secret", "hunter2", "carol", "dave") if word in paths]


def test_the_profilers_own_objects_are_not_counted(module: Make) -> None:
    app = module("app", "A = []")
    app.census = Census()
    assert set(census_of()) == {"app.A"}


# ---- budgets and other threads ------------------------------------------------------------------


def test_the_walk_keeps_its_budget_of_nodes(module: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_module, "NODES_AT_MOST", 50)
    module("app", "A = [[n] for n in range(30)]\nB = [[n] for n in range(30)]\nC = [[n] for n in range(30)]")
    found, complete, _ = Census().take()
    assert not complete
    assert len(found) < 60


def test_the_walk_keeps_its_budget_of_time(module: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_module, "TIME_AT_MOST_NS", -1)
    module("app", "\n".join(f"A{n} = [[{n}]]" for n in range(500)))
    _, complete, _ = Census().take()
    assert not complete


def test_the_walk_keeps_its_budget_of_containers(module: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_module, "_CONTAINERS_AT_MOST", 10)
    module("app", "\n".join(f"A{n} = []" for n in range(50)))
    found, complete, _ = Census().take()
    assert len(found) <= 10
    assert not complete


def test_a_chain_is_followed_to_a_bounded_depth(module: Make) -> None:
    module("app", "A = []\nhead = A\nfor _ in range(10_000):\n    head.append([]); head = head[0]\ndel head")
    assert 3 < len(census_of()) < 10


def test_other_threads_may_change_everything_meanwhile(module: Make) -> None:
    app = module(
        "app",
        """
        DATA, ITEMS, SET = {}, [], set()
        class C: pass
        c = C()
        def f(): ...
        """,
    )
    stop = threading.Event()

    def churn() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            for step in range(20):
                app.DATA[number, step] = [step]
                app.ITEMS.append([step])
                app.SET.add(step + number)
                setattr(app.c, f"a{step + number % 7}", [])
                setattr(app.f, f"a{step + number % 7}", [])
                setattr(app, f"g{step + number % 7}", [])
            app.DATA.clear(), app.ITEMS.clear(), app.SET.clear()
            app.c.__dict__.clear()
            app.f.__dict__.clear()

    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        census = Census()
        for _ in range(100):
            found, _, _ = census.take()
            for item in found:
                for container in item.grown:
                    newest_entries(container, 8)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(switch_s)


def test_newest_entries_come_from_the_end() -> None:
    assert newest_entries({1: "a", 2: "b", 3: "c"}, 2) == ["c", 3, "b", 2]
    assert newest_entries([1, 2, 3], 2) == [3, 2]
    assert newest_entries({5}, 4) == [5]
    assert newest_entries((1, 2)) == []


def test_what_entries_share_is_sized_once() -> None:
    template = "x" * 100_000
    shared = estimated_bytes([[template] for _ in range(8)])
    assert shared < 8 * 100_000 / 2


def test_a_cache_names_its_function(module: Make) -> None:
    module("app", "import functools\n@functools.lru_cache(maxsize=None)\ndef price(sku): return sku")
    found = census_of()["app.price"]
    assert found.code is not None
    assert (found.code.co_name, found.code.co_firstlineno) == ("price", 2)


def test_a_cache_without_a_bound_is_sized(module: Make) -> None:
    code = """
        import functools

        @functools.cache
        def endless(n): return "x" * 1000 + str(n)

        @functools.lru_cache(maxsize=10)
        def bounded(n): return "x" * 1000 + str(n)
    """
    app = module("app", code)
    for number in range(10):
        app.endless(number)
        app.bounded(number)
    found = census_of()
    assert found["app.endless"].bytes is not None
    assert 10_000 < found["app.endless"].bytes < 15_000
    assert found["app.bounded"].bytes is None


def test_inner_containers_are_counted_where_there_are_many(module: Make) -> None:
    """A dict of lists that itself stays as it is, and whose lists grow."""
    app = module("app", "SHARDS = {number: [] for number in range(100)}")
    census = Census()
    sizes = []
    for number in range(8):
        app.SHARDS[number].extend("ab")
        found = {item.path: item for item in census.take()[0]}
        sizes.append(found["app.SHARDS[]"].entries if "app.SHARDS[]" in found else None)
    assert sizes[-3:] == [12, 14, 16]
    assert found["app.SHARDS"].entries == 100
    assert found["app.SHARDS[]"].type == "list"


def test_a_name_that_is_given_ever_longer_values(module: Make) -> None:
    app = module(
        "app",
        """
        PAIRS, TEXT, FIXED, SHORT = (1, 2), "x" * 300, tuple(range(100)), "abc"
        SETS = [frozenset({1})]
        """,
    )
    census = Census()
    assert census_of(census=census).keys() == {"app.SETS"}
    app.PAIRS += (3,)
    app.TEXT += "yy"
    app.SHORT += "d"
    app.SETS[0] = frozenset({1, 2})
    found = census_of(census=census)
    assert {path: item.entries for path, item in found.items() if item.suspected} == {
        "app.PAIRS": 3,
        "app.TEXT": 302,
    }
    # Once it has changed it is told every time.
    found = census_of(census=census)
    assert found["app.PAIRS"].type == "tuple"
    assert found["app.TEXT"].bytes is not None


def test_what_a_context_variable_holds(module: Make) -> None:
    app = module(
        "app",
        """
        import contextvars
        SPANS = contextvars.ContextVar("spans")
        TRAIL = contextvars.ContextVar("trail")
        ODD = contextvars.ContextVar("jane@example.org")
        """,
    )

    def run() -> list[dict[str, Found]]:
        census = Census()
        app.SPANS.set([1, 2])
        app.ODD.set([1])
        seen = []
        for length in (2, 3, 3):
            app.TRAIL.set(tuple(range(length)))
            seen.append({item.path: item for item in census.take()[0] if "contextvars." in item.path})
        return seen

    first, _, last = contextvars.copy_context().run(run)
    assert {path: item.entries for path, item in first.items()} == {"contextvars.spans": 2}
    assert {path: item.entries for path, item in last.items()} == {
        "contextvars.spans": 2,
        "contextvars.trail": 3,
    }
