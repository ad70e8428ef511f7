"""The interpreters that run functions in the emulator: ours, and those of tools/lambda-interpreters.sh."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_OURS = "{}.{}".format(*sys.version_info[:2])


def _interpreter(version: str) -> str:
    if version == _OURS:
        return sys.executable
    return str(_ROOT / f".venv-lambda-{version}" / "bin" / "python")


# `@EACH_PYTHON` gives a test the argument `python`: the path of an interpreter that has `awslambdaric`.
EACH_PYTHON = pytest.mark.parametrize(
    "python",
    [
        pytest.param(
            _interpreter(version),
            id=version,
            marks=pytest.mark.skipif(
                not Path(_interpreter(version)).exists(), reason=f"no Python {version} with awslambdaric"
            ),
        )
        for version in sorted({_OURS, "3.12", "3.13"})
    ],
)
