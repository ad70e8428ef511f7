"""The client of the Lambda Extensions API (version 2020-01-01), as an internal extension needs it.

Source: "Lambda Extensions API reference" in the AWS Lambda developer guide. No call has a time limit of its
own: `next` waits through the freeze, and a registration that is given up but arrived all the same would
leave an extension behind that Lambda waits for and nobody serves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiler.errors import ProfilerError

if TYPE_CHECKING:
    from http.client import HTTPResponse

NAME = "invocation-profiler"
_PREFIX = "/2020-01-01/extension"
_IDENTIFIER = "Lambda-Extension-Identifier"
_BODY_AT_MOST_BYTES = 1024 * 1024


class ExtensionError(ProfilerError):
    """The Extensions API refused a call, or answered what cannot be understood."""


@dataclass(frozen=True, slots=True)
class InvokeEvent:
    """An invocation has begun. `deadline_s` is on the clock of `time.time()`."""

    request_id: str
    deadline_s: float


class ExtensionsApi:
    """One extension's connection to the API, kept alive; it is opened again after an error."""

    def __init__(self, address: str) -> None:
        import http.client

        self._connection = http.client.HTTPConnection(address, timeout=None)
        self._identifier = ""

    def register(self) -> None:
        """Register for INVOKE events, the only ones that an internal extension may ask for.

        Raises:
            ExtensionError: Lambda refuses, by what its answer says.
            OSError: there is no API at this address.
        """
        headers = {"Lambda-Extension-Name": NAME, "Content-Type": "application/json"}
        answer, _ = self._call("POST", "/register", headers, '{"events": ["INVOKE"]}')
        self._identifier = answer.getheader(_IDENTIFIER) or ""
        if not self._identifier:
            raise ExtensionError("the answer to the registration has no identifier")

    def next_event(self) -> InvokeEvent:
        """Say that all work is done, and wait for the next invocation. Raises ExtensionError, OSError."""
        _, body = self._call("GET", "/event/next", {_IDENTIFIER: self._identifier})
        try:
            document = json.loads(body)
            return InvokeEvent(str(document["requestId"]), float(document["deadlineMs"]) / 1000)
        except (ValueError, KeyError, TypeError) as error:
            raise ExtensionError(f"no event: {body[:200]!r}") from error

    def _call(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[HTTPResponse, bytes]:
        from http.client import HTTPException

        is_whole = False
        try:
            self._connection.request(method, _PREFIX + path, body=body, headers=headers)
            answer = self._connection.getresponse()
            content = answer.read(_BODY_AT_MOST_BYTES)
            is_whole = answer.isclosed()
        except HTTPException as error:
            raise ExtensionError(f"{method} {path}: {type(error).__name__}: {error}") from error
        finally:
            if not is_whole:
                self._connection.close()
        if answer.status != 200:
            raise ExtensionError(
                f"{method} {path}: {answer.status} {content[:200].decode('utf-8', 'replace')}"
            )
        return answer, content
