"""Times as people write them at a command line: 45s, 10m, 2h, 7d."""

from __future__ import annotations

import argparse
import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(text: str, at_most_s: int) -> int:
    """Return the seconds that a time says. Raises argparse.ArgumentTypeError."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text.strip().lower())
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= at_most_s:
        days = at_most_s // 86_400
        raise argparse.ArgumentTypeError(f"{text}: give a time such as 45s, 10m, 2h or 1d, {days}d at most")
    return seconds
