"""A profile as a picture, PNG: the SVG, photographed by the Chromium or Chrome of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from profiler.errors import ProfilerError
from viewer.profile import Profile
from viewer.renderers import svg

# Twice the pixels, for screens that have them; up to the size that a browser still draws in one piece.
_SCALE = 2
_MOST_PIXELS = 16_000
_PATIENCE_S = 60
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_ELSEWHERE = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
}
_SIZE = re.compile(r'<svg [^>]*width="(\d+)" height="(\d+)"')


def render(profile: Profile) -> bytes:
    """Return the picture at twice its size.

    Raises:
        ProfilerError: there is no Chromium, or it drew nothing.
    """
    browser = find_browser()
    picture = svg.render(profile)
    with tempfile.TemporaryDirectory(prefix="viewer-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "picture.svg", folder / "picture.png"
        source.write_text(picture, encoding="utf-8")
        command = [browser, *_flags(picture, folder), f"--screenshot={target}", source.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProfilerError(f"PNG: {browser} did not draw the picture ({error}); try --to svg") from error
        if not target.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason given"]
            raise ProfilerError(f"PNG: {browser} drew nothing ({said[0]:.120}); try --to svg")
        return target.read_bytes()


def find_browser() -> str:
    """Return the path of a Chromium, Chrome or Edge.

    Raises:
        ProfilerError: there is none.
    """
    for found in _browsers():
        return found
    raise ProfilerError(
        "PNG needs Chromium or Chrome, and there is none on the PATH: "
        "install it (Debian: apt-get install chromium), or write --to svg, which needs nothing"
    )


def _browsers() -> Iterator[str]:
    yield from filter(None, map(shutil.which, _NAMES))
    yield from (path for path in _ELSEWHERE.get(sys.platform, ()) if Path(path).is_file())


def _flags(picture: str, folder: Path) -> list[str]:
    match = _SIZE.search(picture)
    assert match is not None
    width, height = map(int, match.groups())
    scale = _SCALE if max(width, height) * _SCALE <= _MOST_PIXELS else 1
    flags = [
        "--headless=new",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width},{height}",
        f"--force-device-scale-factor={scale}",
    ]
    # Chromium refuses root a sandbox; what it draws is ours, and holds no script.
    return [*flags, "--no-sandbox"] if _is_root() else flags


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
