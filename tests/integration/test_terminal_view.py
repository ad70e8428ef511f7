"""`viewer flamegraph --terminal` in a real terminal: a pseudo-terminal with the command at its other end."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.viewer.builders import FRAMES, capture, fill

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are another thing there", allow_module_level=True)

import fcntl
import pty
import termios

EVIL = "price\x1b]0;owned\x07\x1b[2J[red]"
_SGR = re.compile(r"\x1b\[([\d;]*)m")


class Terminal:
    """A terminal of 100 × 30 with `viewer flamegraph --terminal` in it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(environment)
            os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
            os.execv(sys.executable, [sys.executable, "-m", "viewer", "flamegraph", "--terminal"])
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.seen = ""

    def until(self, text: str, seconds: float = 30) -> None:
        """Read until a text has come since the last time."""
        began, ends = len(self.seen), time.monotonic() + seconds
        while text not in _SGR.sub("", self.seen[began:]):
            assert time.monotonic() < ends, self.seen[began:]
            self._read(0.2)

    def press(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def exit_code(self, seconds: float = 30) -> int:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._read(0)
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("it did not end")

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def _read(self, seconds: float) -> None:
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if ready:
            try:
                self.seen += os.read(self.descriptor, 65536).decode("utf-8", "replace")
            except OSError:  # what Linux says when the other end has gone
                time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    frames = tuple(replace(frame, name=EVIL) if frame.name == "price" else frame for frame in FRAMES)
    fill(tmp_path / "profiles", [capture(1, frames=frames)])
    return tmp_path


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "38;2;"),
        ({"TERM": "xterm-256color", "COLORTERM": ""}, "38;5;"),
        ({"TERM": "linux", "COLORTERM": ""}, ""),
    ],
    ids=["true colour", "256", "16"],
)
def test_it_starts_shows_and_ends(
    folder: Path, terminals: list[Terminal], environment: dict[str, str], colours: str
) -> None:
    terminal = Terminal(folder, **environment)
    terminals.append(terminal)
    terminal.until("handler")
    terminal.press("/price")
    terminal.until("1 function: 300 ms")
    terminal.press("\r")
    terminal.until("self 250 ms")
    terminal.press("?")
    terminal.until("callers and callees")
    terminal.press("q")  # closes the help
    terminal.press("q")
    assert terminal.exit_code() == 0
    # The screen as it was is back, and nothing of the capture was obeyed.
    assert "\x1b[?1049h" in terminal.seen
    assert "\x1b[?1049l" in terminal.seen
    assert "\x1b]0;owned" not in terminal.seen
    assert "\\x1b]0;owned\\x07\\x1b[2J[red]" in _SGR.sub("", terminal.seen)
    sent = set(_SGR.findall(terminal.seen))
    assert any(colours in code for code in sent)
    if not colours:
        assert not [code for code in sent if "8;2;" in code or "8;5;" in code]


def test_ctrl_c_ends_it(folder: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(folder, TERM="xterm-256color")
    terminals.append(terminal)
    terminal.until("handler")
    terminal.press("\x03")
    assert terminal.exit_code() == 0
    assert "\x1b[?1049l" in terminal.seen


def test_a_broken_capture_is_said_after_the_screen_is_back(folder: Path, terminals: list[Terminal]) -> None:
    for path in folder.rglob("*.gz"):
        path.write_bytes(b"")
    terminal = Terminal(folder, TERM="xterm-256color")
    terminals.append(terminal)
    assert terminal.exit_code() == 2
    assert "\x1b[?1049h" not in terminal.seen
    assert "viewer: function=checkout" in terminal.seen
