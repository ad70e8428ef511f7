"""Where functions are written: links into a repository, and the text of the own code for the page itself.

Captures are untrusted: a file's name in one must not make a link that runs something, nor lead out of the
folder whose sources were asked for.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from profiler.capture import Frame
from profiler.errors import SelectionError
from viewer.modules import OWN, classify, short_file
from viewer.profile import Profile

# Text beyond this would make a page that nobody can send.
MOST_FILE_BYTES = 1 << 20
MOST_BYTES = 16 << 20
_FIELDS = {"path", "file", "line", "function"}


@dataclass(frozen=True, slots=True)
class SourceLinks:
    """A template of links: `{path}` is a file as the page shows it, `{file}` as the capture holds it.

    With `{path}` only the own code has links: it is what lies in the repository.
    """

    template: str

    def __post_init__(self) -> None:
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(self.template) if name is not None}
            self.template.format_map(dict.fromkeys(_FIELDS, ""))
        except (ValueError, LookupError, AttributeError):
            used = {""}
        scheme = urlsplit(self.template).scheme
        if not used or not used <= _FIELDS or not scheme or "{" in scheme or scheme in ("javascript", "data"):
            raise SelectionError(
                f"--source-url {self.template!r:.80} is no address with {{path}} or {{file}}, and {{line}}: "
                "give one like https://github.com/me/shop/blob/main/{path}#L{line}"
            )

    def of(self, frame: Frame) -> str | None:
        """Return the link of a frame, or None where it has no place there."""
        category = classify(frame.file)[0]
        if not frame.file or frame.file.startswith("<") or (category != OWN and "{path}" in self.template):
            return None
        return self.template.format_map(
            {
                "path": quote(short_file(frame.file)),
                "file": quote(frame.file.replace("\\", "/"), safe="/:"),
                "line": str(max(frame.line, 1)),
                "function": quote(frame.name, safe=""),
            }
        )


@dataclass(slots=True)
class SourceTexts:
    """Texts of the own code, and where in them a frame is: frame index → (text, line)."""

    texts: list[str] = field(default_factory=list)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)


def read_sources(profile: Profile, folder: Path) -> SourceTexts:
    """Return the Python files below `folder` in which the profile's frames are.

    A file is sought under the name that the page shows (`/var/task/app.py` is `app.py`), and as it stands.
    """
    root = folder.resolve()
    found = SourceTexts()
    known: dict[str, int | None] = {}
    left = MOST_BYTES
    for index, frame in enumerate(profile.frames):
        if classify(frame.file)[0] != OWN:
            continue
        if frame.file not in known:
            text = _text_of(frame.file, root, min(left, MOST_FILE_BYTES))
            known[frame.file] = None if text is None else len(found.texts)
            if text is not None:
                found.texts.append(text)
                left -= len(text.encode())
        place = known[frame.file]
        if place is not None:
            found.places[index] = (place, max(frame.line, 1))
    return found


def _text_of(file: str, root: Path, limit: int) -> str | None:
    for name in (short_file(file), file):
        try:
            path = (root / name).resolve()
            if path.suffix == ".py" and path.is_relative_to(root) and path.stat().st_size <= limit:
                return path.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):  # not there, or no name at all
            continue
    return None
