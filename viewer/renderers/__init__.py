"""What a profile can be drawn or written as. Each renderer is one function: Profile → text, or bytes."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from viewer.profile import Profile

Renderer = Callable[[Profile], str | bytes]

RENDERERS = {
    "html": "viewer.renderers.html:render",
    "text": "viewer.renderers.text:render",
    "collapsed": "viewer.renderers.collapsed:render",
    "pprof": "viewer.renderers.pprof:render",
    "chrome": "viewer.renderers.chrome:render",
    "callgrind": "viewer.renderers.callgrind:render",
    "svg": "viewer.renderers.svg:render",
    "speedscope": "viewer.renderers.speedscope:render",
}


def renderer(name: str) -> Renderer:
    """Import and return a renderer of the registry."""
    module, _, function = RENDERERS[name].partition(":")
    render: Renderer = getattr(importlib.import_module(module), function)
    return render


def rendered(name: str, profile: Profile) -> bytes:
    """Return what a renderer makes of a profile, a text in UTF-8."""
    made = renderer(name)(profile)
    return made if isinstance(made, bytes) else made.encode("utf-8", "backslashreplace")
