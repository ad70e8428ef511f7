"""The flame graph page: ES modules, a style sheet and a template, put together as one file.

The modules are files of their own and run as such; here they become one script, because a page opened from
`file://` may not import. That needs no JavaScript tool as long as they keep to a convention that the tests
check: named imports from `./x.js` without aliases, no default exports, no name used twice at top level.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib import resources
from typing import Any

_ENTRY = "app.js"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)


def source(name: str) -> str:
    """Return one of the page's files."""
    return resources.files("viewer.page").joinpath(name).read_text(encoding="utf-8")


@cache
def script() -> str:
    """Return all modules as one script, each after those that it imports."""
    parts: dict[str, str] = {}
    _collect(_ENTRY, parts)
    return "\n".join(parts.values())


def _collect(name: str, parts: dict[str, str]) -> None:
    if name in parts:
        return
    text = source(name)
    for _, imported in _IMPORT.findall(text):
        _collect(imported, parts)
    parts[name] = _EXPORT.sub("", _IMPORT.sub("", text))


def assemble(document: dict[str, Any]) -> str:
    """Return the page for a document, self-contained and allowed nothing but its own script and style."""
    style = source("style.css")
    values = {
        "{script_hash}": _csp_hash(script()),
        "{style_hash}": _csp_hash(style),
        "{style}": style,
        "{data}": _inert_json(document),
        "{script}": script(),
    }
    # One pass, so that nothing inside a value is taken for a placeholder.
    return re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], source("page.html"))


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inert_json(document: dict[str, Any]) -> str:
    """Return JSON that cannot end its script element, open a comment or break a line."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
