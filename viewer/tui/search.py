"""Which frames a search matches. The page's search understands the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from profiler.capture import Frame
from viewer.modules import classify
from viewer.renderers.text import location

Test = Callable[[str], bool]
# For each frame whether it matches; None where nothing is sought.
Matches = Sequence[bool] | None


class BadPattern(ValueError):
    """The regular expression is none, perhaps because somebody is still typing it."""


def match_frames(frames: Sequence[Frame], query: str) -> Matches:
    """Return for each frame whether it matches; None for no query.

    Plain text in any case is sought in name, location and module, as is /a regular expression/. "a name in
    quotes" is that function alone, module:name that module alone.

    Raises:
        BadPattern: with what is wrong with the expression.
    """
    if not query:
        return None
    if query.startswith("module:") and len(query) > len("module:"):
        return [classify(frame.file)[1] == query[len("module:") :] for frame in frames]
    if len(query) > 2 and query[0] == query[-1] == '"':
        return [frame.name == query[1:-1] for frame in frames]
    matches = _text_test(query)
    return [
        matches(frame.name) or matches(location(frame)) or matches(classify(frame.file)[1])
        for frame in frames
    ]


def _text_test(query: str) -> Test:
    if query.startswith("/") and len(query) > 1:
        pattern = query[1:-1] if query.endswith("/") and len(query) > 2 else query[1:]
        try:
            expression = re.compile(pattern, re.IGNORECASE)
        except (re.error, OverflowError, RecursionError) as error:
            raise BadPattern(str(error)) from None
        return lambda text: expression.search(text) is not None
    wanted = query.casefold()
    return lambda text: wanted in text.casefold()
