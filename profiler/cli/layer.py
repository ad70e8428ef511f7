"""`profiler layer build`: a layer that brings the profiler to functions."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

from profiler.deploy.layer import build_layer
from profiler.deploy.wheels import MACHINES, PYTHONS

_DEFAULT_PYTHON = "{}.{}".format(*sys.version_info[:2])
_DEFAULT_ARCH = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    build = actions.add_parser("build", help="make the zip", description="Make the zip of a layer.")
    build.add_argument("--python", choices=PYTHONS, default=_DEFAULT_PYTHON, help="the function's Python")
    build.add_argument("--arch", choices=MACHINES, default=_DEFAULT_ARCH, help="the function's architecture")
    build.add_argument(
        "--with",
        dest="extras",
        type=_names,
        default=(),
        metavar="NAMES",
        help="packages to put in, separated by commas: pyinstrument, yappi, or an engine of somebody else's",
    )
    build.add_argument("-o", "--output", type=Path, metavar="FILE", help="the zip to write")


def run(options: argparse.Namespace) -> int:
    """Write the zip and print its size."""
    layer = build_layer(options.python, options.arch, options.extras)
    path = options.output or Path(f"invocation-profiler-python{options.python}-{options.arch}.zip")
    layer.write(path)
    print(f"{path}: {_size(len(layer.data))}, {_size(layer.unpacked_bytes)} unpacked")
    print(
        "publish it: aws lambda publish-layer-version --layer-name invocation-profiler"
        f" --zip-file fileb://{path} --compatible-runtimes python{options.python}"
        f" --compatible-architectures {options.arch}"
    )
    return 0


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _size(count: int) -> str:
    return f"{count / 1024:.1f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"
