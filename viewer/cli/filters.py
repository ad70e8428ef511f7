"""Which captures a selector lets through, as far as their names tell."""

from __future__ import annotations

import argparse
import datetime
import re
import time
from dataclasses import dataclass, field

from profiler.keys import CaptureKey

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on a capture; None where a selector was not given."""

    since_ns: int | None = None
    cold: bool | None = None
    request_id: str | None = None
    environment: str | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, args: argparse.Namespace) -> Filter:
        """Return the filter in parsed arguments."""
        return cls(
            since_ns=args.since,
            cold=True if args.cold else False if args.warm else None,
            request_id=args.request_id,
            environment=args.environment,
            labels=dict(args.label),
        )

    @property
    def given(self) -> bool:
        """Whether there is any condition."""
        return self != Filter()

    def matches(self, key: CaptureKey) -> bool:
        """Tell whether a key passes; labels are not in it and are left to the reader."""
        return (
            (self.since_ns is None or key.started_at_ns >= self.since_ns)
            and (self.cold is None or key.cold == self.cold)
            and (self.request_id is None or key.request_id.startswith(self.request_id))
            and (self.environment is None or key.environment_id.startswith(self.environment))
        )


def parse_since(text: str, now_ns: int | None = None) -> int:
    """Return the moment, in nanoseconds since the epoch, that `1h` or an ISO date means.

    Raises:
        ArgumentTypeError: it is neither.
    """
    ago = _AGO.fullmatch(text)
    if ago:
        now_ns = time.time_ns() if now_ns is None else now_ns
        return max(0, now_ns - int(float(ago[1]) * _UNITS_S[ago[2]] * 1e9))
    try:
        # Python 3.10 does not read the Z.
        moment = datetime.datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: give 45s, 30m, 1h, 2d, 1w, or 2026-01-31T12:00"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return max(0, (moment - epoch) // datetime.timedelta(microseconds=1) * 1000)


def parse_label(text: str) -> tuple[str, str]:
    """Return the name and the value of NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is no label: give NAME=VALUE")
    return name, value
