"""Numbers as people read them: durations, sizes, moments, and text that cannot harm a terminal."""

from __future__ import annotations

import datetime

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def duration(nanoseconds: float) -> str:
    """Return a duration with three significant digits: `85 µs`, `412 ms`, `1.24 s`."""
    # A hair below the next unit would be rounded up to a thousand of this one.
    size = abs(nanoseconds)
    if size >= 0.9995e9:
        return f"{_three_digits(nanoseconds / 1e9)} s"
    if size >= 0.9995e6:
        return f"{_three_digits(nanoseconds / 1e6)} ms"
    if size >= 999.5:
        return f"{_three_digits(nanoseconds / 1e3)} µs"
    return f"{nanoseconds:.0f} ns"


def round_duration(nanoseconds: float) -> str:
    """Return a duration without the zeros after its point: `1 ms`, `2.5 ms`."""
    number, _, unit = duration(nanoseconds).partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def size(count: float) -> str:
    """Return a number of bytes: `512 B`, `10.1 KB`, `1.20 MB` (1 KB = 1024 B)."""
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if abs(value) < 1024:
            return f"{value:,.0f} B" if unit == "B" else f"{_three_digits(value)} {unit}"
        value /= 1024
    return f"{_three_digits(value)} TB"


def signed_size(count: float) -> str:
    """Return a change in bytes, with its sign."""
    return f"{'-' if count < 0 else '+'}{size(abs(count))}"


def weight(value: float, unit: str) -> str:
    """Return a lane's weight in its own unit."""
    if unit == "nanoseconds":
        return duration(value)
    return size(value) if unit == "bytes" else f"{value:,.0f}"


def counted(count: int, noun: str) -> str:
    """Return `1 capture`, `2 captures`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def moment(nanoseconds: int) -> str:
    """Return a moment since the epoch as UTC: `2026-01-02 03:04:05.678Z`."""
    try:
        when = _EPOCH + datetime.timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return f"{nanoseconds} ns after 1970"
    return f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d}Z"


def printable(text: str) -> str:
    """Return text with everything escaped that moves a cursor, hides or reorders what is shown."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _three_digits(value: float) -> str:
    magnitude = abs(value)
    if magnitude >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 9.995 else f"{value:.2f}"
