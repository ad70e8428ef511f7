"""The page opened from `file://`, as a person would, and its modules loaded one by one over loopback."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

import viewer.page
from tests.page.page import Page
from viewer.profile import Profile
from viewer.renderers.html import render

FOLDER = Path(viewer.page.__file__).parent


@pytest.fixture
def open_page(browser: WebDriver, tmp_path: Path) -> Callable[[Profile], Page]:
    """Return a function that draws a profile and opens the page."""

    def open_it(profile: Profile) -> Page:
        file = tmp_path / "page.html"
        file.write_text(render(profile), encoding="utf-8")
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(file.as_uri())
        WebDriverWait(browser, 30).until(
            lambda driver: driver.execute_script("return document.documentElement.dataset.ready === 'true'")
        )
        return Page(browser, tmp_path)

    return open_it


class _Quiet(http.server.SimpleHTTPRequestHandler):
    # A browser opens connections that it then does not use.
    timeout = 2

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the modules on loopback."""
    handler = functools.partial(_Quiet, directory=str(FOLDER))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False  # so that closing waits for them
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def evaluate(browser: WebDriver, site: str) -> Callable[..., Any]:
    """Return a function that evaluates a body with every module's names in scope of `m`."""
    if not browser.current_url.startswith(site):
        browser.get(f"{site}/style.css")

    def run(body: str, *arguments: object) -> Any:
        names = [path.name for path in FOLDER.glob("*.js") if path.name != "app.js"]
        imports = ", ".join(f"import('{site}/{name}')" for name in names)
        answer = browser.execute_async_script(
            f"""
            const done = arguments[arguments.length - 1], given = [...arguments];
            Promise.all([{imports}])
              .then(all => Object.assign({{}}, ...all))
              .then(m => {{ {body} }})
              .then(value => done({{value}}), error => done({{error: String(error.stack)}}));
            """,
            *arguments,
        )
        assert "error" not in answer, answer["error"]
        return answer["value"]

    return run
