"""What a file belongs to: the own code, an installed package, the standard library, the interpreter."""

from __future__ import annotations

import os
import re
from functools import lru_cache

OWN, PACKAGE, STDLIB, FROZEN, NATIVE = "own", "package", "stdlib", "frozen", "native"

# Where packages live: virtual environments, Debian, Lambda layers and the runtime's own client. The last such
# folder of a path counts: a layer may hold python/lib/python3.12/site-packages.
_PACKAGES = re.compile(r"^(?:.*/)?(?:site-packages|dist-packages|opt/python|var/runtime)/(.+)$")
# .../lib/python3.12/json/__init__.py; on Windows ...\Lib\json\__init__.py
_STDLIB = re.compile(r"(?:^|/)(?:lib(?:64)?/python3(?:\.\d+)?|[A-Za-z]:/.*/Lib)/(.+)$")
_TASK_ROOT = "/var/task/"


@lru_cache(maxsize=4096)
def classify(file: str) -> tuple[str, str]:
    """Return (category, module) of a file: the package's name, the library's, or the own module's."""
    if not file or file.startswith("<"):
        return (FROZEN, "frozen") if file.startswith("<frozen") else (NATIVE, "native")
    path = file.replace("\\", "/")
    package = _PACKAGES.search(path)
    if package is not None:
        return PACKAGE, _first_name(package[1])
    library = _STDLIB.search(path)
    if library is not None:
        return STDLIB, _first_name(library[1])
    return OWN, _first_name(short_file(path).rpartition("/")[2])


@lru_cache(maxsize=4096)
def short_file(file: str) -> str:
    """Return a file as it is spoken of: `app.py`, `boto3/session.py`, `json/decoder.py`."""
    path = file.replace("\\", "/")
    for pattern in (_PACKAGES, _STDLIB):
        match = pattern.search(path)
        if match is not None:
            return match[1]
    here = os.getcwd().replace("\\", "/").rstrip("/") + "/"
    for root in (_TASK_ROOT, here):
        if path.startswith(root):
            return path[len(root) :]
    # A path of another machine: its last two parts say enough.
    return "/".join(path.split("/")[-2:]) if path.startswith("/") else path


def _first_name(path: str) -> str:
    first = path.partition("/")[0]
    return first.removesuffix(".py").removesuffix(".pyc") or "?"
