"""What a profile can be drawn or written as. Each renderer is one function: Profile → text, or bytes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from viewer.profile import Profile

Renderer = Callable[[Profile], str]
BinaryRenderer = Callable[[Profile], bytes]

RENDERERS = {
    "html": "viewer.renderers.html:render",
    "text": "viewer.renderers.text:render",
    "collapsed": "viewer.renderers.collapsed:render",
    "speedscope": "viewer.renderers.speedscope:render",
    "firefox": "viewer.renderers.firefox:render",
    "chrome": "viewer.renderers.chrome:render",
    "callgrind": "viewer.renderers.callgrind:render",
    "svg": "viewer.renderers.svg:render",
}
BINARY_RENDERERS = {
    "pprof": "viewer.renderers.pprof:render",
    "png": "viewer.renderers.png:render",
}


def renderer(name: str) -> Renderer:
    """Import and return a renderer of RENDERERS."""
    render: Renderer = _loaded(RENDERERS[name])
    return render


def binary_renderer(name: str) -> BinaryRenderer:
    """Import and return a renderer of BINARY_RENDERERS."""
    render: BinaryRenderer = _loaded(BINARY_RENDERERS[name])
    return render


def _loaded(entry: str) -> Any:
    module, _, function = entry.partition(":")
    return getattr(importlib.import_module(module), function)
