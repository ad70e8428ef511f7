"""Links to sources, and their text, in the page."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.page.page import Page
from tests.page.sample import order_service
from viewer.renderers.html import render
from viewer.sources import SourceLinks, SourceTexts


def opened(browser: WebDriver, folder: Path, html: str) -> Page:
    (folder / "page.html").write_text(html, encoding="utf-8")
    browser.get((folder / "page.html").as_uri())
    return Page(browser, folder)


def test_locations_are_links(browser: WebDriver, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, render(order_service(), SourceLinks("https://host/{path}#L{line}")))
    links = page.browser.find_elements(By.CSS_SELECTOR, "#functions td.location a")
    assert {link.get_attribute("href") for link in links} == {
        "https://host/app.py#L10",
        "https://host/app.py#L20",
        "https://host/tree.py#L3",
    }
    assert {link.get_attribute("rel") for link in links} == {"noopener noreferrer"}
    page.click_picture(0.4, 2)
    link = page.browser.find_element(By.CSS_SELECTOR, "#detail-location a")
    assert link.get_attribute("href") == "https://host/app.py#L20"


def test_the_text_is_shown_with_its_line_marked(browser: WebDriver, tmp_path: Path) -> None:
    lines = [f"line {number} </script><b>" for number in range(1, 41)]
    texts = SourceTexts(["\n".join(lines)], {1: (0, 20)})
    page = opened(browser, tmp_path, render(order_service(), None, texts))
    page.click_picture(0.4, 2)
    page.focus_picture()
    page.press("s")
    marked = page.browser.find_element(By.CSS_SELECTOR, "#source li[aria-current]")
    assert marked.text == lines[19]
    assert marked.is_displayed()
    assert page.run("return document.querySelectorAll('#source b').length") == 0
    page.press(Keys.ESCAPE)
    assert not page.element("source").is_displayed()
    page.browser.find_element(By.CSS_SELECTOR, "#detail-location button").click()
    assert page.element("source").is_displayed()
    page.element("source-close").click()
