"""Open a profile's page from `file://`, as a person would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from tests.page.page import Page
from viewer.profile import Profile
from viewer.renderers.html import render


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
        return Page(browser)

    return open_it
