"""Read JSON that may be hostile: bounded decompression, and fields that are what they claim to be."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from profiler.errors import CaptureFormatError

# Parsed, a document takes about ten times its size.
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_INTEGER_AT_MOST = 2**63 - 1

T = TypeVar("T")


def read_document(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> dict[str, Any]:
    """Return the JSON object in `data`, gzipped or plain.

    Raises:
        CaptureFormatError: truncated or oversized gzip, not JSON, or not an object.
    """
    if data[:2] == _GZIP_MAGIC:
        data = gunzip(data, max_bytes)
    elif len(data) > max_bytes:
        raise CaptureFormatError(f"larger than {max_bytes} bytes")
    try:
        document = _parsed(data)
    except (ValueError, RecursionError) as error:
        raise CaptureFormatError("not a capture: it is not JSON") from error
    if not isinstance(document, dict):
        raise CaptureFormatError("not a capture: its top level is not an object")
    return document


def _parsed(data: bytes) -> Any:
    """Return the value of a JSON text, by orjson where it is installed: it takes a third of the time.

    What orjson refuses (NaN, a lone surrogate, deep nesting) is for json to judge, so that the answer does
    not depend on what is installed.
    """
    try:
        import orjson
    except ImportError:
        return json.loads(data)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def gunzip(data: bytes, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return what was compressed, no more than `max_bytes`.

    Raises:
        CaptureFormatError: damaged, cut short, or larger.
    """
    decompressor = zlib.decompressobj(wbits=31)
    try:
        plain = decompressor.decompress(data, max_bytes)
    except zlib.error as error:
        raise CaptureFormatError(f"damaged gzip ({error})") from error
    if decompressor.unconsumed_tail:
        raise CaptureFormatError(f"larger than {max_bytes} bytes when decompressed")
    if not decompressor.eof:
        raise CaptureFormatError("truncated gzip: the upload or the copy was cut short")
    return plain


class Fields:
    """The fields of one JSON object, each checked on the way out.

    A field that is missing gives the default; one of the wrong type raises CaptureFormatError with
    its path (`capture.invocation.sequence`).
    """

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise CaptureFormatError(f"{path} is not an object")
        self._value = value
        self._path = path

    def child(self, name: str) -> Fields:
        """Return the object under `name`; an absent one reads as empty."""
        return Fields(self._value.get(name, {}), f"{self._path}.{name}")

    def has(self, name: str) -> bool:
        return self._value.get(name) is not None

    def integer(self, name: str, default: int = 0) -> int:
        value = self._value.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _INTEGER_AT_MOST:
            raise self._wrong(name, "a whole number of 64 bits")
        return value

    def optional_integer(self, name: str) -> int | None:
        return self.integer(name) if self.has(name) else None

    def boolean(self, name: str, default: bool) -> bool:
        value = self._value.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def text(self, name: str, default: str = "") -> str:
        value = self._value.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def number(self, name: str, default: float = 0.0) -> float:
        return finite(self._value.get(name, default), f"{self._path}.{name}")

    def texts(self, name: str) -> dict[str, str]:
        """Return an object of text → text."""
        value = self._value.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self._wrong(name, "an object of texts")
        return dict(value)

    def items(self, name: str) -> list[Any]:
        value = self._value.get(name, [])
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def objects(self, name: str, build: Callable[[Fields], T]) -> tuple[T, ...]:
        """Return `build` of every object in the list under `name`."""
        return tuple(build(fields) for fields in self._each(name))

    def indexes(self, name: str, size: int) -> tuple[int, ...]:
        """Return a list of indexes, each in range(size)."""
        return stack_of(self.items(name), size, f"{self._path}.{name}")

    def _each(self, name: str) -> Iterator[Fields]:
        for position, item in enumerate(self.items(name)):
            yield Fields(item, f"{self._path}.{name}[{position}]")

    def _wrong(self, name: str, wanted: str) -> CaptureFormatError:
        return CaptureFormatError(f"{self._path}.{name} is not {wanted}")


def stack_of(value: object, size: int, path: str) -> tuple[int, ...]:
    """Return a stack whose every frame index is in range(size)."""
    if not isinstance(value, list):
        raise CaptureFormatError(f"{path} is not a list")
    # The usual case at the speed of C; what is wrong with an unusual one is said below.
    if value and {*map(type, value)} == {int} and min(value) >= 0 and max(value) < size:
        return tuple(value)
    for index in value:
        if type(index) is not int or not 0 <= index < size:
            raise CaptureFormatError(f"{path} holds {index!r:.40}, which is no frame (0 to {size - 1})")
    return tuple(value)


def finite(value: object, path: str) -> float:
    """Return a number that is neither NaN nor infinite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CaptureFormatError(f"{path} is not a number")
    # One comparison refuses NaN (compares false), infinities and integers too large for a float.
    if not -1e18 < value < 1e18:
        raise CaptureFormatError(f"{path} is out of range")
    return float(value)
