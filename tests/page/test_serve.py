"""`viewer serve` in a real browser, as a person uses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.unit.viewer.builders import capture, fill, memory, thread

EVIL = "<img src=x onerror=document.title='broken'>"


def made(count: int, start: int = 1, **of: str) -> list[object]:
    return [
        capture(
            n,
            of={"environment_id": "env-a", **of},
            outcome="error" if n % 7 == 0 else "ok",
            memory=memory(),
            threads=(thread(((0,), 10), ((0, 1), 30 + n % 3)),),
        )
        for n in range(start, start + count)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    fill(tmp_path, made(40))  # type: ignore[arg-type]
    fill(tmp_path, made(3, request_id=EVIL, function_name="other"))  # type: ignore[arg-type]
    return tmp_path


@pytest.fixture
def page(browser: WebDriver, store: Path) -> Iterator[WebDriver]:
    command = [sys.executable, "-m", "viewer", "serve", "--store", str(store)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    browser.get_log("browser")
    browser.get(process.stdout.readline().strip())
    wait(browser, lambda: "40 captured" in text(browser, "live"))
    wait(browser, lambda: "40 invocations in all" in text(browser, "chosen"))
    yield browser
    browser.get("about:blank")
    process.terminate()
    process.wait(10)


def text(page: WebDriver, name: str) -> str:
    return page.find_element(By.ID, name).text


def wait(page: WebDriver, condition: Callable[[], bool]) -> None:
    WebDriverWait(page, 30).until(lambda _: condition())


def click(page: WebDriver, name: str) -> None:
    page.find_element(By.ID, name).click()


def in_the_answer(page: WebDriver, wanted: str) -> bool:
    script = "return document.getElementById('frame').contentDocument?.body?.textContent ?? ''"
    return wanted in page.execute_script(script)


def drag(page: WebDriver, left: float, right: float) -> None:
    """Drag over a part of the picture, by shares of its width."""
    plot = page.find_element(By.ID, "plot")
    width, height = plot.size["width"], plot.size["height"]
    across = int(width * (right - left))
    at = int(width * left - width / 2)
    actions = ActionChains(page).move_to_element_with_offset(plot, at, -height // 2 + 3)
    actions.click_and_hold().move_by_offset(across, height - 8).release().perform()


def test_the_token_does_not_stay_in_the_address(page: WebDriver) -> None:
    assert "token" not in page.current_url


def test_a_part_of_the_picture_is_chosen_with_the_pointer(page: WebDriver) -> None:
    drag(page, 0.5, 0.98)
    wait(page, lambda: "chosen" in text(page, "chosen"))
    count = int(text(page, "chosen").split()[0])
    assert 10 <= count <= 30
    click(page, "flame")
    wait(page, lambda: in_the_answer(page, f"{count} captures merged"))


def test_two_choices_are_compared(page: WebDriver) -> None:
    drag(page, 0.06, 0.5)
    wait(page, lambda: "chosen" in text(page, "chosen"))
    assert not page.find_element(By.ID, "compare").is_enabled()
    click(page, "before")
    wait(page, lambda: "before is set" in text(page, "chosen"))
    drag(page, 0.52, 0.99)
    wait(page, lambda: page.find_element(By.ID, "compare").is_enabled())
    click(page, "compare")
    wait(page, lambda: in_the_answer(page, "per invocation"))


def test_failed_ones_and_one_invocation(page: WebDriver) -> None:
    page.find_element(By.CSS_SELECTOR, "[data-choose=failed]").click()
    wait(page, lambda: text(page, "chosen").startswith("5 invocations"))
    outcomes = page.find_elements(By.CSS_SELECTOR, "#rows .outcome-error")
    assert len(outcomes) == 5
    page.find_element(By.CSS_SELECTOR, "#rows button").click()
    wait(page, lambda: in_the_answer(page, "Invocation"))
    assert text(page, "what") == "One invocation"


def test_leaks_are_told(page: WebDriver) -> None:
    click(page, "leaks")
    wait(page, lambda: in_the_answer(page, "Leaks of checkout"))


def test_new_captures_come_by_themselves(page: WebDriver, store: Path) -> None:
    fill(store, made(5, 41))  # type: ignore[arg-type]
    wait(page, lambda: "45 captured" in text(page, "live"))
    wait(page, lambda: "45 invocations in all" in text(page, "chosen"))


def test_rows_are_paged(page: WebDriver) -> None:
    assert text(page, "page") == "page 1 of 2"
    click(page, "next")
    wait(page, lambda: text(page, "page") == "page 2 of 2")
    assert not page.find_element(By.ID, "next").is_enabled()


def test_names_are_text_and_nothing_is_asked_of_anybody_else(page: WebDriver) -> None:
    Select(page.find_element(By.ID, "function")).select_by_value("other")
    wait(page, lambda: "3 captured" in text(page, "live"))
    wait(page, lambda: EVIL[:4] in text(page, "rows"))
    assert page.title == "Invocations"
    assert not page.find_elements(By.CSS_SELECTOR, "#rows img")
    entries = page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    origin = page.execute_script("return location.origin")
    assert entries
    assert all(entry.startswith(origin) for entry in entries)
    assert [line for line in page.get_log("browser") if line["level"] == "SEVERE"] == []


def test_what_cannot_be_answered_is_shown_in_words(page: WebDriver, store: Path) -> None:
    for path in store.rglob("*.json.gz"):
        path.write_bytes(b"junk")
    click(page, "flame")
    wait(page, lambda: "none of the captures could be read" in text(page, "error"))
