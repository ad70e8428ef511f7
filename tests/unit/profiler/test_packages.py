"""Which containers of packages are told, from when on, and within which budget."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from profiler.memory import packages as packages_module
from profiler.memory.packages import Packages, Reading
from profiler.memory.roots import OwnModules

CODE = """
import collections, functools

CACHE = {}
SMALL = collections.deque(maxlen=100)
FIXED = [1, 2, 3]

class Client:
    registry = []
    def __init__(self):
        self.pending = set()
        self.maxsize = 50
        self.ttl = 3

CLIENT = Client()

@functools.lru_cache(maxsize=10)
def cached(n): return n

@functools.cache
def endless(n): return n

def grow(n):
    CACHE[n] = n
    SMALL.append(n)
    Client.registry.append(n)
    CLIENT.pending.add(n)
    cached(n)
    endless(n)
"""


@pytest.fixture
def package() -> Iterator[ModuleType]:
    module = ModuleType("shop_sdk")
    sys.modules["shop_sdk"] = module
    exec(CODE, vars(module))
    yield module
    del sys.modules["shop_sdk"]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages_module, "SLICE_NS", 10**12)


def told(packages: Packages) -> dict[str, Reading]:
    return {one.path: one for one in packages.take()[0] if one.path.startswith("shop_sdk.")}


def test_what_grows_is_told_from_the_second_pass_on(package: ModuleType) -> None:
    packages = Packages(OwnModules())
    package.grow(0)
    assert told(packages) == {}
    package.grow(1)
    found = told(packages)
    assert {path: one.entries for path, one in found.items()} == {
        "shop_sdk.CACHE": 2,
        "shop_sdk.SMALL": 2,
        "shop_sdk.Client.registry": 2,
        "shop_sdk.CLIENT.pending": 2,
        "shop_sdk.cached": 2,
        "shop_sdk.endless": 2,
    }
    assert found["shop_sdk.CACHE"].type == "dict"
    assert found["shop_sdk.CACHE"].bound is None
    assert found["shop_sdk.SMALL"].bound == 100
    assert found["shop_sdk.cached"].bound == 10
    assert (found["shop_sdk.CLIENT.pending"].bound, found["shop_sdk.CLIENT.pending"].expires) == (50, True)
    # No pass is due, but a suspect is read with every capture.
    package.grow(2)
    assert told(packages)["shop_sdk.CACHE"].entries == 3


def test_passes_are_due_at_doublings(package: ModuleType) -> None:
    packages = Packages(OwnModules())
    looked = []
    for _ in range(40):
        looked.append(packages.take()[1] > 0)
    assert [index + 1 for index, has in enumerate(looked) if has] == [1, 2, 4, 8, 16, 32]


def test_a_pass_is_cut_into_slices(package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages_module, "SLICE_NS", 1)
    monkeypatch.setattr(packages_module, "FIRST_SLICE_NS", 1)
    packages = Packages(OwnModules())
    nodes = [packages.take()[1] for _ in range(10)]
    assert all(0 <= count < 5_000 for count in nodes)
    assert sum(count > 0 for count in nodes) >= 5


def test_what_is_no_longer_there_is_not_told(package: ModuleType) -> None:
    packages = Packages(OwnModules())
    packages.take()
    package.grow(1)
    assert "shop_sdk.CACHE" in told(packages)
    del package.CACHE
    package.CLIENT = None
    found = told(packages)
    assert "shop_sdk.CACHE" not in found
    assert "shop_sdk.CLIENT.pending" not in found
    sys.modules["shop_sdk"] = ModuleType("shop_sdk")
    assert told(packages) == {}


def test_odd_things_in_sys_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "lazy_package", Lazy("lazy_package"))
    monkeypatch.setitem(sys.modules, "none_package", None)
    packages = Packages(OwnModules())
    for _ in range(4):
        packages.take()


def test_there_are_not_too_many_suspects(package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages_module, "SUSPECTS_AT_MOST", 2)
    packages = Packages(OwnModules())
    packages.take()
    package.grow(1)
    packages.take()
    assert len(packages._suspects) == 2
