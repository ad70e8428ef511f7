"""Which lines write to a container, read from the bytecode: the census names a line without tracing.

`app.PRICES` is written where a line of `app` loads `PRICES` and stores an item or calls `append`, `add`,
`setdefault` and the like. It is a reading of the code, not an observation: a container handed to another
module under another name is filled where this does not look.
"""

from __future__ import annotations

import re
from types import CodeType

from profiler.capture import Frame
from profiler.memory.codenames import codes_of
from profiler.memory.roots import OwnModules

LINES_AT_MOST = 3
# A container grows once during warm-up, and the look costs milliseconds: wait for it to grow again.
_GROWTHS_BEFORE_LOOK = 3
_FILLING_METHODS = frozenset(
    ("append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault", "__setitem__")
)
# The last name in `app.store.items`, `app.f(seen=)`, `app.make<memo>` and `app.SHARDS[]`; where it is a
# local variable, the name of its function stands before it.
_LAST_NAME = re.compile(r"(?:(?P<function>\w+)\((?P<default>\w+)=\)|<(?P<cell>\w+)>|(?P<name>\w+))(?:\[\])*$")


class Writers:
    """Writing lines by container path; each path is looked up once."""

    def __init__(self, own_modules: OwnModules) -> None:
        self._own_modules = own_modules
        self._growths: dict[str, int] = {}
        self._known: dict[str, list[Frame]] = {}

    def of(self, path: str) -> list[Frame]:
        """Return the lines that write to the container at a path; call it when it has grown."""
        if path not in self._known:
            growths = self._growths[path] = self._growths.get(path, 0) + 1
            if growths < _GROWTHS_BEFORE_LOOK:
                return []
            self._known[path] = self._look(path)
        return self._known[path]

    def _look(self, path: str) -> list[Frame]:
        owners = [item for item in self._own_modules.list() if path.startswith(f"{item[0]}.")]
        match = _LAST_NAME.search(path)
        if not owners or match is None:
            return []
        module = max(owners, key=lambda item: len(item[0]))[1]
        file = getattr(module, "__file__", "")
        # By line: a nested function that a global holds, too, is found twice.
        frames: dict[int, Frame] = {}
        for code, function in codes_of(module, file):
            name = _name_in(code, match)
            if name:
                for line in _writing_lines(code, name):
                    frames.setdefault(line, Frame(function, file, line))
        return list(frames.values())[:LINES_AT_MOST]


def _name_in(code: CodeType, match: re.Match[str]) -> str | None:
    """Return the container's name where the code can mean it: a global or attribute, a default, a cell."""
    if default := match["default"]:
        own = code.co_name == match["function"]
        return default if own and default in (*code.co_varnames, *code.co_cellvars) else None
    if cell := match["cell"]:
        return cell if cell in (*code.co_freevars, *code.co_cellvars) else None
    return match["name"] if match["name"] in code.co_names else None


def _writing_lines(code: CodeType, name: str) -> list[int]:
    """Return the lines of a function on which `name` is loaded and something is put into it."""
    import dis

    loaded: set[int] = set()
    written: set[int] = set()
    starts = {offset: line for offset, _, line in code.co_lines() if line is not None}
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = starts.get(instruction.offset, line)
        operation = instruction.opname
        if operation.startswith("LOAD_") and _named(instruction.argval, name):
            loaded.add(line)
        elif operation == "STORE_SUBSCR" or instruction.argval in _FILLING_METHODS:
            written.add(line)
    return sorted(loaded & written)


def _named(argument: object, name: str) -> bool:
    # LOAD_FAST_LOAD_FAST (3.13) carries two names.
    return argument == name or (isinstance(argument, tuple) and name in argument)
