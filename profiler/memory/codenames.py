"""Which function a line belongs to: tracemalloc knows files and lines, people know names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType


class CodeNames:
    """Names of functions by file and line, from the code objects of loaded modules.

    A file is looked through once, when it is first asked for; nothing is imported and nothing read
    from disk.
    """

    def __init__(self) -> None:
        self._files: dict[str, list[tuple[int, int, str]]] = {}
        self._modules: dict[str, ModuleType] = {}

    def name(self, file: str, line: int) -> str:
        """Return the qualified name of the innermost function around a line, else `<module>`."""
        spans = self._files.get(file)
        if spans is None:
            spans = self._files[file] = self._spans(file)
        best = (0, sys.maxsize, "<module>")
        for span in spans:
            if span[0] <= line <= span[1] and span[1] - span[0] < best[1] - best[0]:
                best = span
        return best[2]

    def _spans(self, file: str) -> list[tuple[int, int, str]]:
        module = self._modules.get(file)
        if module is None:
            # type(), and not a look at the attribute: a lazy module would import itself to answer.
            self._modules = {
                path: module
                for module in list(sys.modules.values())
                if type(module) is ModuleType and isinstance(path := vars(module).get("__file__"), str)
            }
            module = self._modules.get(file)
        if module is None:
            return []
        return [_span(code, name) for code, name in codes_of(module, file)]


def codes_of(module: ModuleType, file: str) -> Iterator[tuple[CodeType, str]]:
    """Yield (code, qualified name) of every function of a module that stands in `file`, nested ones too."""
    for code in _codes_of(vars(module), file, 0):
        yield from _nested(code, "")


def _codes_of(namespace: object, file: str, depth: int) -> Iterator[CodeType]:
    """Yield the code of the functions in a module's or a class's namespace that stand in `file`."""
    if depth > 3:
        return
    for value in list(dict(namespace).values()):  # type: ignore[call-overload]
        value = getattr(value, "__func__", value) if type(value) in (staticmethod, classmethod) else value
        if type(value) is property:
            value = value.fget
        value = _unwrapped(value)
        if type(value) is FunctionType:
            if value.__code__.co_filename == file:
                yield value.__code__
        elif issubclass(type(value), type):
            yield from _codes_of(vars(value), file, depth + 1)


def _unwrapped(value: object) -> object:
    """Follow `functools.wraps` to the function itself, without asking the object's own `__getattr__`."""
    for _ in range(8):
        if type(value).__module__ != "functools" and type(value) is not FunctionType:
            return value
        inner = getattr(value, "__wrapped__", None)
        if inner is None:
            return value
        value = inner
    return value


def _nested(code: CodeType, prefix: str) -> Iterator[tuple[CodeType, str]]:
    name = getattr(code, "co_qualname", prefix + code.co_name)
    yield code, name
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant, f"{name}.<locals>.")


def _span(code: CodeType, name: str) -> tuple[int, int, str]:
    lines = [line for _, _, line in code.co_lines() if line is not None]
    return code.co_firstlineno, max(lines, default=code.co_firstlineno), name
