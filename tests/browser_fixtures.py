"""Fixtures around one Chromium for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[WebDriver]:
    """Return a headless Chromium, shared by all tests."""
    with chromium() as driver:
        yield driver
