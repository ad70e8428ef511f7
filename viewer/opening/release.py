"""Where speedscope's own release is: a folder with its page and scripts, none of which are ours.

The wheel carries it where the build could fetch it (`setup.py`); else an installation of npm's is taken.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from profiler.errors import SelectionError


def find_release() -> Path:
    """Return the folder of the release.

    Raises:
        SelectionError: it is nowhere; says how to get it.
    """
    for folder in _candidates():
        if (folder / "index.html").is_file():
            return folder
    raise SelectionError(
        "speedscope is not here: npm install --global speedscope, "
        "or install this package from a checkout on a machine that has npm"
    )


def _candidates() -> Iterator[Path]:
    yield Path(__file__).with_name("speedscope")
    # npm puts a link into a folder of the PATH, or on Windows a script beside its packages.
    command = shutil.which("speedscope")
    if command is not None:
        yield Path(command).resolve().parent.parent / "dist" / "release"
        yield Path(command).parent / "node_modules" / "speedscope" / "dist" / "release"
