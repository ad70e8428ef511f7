"""What `viewer leaks` says of a case: a real run by `profiler run` in a fresh process, judged by prefixes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from leaks.corpus import HANDLERS, Case
from profiler.codec import decode
from viewer.leaks import Finding, judge
from viewer.leaks.ownership import is_path_within

ROOT = Path(__file__).resolve().parents[2]
# After so many warm invocations a verdict is asked for.
LOOKS = (20, 40, 50, 80, 100, 200)


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one case: (warm invocations, is there a finding, does one name the culprit)."""

    looks: tuple[tuple[int, bool, bool], ...]
    seconds: float

    def at(self, invocations: int) -> tuple[bool, bool]:
        """Return (found, named) after so many warm invocations."""
        return next(((found, named) for n, found, named in self.looks if n == invocations), (False, False))

    @property
    def needed(self) -> int | None:
        """Return the fewest invocations after which there was a finding, and in every look from then on."""
        needed = None
        for invocations, found, _ in reversed(self.looks):
            if not found:
                break
            needed = invocations
        return needed


def run(case: Case, count: int, memory: str) -> Said:
    """Run a case and judge its prefixes. Raises RuntimeError where the run fails."""
    with tempfile.TemporaryDirectory(prefix="leaks-") as folder:
        command = [sys.executable, "-m", "profiler", "run", case.name, "--quiet", "--store", folder]
        command += ["--count", str(count + 1), "--memory", memory, "--memory-size", "512", "--cpu", "off"]
        env = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "TMPDIR": folder}
        began_s = time.monotonic()
        done = subprocess.run(command, cwd=HANDLERS, env=env, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began_s
        if done.returncode:
            raise RuntimeError(f"{case.name}: {done.stderr[-2000:]}")
        captures = [decode(path.read_bytes()) for path in Path(folder).rglob("*.gz")]
    looks = []
    for invocations in [look for look in LOOKS if look <= count]:
        seen = [one for one in captures if one.invocation.sequence <= invocations + 1]
        findings = judge(seen).findings
        looks.append((invocations, bool(findings), any(names(finding, case) for finding in findings)))
    return Said(tuple(looks), seconds)


def names(finding: Finding, case: Case) -> bool:
    """Tell whether a finding names what leaks: the container, what holds the objects, or the line."""
    if finding.subject in case.culprits:
        return True
    if any(is_path_within(finding.held_by, culprit) for culprit in case.culprits):
        return True
    return any((Path(frame.file).name, frame.line) in case.marks for frame in finding.filled_at)
