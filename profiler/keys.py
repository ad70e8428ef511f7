"""The name of a capture in a store: what a listing tells without opening anything.

    function=NAME/date=YYYY-MM-DD/environment=ID/SEQUENCE-STARTED-DURATION-OUTCOME-REQUESTID.speedscope.json.gz

Hive-style partitions, so that Athena, Spark, DuckDB and Polars find them by themselves. Duration and
outcome stand in the name so that "the five slowest" costs a listing and five reads.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from profiler.capture import INIT_SEQUENCE, Capture

SUFFIX = ".speedscope.json.gz"
FUNCTION_PREFIX = "function="
DATE_PREFIX = "date="

_PATTERN = re.compile(
    r"(?:^|/)function=(?P<function>[^/]+)/date=(?P<date>\d{4}-\d\d-\d\d)/environment=(?P<environment>[^/]+)/"
    r"(?P<sequence>\d{8,12})-(?P<started>\d{8}T\d{6}\.\d{3}Z)-(?P<duration>\d{1,15})us-"
    r"(?P<outcome>ok|error|timeout|out-of-memory|crashed)-(?P<request>[^/]*)\.speedscope\.json\.gz$"
)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# Of an escaped name: a file name may have 255 bytes, and a capture that no store takes blocks the rest.
_NAME_AT_MOST = 120


@dataclass(frozen=True, slots=True, order=True)
class CaptureKey:
    """The facts in a capture's name. `started_at_ns` is rounded down to the millisecond."""

    function_name: str
    environment_id: str
    sequence: int
    started_at_ns: int
    duration_ns: int
    outcome: str
    request_id: str

    @property
    def cold(self) -> bool:
        """Whether this was the first invocation of its environment."""
        return self.sequence == 1

    @property
    def is_init(self) -> bool:
        """Whether this is no invocation but the init phase of its environment."""
        return self.sequence == INIT_SEQUENCE

    @classmethod
    def of(cls, capture: Capture) -> CaptureKey:
        """Return the key of a capture."""
        invocation = capture.invocation
        return cls(
            function_name=_shortened(invocation.function_name),
            environment_id=_shortened(invocation.environment_id),
            sequence=invocation.sequence,
            started_at_ns=invocation.started_at_ns // 1_000_000 * 1_000_000,
            duration_ns=invocation.duration_ns // 1000 * 1000,
            outcome=capture.outcome,
            request_id=_shortened(invocation.request_id),
        )

    @classmethod
    def parse(cls, path: str) -> CaptureKey | None:
        """Return the key that a path ends with, or None where it is no capture's name."""
        match = _PATTERN.search(path)
        if match is None:
            return None
        try:
            started = _moment(match["started"])
        except ValueError:
            return None
        elapsed = started - _EPOCH
        return cls(
            function_name=_name(match["function"]),
            environment_id=_name(match["environment"]),
            sequence=int(match["sequence"]),
            started_at_ns=elapsed // datetime.timedelta(milliseconds=1) * 1_000_000,
            duration_ns=int(match["duration"]) * 1000,
            outcome=match["outcome"],
            request_id=unquote(match["request"]),
        )

    def __str__(self) -> str:
        """Return the path below the store's prefix, with forward slashes."""
        started = _EPOCH + datetime.timedelta(milliseconds=self.started_at_ns // 1_000_000)
        stamp = f"{started:%Y%m%dT%H%M%S}.{started.microsecond // 1000:03d}Z"
        return (
            f"{FUNCTION_PREFIX}{_escape(self.function_name)}/{DATE_PREFIX}{started:%Y-%m-%d}/"
            f"environment={_escape(self.environment_id)}/"
            f"{self.sequence:08d}-{stamp}-{self.duration_ns // 1000}us-{self.outcome}-"
            f"{_escape(self.request_id)}{SUFFIX}"
        )


def function_prefix(function_name: str) -> str:
    """Return the partition that holds all captures of a function, with its trailing slash."""
    return f"{FUNCTION_PREFIX}{_escape(_shortened(function_name))}/"


def _moment(text: str) -> datetime.datetime:
    """Return the moment in `YYYYMMDDTHHMMSS.mmmZ`; strptime would take half the time of a listing."""
    return datetime.datetime(
        int(text[:4]),
        int(text[4:6]),
        int(text[6:8]),
        int(text[9:11]),
        int(text[11:13]),
        int(text[13:15]),
        int(text[16:19]) * 1000,
        datetime.timezone.utc,
    )


@lru_cache(1024)
def _name(escaped: str) -> str:
    """Return a partition's value; thousands of captures share one, and then also its text."""
    return unquote(escaped)


def _shortened(text: str) -> str:
    """Return a name that can be escaped, is not empty, and is not too long once escaped."""
    text = text[:_NAME_AT_MOST].encode("utf-8", "replace").decode() or "-"
    while len(_escape(text)) > _NAME_AT_MOST:
        text = text[:-1]
    return text


def _escape(text: str) -> str:
    """Percent-encode what a path, a URL or a Hive partition would trip over."""
    return quote(text, safe="")
