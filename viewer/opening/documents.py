"""What a site is made of: our own page, or speedscope's release with the profile beside it."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import NamedTuple

from viewer.opening.site import Document
from viewer.profile import Profile
from viewer.renderers import rendered

PROFILE = "profile.speedscope.json"
# Its own scripts, the WebAssembly with which it reads Java's files, styles that it computes; no other site.
_SPEEDSCOPE_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The rest stands in the page itself.
_PAGE_POLICY = "frame-ancestors 'none'"
# What mimetypes knows of these depends on the machine.
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}


class Opened(NamedTuple):
    """A site's documents and policy, and the fragment that its page is opened with."""

    documents: dict[str, Document]
    policy: str
    fragment: str = ""


def page(profile: Profile) -> Opened:
    """Return our own page of a profile."""
    html = rendered("html", profile)
    return Opened({"": Document(html, _MEDIA_TYPES[".html"])}, _PAGE_POLICY)


def speedscope(profile: Profile, release: Path) -> Opened:
    """Return speedscope with a profile; what was merged is shown left-heavy, for it has no order in time."""
    documents = {
        file.name: Document(file.read_bytes(), _media_type(file))
        for file in sorted(release.iterdir())
        if file.is_file()
    }
    documents[""] = documents["index.html"]
    json = rendered("speedscope", profile)
    documents[PROFILE] = Document(json, _MEDIA_TYPES[".json"])
    view = "time-ordered" if any(lane.ordered for lane in profile.lanes) else "left-heavy"
    return Opened(documents, _SPEEDSCOPE_POLICY, f"#profileURL={PROFILE}&view={view}")


def _media_type(file: Path) -> str:
    known = _MEDIA_TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
    return known or "application/octet-stream"
