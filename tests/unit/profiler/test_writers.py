"""Which lines fill a container, read from the code on every interpreter."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from profiler.memory.codenames import CodeNames, codes_of
from profiler.memory.roots import OwnModules
from profiler.memory.writers import Writers

Make = Callable[[str, str], ModuleType]

CODE = """\
import functools
PRICES = {}
ITEMS = []
UNUSED = []
def lookup(key):
    if key not in PRICES:
        PRICES[key] = 1
    return PRICES[key]
def note(item):
    ITEMS.append(item)
class Store:
    def __init__(self):
        self.cache = {}
    def put(self, key, value):
        self.cache[key] = value
    @staticmethod
    def static(x, kept=[]):
        kept.extend([x])
    @property
    def prop(self):
        self.seen.add(1)
store = Store()
def default(x, seen=[]):
    seen.append(x)
def make():
    memo = {}
    def inner(x):
        memo[x] = x
    return inner
remember = make()
def decorator(f):
    @functools.wraps(f)
    def wrapper(*a): return f(*a)
    return wrapper
@decorator
def decorated(x):
    PRICES.setdefault(x, 1)
def long_call(x):
    ITEMS.extend(
        [x,
         x])
async def waiting(x):
    ITEMS.insert(0, x)
"""


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("app.PRICES", [("lookup", 7), ("decorated", 37)]),
        ("app.ITEMS", [("note", 10), ("long_call", 39), ("waiting", 43)]),
        ("app.UNUSED", []),
        ("app.store.cache", [("put", 15)]),
        ("app.Store.static(kept=)", [("static", 18)]),
        ("app.default(seen=)", [("default", 24)]),
        ("app.remember<memo>", [("inner", 28)]),
        ("app.PRICES[]", [("lookup", 7), ("decorated", 37)]),
        ("app.odd.seen", [("prop", 21)]),
        ("app.nothing.here", []),
        ("elsewhere.X", []),
        ("", []),
    ],
)
def test_the_writing_lines(module: Make, path: str, lines: list[Any]) -> None:
    app = module("app", CODE)
    writers = Writers(OwnModules())
    found: list[Any] = []
    for _ in range(3):
        found = writers.of(path)
    assert [(frame.name.rpartition(".")[2], frame.line) for frame in found] == lines
    assert all(frame.file == app.__file__ for frame in found)


def test_the_look_waits_for_the_third_growth_and_is_kept(
    module: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    module("app", CODE)
    writers = Writers(OwnModules())
    assert writers.of("app.ITEMS") == []
    assert writers.of("app.ITEMS") == []
    found = writers.of("app.ITEMS")
    assert found
    monkeypatch.setattr(writers, "_look", lambda path: 1 / 0)
    assert writers.of("app.ITEMS") is found


def test_the_module_with_the_longest_name_owns_the_path(module: Make) -> None:
    module("app", "def f(x):\n    A.append(x)\n")
    inner = module("app.inner", "A = []\ndef g(x):\n\n    A.append(x)\n")
    writers = Writers(OwnModules())
    for _ in range(3):
        found = writers.of("app.inner.A")
    assert [(frame.file, frame.line) for frame in found] == [(inner.__file__, 4)]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (7, "lookup"),
        (15, "put"),
        (18, "static"),
        (21, "prop"),
        (28, "inner"),
        (37, "decorated"),
        (2, "<module>"),
    ],
)
def test_lines_have_the_name_of_their_function(module: Make, line: int, name: str) -> None:
    app = module("app", CODE)
    assert CodeNames().name(str(app.__file__), line).rpartition(".")[2] == name


def test_a_file_nobody_imported_has_no_names() -> None:
    assert CodeNames().name("/nowhere/app.py", 3) == "<module>"


def test_naming_a_line_imports_no_lazy_module(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError("imported by being looked at")

    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    assert CodeNames().name("/nowhere/app.py", 3) == "<module>"


def test_odd_things_in_a_namespace_are_passed_over(module: Make) -> None:
    app = module(
        "app",
        """
        class Loud:
            def __getattr__(self, name): raise RuntimeError(name)
        loud = Loud()
        class Recursive: pass
        Recursive.me = Recursive
        def f(): ...
        f.__wrapped__ = f
        """,
    )
    assert [name.rpartition(".")[2] for _, name in codes_of(app, str(app.__file__))]
