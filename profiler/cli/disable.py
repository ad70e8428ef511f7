"""`profiler disable`: switch the profiler off in Lambda functions, and put back what `enable` changed."""

from __future__ import annotations

import argparse

from profiler.cli.functions import add_change, change_each
from profiler.deploy.change import Change, disable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_change(parser)


def run(options: argparse.Namespace) -> int:
    """Return 0, or 2 where a function could not be switched off."""
    return change_each(options, disable, _told)


def _told(made: Change) -> str:
    return "is off already" if made.is_empty else "off, everything as it was before"
