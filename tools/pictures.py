"""Draw the pictures of the README: profile the sample service for real, open its page, photograph it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser import chromium  # noqa: E402
from tools import terminal_picture  # noqa: E402


def main() -> None:
    """Write docs/*.png."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PROFILER_")}
        demo = [sys.executable, "-m", "profiler", "demo"]
        subprocess.run(demo, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
        with chromium(1280, 900) as browser:
            browser.get(Path(folder, "flamegraph.html").as_uri())
            browser.execute_script("flamegraph.showView('order')")
            height = browser.execute_script(
                "return document.getElementById('stage').getBoundingClientRect().bottom"
            )
            browser.set_window_rect(0, 0, 1280, int(height) + 420)
            browser.execute_async_script("setTimeout(arguments[0], 300)")
            browser.save_screenshot(str(ROOT / "docs" / "flamegraph.png"))
            slowest = max(Path(folder).rglob("*.speedscope.json.gz"), key=lambda path: path.stat().st_size)
            terminal_picture.draw(slowest, browser, ROOT / "docs" / "terminal.png")


if __name__ == "__main__":
    main()
