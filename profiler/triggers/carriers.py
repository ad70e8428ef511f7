"""Where a request carries its token, in the events that AWS makes of it.

| comes by | carries it in |
|---|---|
| API Gateway (REST, HTTP), ALB, function URL | the header `x-profile-token` |
| SQS, SNS | the message attribute `x-profile-token` (in one of the first ten records) |
| EventBridge | the field `x-profile-token` of `detail` |
| S3 | the object's key, anywhere in it |
| a direct invocation | the field `x-profile-token` of the event, or of the client context's `custom` |

Only real dicts, lists and strings are looked into, at these places alone: whatever an event is, nothing in
here runs the user's code or takes longer for a large one.

Sources: "Using AWS Lambda with other services" in the AWS Lambda developer guide, for each event's shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from profiler.triggers.token import PATTERN

NAME = "x-profile-token"
_RECORDS_AT_MOST = 10
_TOKENS_AT_MOST = 10
_HEADERS_AT_MOST = 200
# "Creating object key names", Amazon S3 user guide; it may be escaped, which makes three of one.
_LONGEST_KEY = 3 * 1024


def tokens_in(arguments: tuple[Any, ...]) -> Iterator[str]:
    """Yield what stands where an invocation, (event, context), carries a token: ten strings at most."""
    return islice((found for found in _candidates(arguments) if type(found) is str), _TOKENS_AT_MOST)


def _candidates(arguments: tuple[Any, ...]) -> Iterator[Any]:
    # Of a method the first argument is `self`.
    for event in arguments[:2]:
        if type(event) is dict:
            yield from _of_event(event)
    for context in arguments[1:3]:
        yield _of_client_context(context)


def _of_event(event: dict[Any, Any]) -> Iterator[Any]:
    yield event.get(NAME)
    yield _header(event.get("headers"))
    yield _first(_header(event.get("multiValueHeaders")))
    yield _get(event.get("detail"), NAME)
    records = event.get("Records")
    if type(records) is list:
        for record in records[:_RECORDS_AT_MOST]:
            if type(record) is dict:
                yield from _of_record(record)


def _of_record(record: dict[Any, Any]) -> Iterator[Any]:
    yield _get(record.get("messageAttributes"), NAME, "stringValue")
    yield _get(record.get("Sns"), "MessageAttributes", NAME, "Value")
    key = _get(record.get("s3"), "object", "key")
    if type(key) is str:
        match = PATTERN.search(key[:_LONGEST_KEY])
        yield match[0] if match is not None else None


def _header(headers: Any) -> Any:
    """Return a header's value; names of headers have no case."""
    if type(headers) is not dict or len(headers) > _HEADERS_AT_MOST:
        return None
    if NAME in headers:
        return headers[NAME]
    for name, value in headers.items():
        if type(name) is str and len(name) == len(NAME) and name.lower() == NAME:
            return value
    return None


def _first(values: Any) -> Any:
    return values[0] if type(values) is list and values else None


def _get(value: Any, *names: str) -> Any:
    for name in names:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value


def _of_client_context(context: Any) -> Any:
    # An object that is no context of Lambda's may answer anything to any name.
    try:
        custom = context.client_context.custom
    except Exception:  # noqa: BLE001
        return None
    return _get(custom, NAME)
