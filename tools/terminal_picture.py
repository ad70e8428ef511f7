"""Draw the picture of docs/terminal.md: the view in a terminal, of a real capture, as textual exports it."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from selenium.webdriver.chrome.webdriver import WebDriver

from viewer.load import load
from viewer.processors import hide_bootstrap
from viewer.profile import Profile
from viewer.tui.app import FlameApp

SIZE = (112, 24)
# textual lets the picture fetch its fonts from elsewhere; the system's own will do.
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")


def draw(capture: Path, browser: WebDriver, target: Path) -> None:
    """Show a capture in a terminal that nobody sees, go to a function, and photograph it."""
    profile = hide_bootstrap(load(capture.read_bytes(), capture.name))
    svg = _FONT_FACE.sub("", asyncio.run(_screenshot(profile)))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "terminal.html")
        file.write_text(f"<!doctype html><meta charset=utf-8><body style='margin:0'>{svg}", encoding="utf-8")
        browser.set_window_rect(0, 0, 1200, 900)
        browser.get(file.as_uri())
        target.write_bytes(browser.find_element("tag name", "svg").screenshot_as_png)


async def _screenshot(profile: Profile) -> str:
    app = FlameApp(profile, sixteen=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("t", "down", "down", "right")
        await pilot.pause()
        return app.export_screenshot(title="viewer flamegraph --terminal")
