"""The wheel as it is built and unpacked elsewhere: speedscope is in it, and `viewer open` shows a capture."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.unit.viewer.builders import capture, fill

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from a copy of what is under version control, and unpack it."""
    source, wheels, target = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "installed"))
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if name.startswith(("profiler/", "viewer/")) or "/" not in name:
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((ROOT / name).read_bytes())
    command = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    subprocess.run((*command, "--wheel-dir", str(wheels), str(source)), check=True, timeout=110)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        wheel.extractall(target)
    return target


@contextmanager
def opened(installed: Path, folder: Path, *arguments: str) -> Iterator[str]:
    """Run `viewer open` of the wheel; give its address."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = (sys.executable, "-P", "-m", "viewer", "open", "--no-browser", *arguments)
    if sys.version_info < (3, 11):  # it has no -P; the folder holds no package of ours
        command = tuple(part for part in command if part != "-P")
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as viewer:
        try:
            assert viewer.stdout is not None
            yield viewer.stdout.readline().strip()
        finally:
            viewer.terminate()


def refusals(browser: WebDriver) -> list[str]:
    """Return what went wrong in the page; speedscope also tells its console how long it took."""
    log = browser.get_log("browser")
    return [entry["message"] for entry in log if entry["level"] == "SEVERE" or "Policy" in entry["message"]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    fill(tmp_path / "profiles", [capture(number) for number in (1, 2, 3)])
    return tmp_path


def test_the_wheel_carries_the_release_whole(installed: Path) -> None:
    release = installed / "viewer" / "opening" / "speedscope"
    page = (release / "index.html").read_text(encoding="utf-8")
    assert all((release / name).is_file() for name in ("LICENSE", "file-format-schema.json"))
    assert [file for file in release.glob("speedscope-*.js") if file.name in page]
    assert (installed / "viewer" / "tui" / "app.tcss").is_file()


@pytest.mark.parametrize(("selector", "title"), [(["--slowest"], "403 ms"), (["--last", "3"], "3 captures")])
def test_open_in_speedscope(
    installed: Path, store: Path, browser: WebDriver, selector: list[str], title: str
) -> None:
    with opened(installed, store, "--in", "speedscope", *selector) as url:
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(url)
        WebDriverWait(browser, 20).until(lambda page: title in page.title)
        body = browser.find_element(By.TAG_NAME, "body")
        body.send_keys("3")  # the sandwich view, the one whose names are text and not pixels
        WebDriverWait(browser, 20).until(lambda page: "price" in body.text)
        assert "handler" in body.text
        # The policy is none that speedscope runs into, and nothing was asked of another site.
        assert refusals(browser) == []
        requests = [entry["message"] for entry in browser.get_log("performance")]
        assert not [text for text in requests if '"requestWillBeSent"' in text and "127.0.0.1" not in text]
        browser.get("about:blank")


def test_open_in_our_own_page(installed: Path, store: Path, browser: WebDriver) -> None:
    with opened(installed, store) as url:
        browser.get_log("browser")
        browser.get(url)
        WebDriverWait(browser, 20).until(
            lambda page: page.execute_script("return document.documentElement.dataset.ready === 'true'")
        )
        assert "403 ms" in browser.find_element(By.ID, "title").text
        assert refusals(browser) == []
        browser.get("about:blank")
