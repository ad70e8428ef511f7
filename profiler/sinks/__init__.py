"""Sinks: the write side of a store, by the kind of its location."""

from __future__ import annotations

from typing import Protocol

from profiler import plugins
from profiler.keys import CaptureKey
from profiler.location import LocalLocation, S3Location, parse_location


class Sink(Protocol):
    """Where captures go. One instance for an environment, so that a client is reused."""

    def put(self, key: CaptureKey, data: bytes) -> None:
        """Store one capture whole or not at all. Raises StoreError."""

    def check(self) -> None:
        """Find out before a long run whether captures can be stored. Raises StoreError."""


def open_sink(uri: str) -> Sink:
    """Return the sink of a store URI; nothing is connected or created until the first capture.

    Raises:
        StoreError: the URI is malformed.
        PluginError: no package has a sink for its scheme, or that one is broken.
    """
    location = parse_location(uri)
    if isinstance(location, LocalLocation):
        from profiler.sinks.local import LocalSink

        return LocalSink(location)
    if not isinstance(location, S3Location):
        sink: Sink = plugins.load(plugins.SINKS, location.scheme)(uri)
        return sink
    from profiler.sinks.s3 import S3Sink

    return S3Sink(location)
