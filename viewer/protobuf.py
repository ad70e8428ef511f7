"""The wire format of protocol buffers: enough to read and to write pprof.

Source: https://protobuf.dev/programming-guides/encoding. A message is a sequence of fields; a field is a
tag (number << 3 | wire type) and a value: 0 a varint, 1 eight bytes, 2 length-delimited, 5 four bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from profiler.errors import CaptureFormatError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MASK = 2**64 - 1


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a message: an int of 64 bits without a sign, or bytes.

    Raises:
        CaptureFormatError: truncated, a number of more than 64 bits, or a wire type that does not exist.
    """
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if kind == BYTES:
            size, position = _varint(data, position)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise CaptureFormatError(f"damaged protobuf: wire type {kind} at byte {position:,}")
        if number == 0 or size > end - position:
            raise CaptureFormatError(f"truncated or damaged protobuf at byte {position:,}")
        yield number, data[position : position + size]
        position += size


def packed(value: int | bytes) -> list[int]:
    """Return the varints of a repeated field, which may stand one by one or packed."""
    if isinstance(value, int):
        return [value]
    # Nearly all of them take one byte.
    if value.isascii():
        return list(value)
    # Written out here, and not by _varint: this is where the time goes.
    numbers: list[int] = []
    number = shift = 0
    for byte in value:
        number |= (byte & 0x7F) << shift
        if number > _MASK or shift > 63:
            raise CaptureFormatError("damaged protobuf: a number of more than 64 bits")
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
        else:
            shift += 7
    if shift:
        raise CaptureFormatError("truncated protobuf")
    return numbers


def signed(value: int) -> int:
    """Return an int64 that was read as 64 bits without a sign."""
    return value - 2**64 if value >= 2**63 else value


def varint(value: int) -> bytes:
    """Return an integer of 64 bits; a negative one in two's complement."""
    value &= _MASK
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def number_field(number: int, value: int) -> bytes:
    """Return a varint field; nothing where it is 0, which is what an absent one means."""
    return varint(number << 3 | VARINT) + varint(value) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """Return a length-delimited field: text, or a message within a message."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def packed_field(number: int, values: Iterable[int]) -> bytes:
    """Return a repeated varint field, packed."""
    return bytes_field(number, b"".join(map(varint, values)))


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    try:
        while True:
            byte = data[position]
            position += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                if result > _MASK:
                    break
                return result, position
            shift += 7
            if shift > 63:
                break
    except IndexError as error:
        raise CaptureFormatError("truncated protobuf") from error
    raise CaptureFormatError(f"damaged protobuf: a number of more than 64 bits at byte {position:,}")
