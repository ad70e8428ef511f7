"""The others' pages, from the registries that give them out: fetched for the run, none is kept here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

NPM_PACKAGES = ("speedscope@1", "d3@7", "d3-flame-graph@4")
PYTHON_PACKAGES = ("memray>=1.17", "pyinstrument>=5")


def fetch_npm(folder: Path) -> Path | None:
    """Return the folder with the npm packages, or None where npm cannot get them."""
    modules = folder / "node_modules"
    if not (modules / "speedscope").is_dir():
        npm = shutil.which("npm")
        if npm is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder))
        if subprocess.run([npm, "install", *options, *NPM_PACKAGES], check=False).returncode:
            return None
    return modules


def fetch_python(folder: Path) -> Path | None:
    """Return an interpreter that has the Python packages, or None where pip cannot get them."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *PYTHON_PACKAGES]
        if subprocess.run(install, check=False).returncode:
            shutil.rmtree(folder / "venv")
            return None
    return python
