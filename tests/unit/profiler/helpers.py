"""Small things that the tests of the function side share."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

from profiler.capture import Capture
from profiler.codec import decode
from profiler.errors import StoreError
from profiler.keys import CaptureKey

ROOT = Path(__file__).parents[3]


class MemorySink:
    """A sink that keeps captures in a list; `failing` makes it refuse them."""

    def __init__(self, *, failing: bool = False) -> None:
        self.failing = failing
        self.stored: list[tuple[CaptureKey, bytes]] = []

    def put(self, key: CaptureKey, data: bytes) -> None:
        if self.failing:
            raise StoreError("the store is shut")
        self.stored.append((key, data))

    def check(self) -> None:
        if self.failing:
            raise StoreError("the store is shut")

    @property
    def captures(self) -> list[Capture]:
        return [decode(data) for _, data in self.stored]


class Context:
    """A Lambda context with as much as the profiler reads of it."""

    function_name = "shop"
    function_version = "7"
    aws_request_id = "5f3c-request"
    memory_limit_in_mb = "256"
    log_stream_name = "2025/01/01/[$LATEST]abc"

    def __init__(self, remaining_s: float = 60.0) -> None:
        self._remaining_s = remaining_s

    def get_remaining_time_in_millis(self) -> int:
        return round(self._remaining_s * 1000)


def run_python(code: str, *, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh interpreter with a bare environment."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **environ},
        check=False,
    )


def load_module(name: str, code: str, folder: Path) -> ModuleType:
    """Return a module made from source in a file, as a function's own code stands on disk.

    The caller removes it from `sys.modules`.
    """
    path = folder / f"{name.rpartition('.')[2]}.py"
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    return module


def names_of(capture: Capture) -> set[str]:
    """Return the function names in the stacks of a capture's threads."""
    return {
        capture.frames[index].name for thread in capture.threads for stack in thread.stacks for index in stack
    }


class Untouchable:
    """An object whose every special method is a witness: asking it anything is noted."""

    asked: list[str]

    def __init__(self) -> None:
        object.__setattr__(self, "asked", [])

    def __getattribute__(self, name: str) -> Any:
        object.__getattribute__(self, "asked").append(name)
        raise RuntimeError(f"the profiler asked for {name}")


def asked(value: Any) -> list[str]:
    return list(object.__getattribute__(value, "asked"))
