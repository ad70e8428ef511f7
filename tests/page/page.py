"""The page as its tests handle it: what is shown, and what a person does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

ROW_PX = 21


class Page:
    """One open flame graph page."""

    def __init__(self, browser: WebDriver, folder: Path) -> None:
        self.browser = browser
        self.folder = folder

    def element(self, name: str) -> WebElement:
        return self.browser.find_element(By.ID, name)

    def text(self, name: str) -> str:
        return self.element(name).text

    def run(self, script: str, *arguments: object) -> Any:
        return self.browser.execute_script(script, *arguments)

    def press(self, *keys: str) -> None:
        self.browser.switch_to.active_element.send_keys(*keys)

    def focus_picture(self) -> None:
        self.run("document.getElementById('scroller').focus()")

    def click_picture(self, share: float, row: int) -> None:
        """Click at a share of the width, in a row from the top (0 is the lane itself)."""
        canvas = self.element("canvas")
        x = round((share - 0.5) * canvas.size["width"])
        y = row * ROW_PX + ROW_PX // 2 - canvas.size["height"] // 2
        ActionChains(self.browser).move_to_element_with_offset(canvas, x, y).click().perform()

    def hover_picture(self, share: float, row: int) -> None:
        canvas = self.element("canvas")
        x = round((share - 0.5) * canvas.size["width"])
        y = row * ROW_PX + ROW_PX // 2 - canvas.size["height"] // 2
        ActionChains(self.browser).move_to_element_with_offset(canvas, x, y).perform()

    def zoomed(self) -> str:
        """Return the name of the box that fills the width, once the movement has ended."""
        self.wait(
            "const f = flamegraph.flame, l = f.layout, z = f.zoomed;"
            "return f.from === l.start[z] && f.to === l.start[z] + (l.total[z] || 1)"
        )
        return str(self.run("return flamegraph.words.name(flamegraph.flame.zoomed)"))

    def focused(self) -> str:
        return str(self.run("return flamegraph.words.name(flamegraph.flame.focused)"))

    def wait(self, script: str) -> None:
        WebDriverWait(self.browser, 10).until(lambda driver: driver.execute_script(script))

    def rows(self) -> list[list[str]]:
        """Return the table of functions as text."""
        return list(
            self.run(
                "return [...document.querySelectorAll('#functions tbody tr')]"
                ".map(row => [...row.cells].map(cell => cell.textContent))"
            )
        )

    def complaints(self) -> list[str]:
        """Return what the browser's console said."""
        return [entry["message"] for entry in self.browser.get_log("browser")]
