"""Which modules are the function's own: not the standard library, not an installed package, not ours."""

from __future__ import annotations

import os
import sys
import sysconfig
from types import ModuleType

from profiler import own

_PACKAGE_FOLDERS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
# What Lambda puts there is the runtime and the layers.
_LAMBDA_FOLDERS = ("/var/runtime/", "/opt/python/", "/var/lang/")


class OwnModules:
    """The function's own modules, looked up again only when something has been imported."""

    def __init__(self) -> None:
        paths = sysconfig.get_paths()
        self._foreign = (
            *(os.path.join(paths[name], "") for name in ("stdlib", "platstdlib")),
            own.DIRECTORY,
            *_LAMBDA_FOLDERS,
        )
        self._seen_count = -1
        self._modules: list[tuple[str, ModuleType]] = []

    def list(self) -> list[tuple[str, ModuleType]]:
        """Return (name, module) of the own modules, in order of import."""
        if len(sys.modules) != self._seen_count:
            modules = list(sys.modules.items())
            self._seen_count = len(modules)
            self._modules = [(name, module) for name, module in modules if self._is_own(module)]
        return self._modules

    def _is_own(self, module: object) -> bool:
        # type() and not isinstance(): a lazy module may run code when it is asked for its class.
        if type(module) is not ModuleType:
            return False
        file = vars(module).get("__file__")
        if not isinstance(file, str):
            return False
        file = os.path.abspath(file)
        return not (file.startswith(self._foreign) or any(folder in file for folder in _PACKAGE_FOLDERS))
