"""The page as axe-core judges it, in every view, light and dark. axe-core comes from npm for the run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.page.page import Page
from tests.page.sample import order_service
from viewer.profile import Profile

Open = Callable[[Profile], Page]

STATES = {
    "merged": "",
    "threads in time order": "flamegraph.change({lane: 3, view: 'order'})",
    "inverted": "flamegraph.showView('inverted'); flamegraph.zoom(1)",
    "around a function": "flamegraph.showAround(4)",
    "memory": "flamegraph.showLane(2)",
    "search": "flamegraph.search('lookup'); flamegraph.nextMatch(1)",
    "options": "document.getElementById('options').open = true",
    "help": "document.getElementById('help').showModal()",
}


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the script of axe-core."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("axe-core is fetched with npm, which is not installed")
    folder = tmp_path_factory.mktemp("axe")
    command = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(folder),
        "axe-core@4",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    script = Path(folder, "node_modules", "axe-core", "axe.min.js")
    if not script.exists():
        pytest.skip(f"axe-core could not be fetched: {done.stderr.strip()[-200:]}")
    return script.read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(open_page: Open, axe: str, state: str, theme: str) -> None:
    page = open_page(order_service())
    page.run(axe)
    page.run(f"document.documentElement.dataset.theme = {theme!r}; flamegraph.applyTheme(); {STATES[state]}")
    # Colours glide for a moment after a change of theme.
    page.wait("return document.getAnimations().length === 0")
    rules, found = page.browser.execute_async_script(
        """
        const done = arguments[0];
        const told = node => `${node.target.join(" ")} ${node.failureSummary}`;
        axe.run().then(({passes, violations}) => done([passes.length, violations.map(
          ({impact, id, nodes}) => [impact, id, nodes.map(told)])]));
        """
    )
    assert found == []
    assert rules > 10  # it did look
