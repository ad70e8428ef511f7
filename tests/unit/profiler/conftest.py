"""Fixtures of the function side."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.profiler.helpers import load_module


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """No variable of the machine that runs the tests has a say in them."""
    for name in list(os.environ):
        if name.startswith(("PROFILER_", "AWS_", "_X_AMZN")):
            monkeypatch.delenv(name)
    caplog.set_level(logging.WARNING, "profiler")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], ModuleType]]:
    """Make modules from source, as a function's own code stands on disk.

    The census takes the tests' own modules for the function's, too; a slow machine must not cut it short.
    """
    monkeypatch.setattr("profiler.memory.walk.TIME_AT_MOST_NS", 10_000_000_000)
    monkeypatch.setattr("profiler.memory.walk.NODES_AT_MOST", 1_000_000)
    made: list[str] = []

    def make(name: str, code: str) -> ModuleType:
        made.append(name)
        return load_module(name, code, tmp_path)

    yield make
    for name in made:
        sys.modules.pop(name, None)
