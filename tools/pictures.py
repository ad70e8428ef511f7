"""Draw the pictures of the README and the docs anew: real runs of sample functions, in a real Chromium.

make pictures
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from selenium.webdriver import ActionChains  # noqa: E402
from selenium.webdriver.chrome.webdriver import WebDriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

from tests.browser import chromium  # noqa: E402

DOCS = ROOT / "docs"
BUILDS = {"90": 140, "91": 110}
SAMPLE = '''
"""A sample shop: build 91 sorts no longer, but prices more."""
import json, os, random, time

BUILD = os.environ["BUILD"]
LINES = json.dumps([{"sku": f"sku-{n}", "quantity": n % 7} for n in range(400)])

def read_order(times):
    return [json.loads(LINES) for _ in range(times)][-1]

def price(lines, rounds):
    return sum(line["quantity"] * n % 97 for n in range(rounds) for line in lines)

def sort_lines(lines, rounds):
    for _ in range(rounds):
        lines = sorted(lines, key=lambda line: line["sku"], reverse=True)
    return lines

def store(seconds):
    time.sleep(seconds / 2)

def handler(event, context):
    work = random.lognormvariate(1, 0.25) * (2.5 if random.random() < 0.03 else 1)
    lines = read_order(int(12 * work))
    if BUILD == "90":
        sort_lines(lines, int(30 * work))
    price(lines, int((40 if BUILD == "90" else 110) * work))
    store(0.004 * work)
    if random.random() < 0.02:
        raise ValueError("no such article")
'''


def fill(folder: Path) -> None:
    """Run the sample, build by build, into a store."""
    (folder / "shop.py").write_text(SAMPLE, encoding="utf-8")
    for build, count in BUILDS.items():
        environ = {**os.environ, "BUILD": build, "PROFILER_LABELS": f"build={build}"}
        command = [sys.executable, "-m", "profiler", "run", "shop.handler", "--count", str(count), "--quiet"]
        # Some invocations fail on purpose.
        subprocess.run([*command, "--store", "shop"], cwd=folder, env=environ, check=False)


def viewer(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "viewer", *arguments], cwd=folder, check=True)


def draw_flamegraph(browser: WebDriver, folder: Path) -> None:
    """Draw one slow invocation of the demo's service in time order."""
    demo = [sys.executable, "-m", "profiler", "demo"]
    subprocess.run(demo, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    browser.get((folder / "flamegraph.html").as_uri())
    browser.execute_script("flamegraph.showView('order')")
    height = browser.execute_script("return document.getElementById('stage').getBoundingClientRect().bottom")
    browser.set_window_rect(0, 0, 1280, int(height) + 420)
    browser.execute_async_script("setTimeout(arguments[0], 300)")
    browser.save_screenshot(str(DOCS / "flamegraph.png"))


def draw_comparison(browser: WebDriver, folder: Path) -> None:
    """Draw what one build does otherwise than the one before."""
    command = [sys.executable, "-m", "viewer", "diff", "shop", "--store", "shop", "--html", "diff.html"]
    sides = ["--before", "label=build=90,warm", "--after", "label=build=91,warm"]
    subprocess.run([*command, *sides], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    browser.set_window_rect(0, 0, 1280, 760)
    browser.get((folder / "diff.html").as_uri())
    browser.execute_async_script("setTimeout(arguments[0], 300)")
    browser.save_screenshot(str(DOCS / "diff.png"))


def draw_application(browser: WebDriver, folder: Path) -> None:
    """Draw the application with some slow invocations chosen, and what they did."""
    command = [sys.executable, "-m", "viewer", "serve", "--store", "shop"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        browser.get(process.stdout.readline().strip())
        said = WebDriverWait(browser, 30)
        said.until(lambda driver: "in all" in driver.find_element(By.ID, "chosen").text)
        plot = browser.find_element(By.ID, "plot")
        start = ActionChains(browser).move_to_element_with_offset(plot, 60, -140)
        start.click_and_hold().move_by_offset(420, 150).release().perform()
        said.until(lambda driver: "chosen" in driver.find_element(By.ID, "chosen").text)
        browser.find_element(By.ID, "flame").click()
        browser.execute_async_script("setTimeout(arguments[0], 2000)")
        browser.execute_script("window.scrollTo(0, 0)")
        browser.save_screenshot(str(DOCS / "serve.png"))
        process.terminate()


def main() -> None:
    """Draw all pictures."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as name, chromium(1280, 920) as browser:
        folder = Path(name)
        draw_flamegraph(browser, folder)
        fill(folder)
        draw_comparison(browser, folder)
        browser.set_window_rect(0, 0, 1280, 920)
        draw_application(browser, folder)


if __name__ == "__main__":
    main()
