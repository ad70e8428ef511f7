"""The selectors as arguments, and which captures they let through as far as their names tell."""

from __future__ import annotations

import argparse
import datetime
import re
import time
from dataclasses import dataclass, field

from profiler.keys import CaptureKey

DEFAULT_STORE = "profiles"
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


ALL = "without any of them, all captures"
NEWEST = "without any of them, the newest capture"
NEWEST_OR_MERGED = f"{NEWEST}; with one, all that it chooses, merged"


def add_arguments(
    parser: argparse.ArgumentParser, *, all_functions: bool = False, default: str = ALL
) -> None:
    """Add the positional FUNCTION and the selectors.

    `all_functions`: no FUNCTION means all of the store. `default` says what no selector means.
    """
    left_out = "default: all of them" if all_functions else "may be left out where the store holds only one"
    parser.add_argument(
        "what",
        nargs="*",
        metavar="FUNCTION",
        help=f"a function's name ({left_out}), or the paths of captures or of other profiles",
    )
    group = parser.add_argument_group("selectors", default)
    group.add_argument(
        "--store",
        metavar="URI",
        help=f"s3://bucket/prefix or a folder (default: PROFILER_STORE, else {DEFAULT_STORE!r})",
    )
    group.add_argument(
        "--since",
        type=parse_since,
        metavar="WHEN",
        help="what started in the last 45s, 30m, 1h, 2d, 1w, or since 2026-01-31[T12:00] (UTC)",
    )
    start = group.add_mutually_exclusive_group()
    start.add_argument("--cold", action="store_true", help="first invocations of their environments only")
    start.add_argument("--warm", action="store_true", help="later invocations only")
    start.add_argument(
        "--init", action="store_true", help="init phases (PROFILER_INIT), which are no invocations"
    )
    group.add_argument("--request-id", metavar="ID", help="the invocation whose request id begins with ID")
    group.add_argument("--environment", metavar="ID", help="environments whose id begins with ID")
    group.add_argument(
        "--label",
        type=parse_label,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="captures with this label (opens them to look; may be repeated)",
    )
    order = group.add_mutually_exclusive_group()
    order.add_argument(
        "--slowest",
        nargs="?",
        type=parse_count,
        const=1,
        metavar="N",
        help="the N that took longest (default 1)",
    )
    order.add_argument("--last", type=parse_count, metavar="N", help="the N newest")


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on a capture; None where a selector was not given.

    `init` is whether it is of an init phase, None for both kinds: by default invocations only.
    """

    init: bool | None = False
    since_ns: int | None = None
    cold: bool | None = None
    request_id: str | None = None
    environment: str | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, args: argparse.Namespace, *, both_kinds: bool = False) -> Filter:
        """Return the filter in parsed arguments.

        With `both_kinds` they choose init phases beside invocations, where no selector speaks of either.
        """
        of_one_kind = args.init or args.cold or args.warm or args.slowest or not both_kinds
        return cls(
            init=args.init if of_one_kind else None,
            since_ns=args.since,
            cold=True if args.cold else False if args.warm else None,
            request_id=args.request_id,
            environment=args.environment,
            labels=dict(args.label),
        )

    @property
    def given(self) -> bool:
        """Whether there is any condition."""
        return self not in (Filter(), Filter(init=None))

    def matches(self, key: CaptureKey) -> bool:
        """Tell whether a key passes; labels are not in it and are left to the reader."""
        return (
            (self.init is None or key.is_init == self.init)
            and (self.since_ns is None or key.started_at_ns >= self.since_ns)
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


def parse_percent(text: str) -> float:
    """Return the share that `1%` means, more than nothing and less than all."""
    number = text.strip().removesuffix("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = 0.0
    if not text.strip().endswith("%") or not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: give 1%, 0.5%, 10% …")
    return share


def parse_count(text: str) -> int:
    """Return a whole number from 1 upwards."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count: give 1, 2, 3 …")
    return int(text)
