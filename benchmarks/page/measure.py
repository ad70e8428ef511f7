"""One page in one fresh Chromium: first render, zoom, search, heap."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.chrome.webdriver import WebDriver

from benchmarks.page.pages import Contender
from tests.browser import chromium

PATIENCE_S = 180

# Two frames after the work: the first may still show what was there before.
_PAINTED = "const frame = () => new Promise(requestAnimationFrame); const painted = async () => "
_PAINTED += "{ await frame(); await frame(); };"


@dataclass(frozen=True)
class Measured:
    """Milliseconds and megabytes; None where a page has no such thing, NEVER where it did not come to it."""

    render_ms: float | None
    zoom_ms: float | None
    search_ms: float | None
    heap_mb: float | None


NEVER = float("inf")


def measure(contender: Contender, url: str, pictures: str = "") -> Measured:
    """Open a page and use it as a person would, without animations; pictures go where `pictures` begins."""
    with chromium(1400, 900) as browser:
        browser.set_page_load_timeout(PATIENCE_S)
        browser.set_script_timeout(PATIENCE_S)
        reduced = [{"name": "prefers-reduced-motion", "value": "reduce"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": reduced})
        try:
            browser.get(url)
            render_ms = _timed(
                browser,
                f"const ready = () => {{ {contender.ready} }};"
                f"begun = 0; while (!ready()) await frame(); {contender.begin}",
            )
            zoom_ms = _timed(browser, contender.zoom) if contender.zoom else None
            if pictures:
                browser.save_screenshot(f"{pictures}-zoomed.png")
            search_ms = _timed(browser, contender.search) if contender.search else None
            if pictures:
                browser.save_screenshot(f"{pictures}-searched.png")
            return Measured(render_ms, zoom_ms, search_ms, _heap_mb(browser))
        except (TimeoutException, WebDriverException) as error:
            print(f"{contender.name}: {error.msg:.300}", file=sys.stderr)
            return Measured(NEVER, NEVER, NEVER, NEVER)


def _timed(browser: WebDriver, action: str) -> float:
    """Run an action in the page and return the milliseconds from `begun` until it was painted."""
    answer = browser.execute_async_script(
        f"""
        const done = arguments[arguments.length - 1];
        {_PAINTED}
        (async () => {{
          await painted();
          let begun = performance.now();
          {action}
          await painted();
          return performance.now() - begun;
        }})().then(done, error => done(String(error.stack)));
        """
    )
    if not isinstance(answer, (int, float)):
        raise WebDriverException(str(answer))
    return float(answer)


def _heap_mb(browser: WebDriver) -> float:
    browser.execute_cdp_cmd("HeapProfiler.enable", {})
    browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    usage = browser.execute_cdp_cmd("Runtime.getHeapUsage", {})
    # Typed arrays live outside the JavaScript heap and belong to it all the same.
    return float(usage["usedSize"] + usage.get("backingStorageSize", 0)) / 1e6
