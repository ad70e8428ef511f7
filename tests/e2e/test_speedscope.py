"""A capture is a speedscope file: its schema says so, and the real speedscope opens it and shows it.

It reads other formats too, and so it judges what is exported in them.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import shutil
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from profiler import profile
from viewer.cli import main

RELEASE = Path(sys.prefix, "speedscope", "node_modules", "speedscope", "dist", "release")


@pytest.fixture(scope="module")
def release() -> Path:
    assert RELEASE.is_dir(), "speedscope is not here: run `make test`, or tools/test-tools.sh .venv"
    return RELEASE


@pytest.fixture
def capture_file(tmp_path: Path) -> Iterator[Path]:
    """Capture one real invocation, memory sites included."""
    kept = []

    def handler(event: object, context: object) -> None:
        kept.extend(spell(number) for number in range(60_000))

    def spell(number: int) -> str:
        return f"number {number}"

    profile(handler, enabled=True, store=str(tmp_path), memory="tracemalloc")({}, None)
    yield next(tmp_path.rglob("*.speedscope.json.gz"))
    tracemalloc.stop()  # it traces on between invocations


@pytest.fixture
def site(release: Path, capture_file: Path, tmp_path: Path) -> Iterator[str]:
    """Serve speedscope's release with the capture beside it, on loopback."""
    folder = tmp_path / "site"
    shutil.copytree(release, folder)
    shutil.copy(capture_file, folder / "capture.speedscope.json.gz")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(quiet, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_capture_keeps_to_speedscopes_own_schema(release: Path, capture_file: Path) -> None:
    schema = json.loads((release / "file-format-schema.json").read_text(encoding="utf-8"))
    document = json.loads(gzip.decompress(capture_file.read_bytes()))
    jsonschema.validate(document, schema)
    assert {profile["unit"] for profile in document["profiles"]} == {"seconds", "bytes"}


def test_speedscope_shows_the_frames(site: str, browser: WebDriver) -> None:
    shown = sandwich(browser, site, "capture.speedscope.json.gz", "test_speedscope")
    assert "spell" in shown


@pytest.mark.parametrize("to", ["speedscope", "collapsed", "chrome", "callgrind", "pprof"])
def test_speedscope_reads_what_is_exported(
    to: str, site: str, browser: WebDriver, capture_file: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "site" / f"exported-{to}"
    assert main(["export", "--to", to, "--thread", "MainThread", str(capture_file), "-o", str(exported)]) == 0
    assert "spell" in sandwich(browser, site, exported.name, "")


def sandwich(browser: WebDriver, site: str, file: str, title: str) -> str:
    """Return the text of speedscope's sandwich view, the one whose names are text and not pixels."""
    browser.get("about:blank")
    browser.get(f"{site}/index.html#profileURL={site}/{file}")
    WebDriverWait(browser, 20).until(lambda page: title in page.title and page.title != "speedscope")
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys("3")
    WebDriverWait(browser, 20).until(lambda page: "handler" in body.text)
    return body.text
