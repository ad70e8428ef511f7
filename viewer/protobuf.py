"""The wire format of Protocol Buffers, as far as pprof needs it: varints and bytes.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from profiler.errors import CaptureFormatError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


def varint(number: int) -> bytes:
    """Return an integer of 64 bits; a negative one in two's complement, as int64 is."""
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def number_field(field: int, number: int) -> bytes:
    """Return a field that holds an integer; nothing for 0, which is the default."""
    return varint(field << 3 | _VARINT) + varint(number) if number else b""


def bytes_field(field: int, data: bytes) -> bytes:
    """Return a field that holds bytes, a text in UTF-8, or a message."""
    return varint(field << 3 | _BYTES) + varint(len(data)) + data


def packed_field(field: int, numbers: Iterable[int]) -> bytes:
    """Return a repeated field of integers."""
    return bytes_field(field, b"".join(map(varint, numbers)))


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field, value) of a message: integers as they stand on the wire, everything else as bytes.

    Raises:
        CaptureFormatError: it ends in the middle, or is no message.
    """
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint_at(data, at)
        kind = tag & 7
        if kind == _VARINT:
            number, at = _varint_at(data, at)
            yield tag >> 3, number
            continue
        if kind == _BYTES:
            size, at = _varint_at(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise CaptureFormatError(f"not a protobuf message: wire type {kind}")
        if size > end - at:
            raise CaptureFormatError("the message ends in the middle")
        yield tag >> 3, data[at : at + size]
        at += size


def numbers(value: int | bytes) -> Iterator[int]:
    """Yield the integers of a repeated field, packed or not."""
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        number, at = _varint_at(value, at)
        yield number


def signed(number: int) -> int:
    """Return an int64 from how it stands on the wire."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _varint_at(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place in range(_LONGEST_VARINT):
        if at >= len(data):
            raise CaptureFormatError("the message ends in the middle")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number & (1 << 64) - 1, at
    raise CaptureFormatError("not a protobuf message: a number does not end")
