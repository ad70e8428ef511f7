"""When the capture of an invocation is encoded and delivered: before its response, or after it."""

from __future__ import annotations

import _thread
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Protocol

from profiler.guard import logger

if TYPE_CHECKING:
    from profiler.aws.extension import Extension


@dataclass(frozen=True, slots=True)
class Parcel:
    """What an invocation leaves: `spool` makes it last, `deliver` carries on for so many seconds at most.

    Neither raises an Exception. The response may be held up until `until_ns` (`time.perf_counter_ns`).
    `is_last` where the process is about to end, and no time comes after the response.
    """

    spool: Callable[[], None]
    deliver: Callable[[float], None]
    until_ns: int
    is_last: bool = False


class Delivery(Protocol):
    """Called by the handler's thread when its invocation is known to leave something, or nothing."""

    def after(self, parcel: Parcel) -> None:
        """See to it that the parcel is spooled and delivered."""

    def skip(self) -> None:
        """Note that this invocation leaves nothing."""


class BeforeResponse:
    """Do all of it now, while the caller waits."""

    def after(self, parcel: Parcel) -> None:
        """Spool the parcel, and deliver it within its time."""
        parcel.spool()
        parcel.deliver((parcel.until_ns - time.perf_counter_ns()) / 1e9)

    def skip(self) -> None:
        """Nothing is nothing."""


class AfterResponse:
    """Hand it to the extension, and where that cannot take it do it now."""

    def __init__(self, extension: Extension) -> None:
        self._extension = extension
        self._otherwise = BeforeResponse()

    def after(self, parcel: Parcel) -> None:
        """Let the extension do all of it when the response is out, encoding too."""
        if parcel.is_last or not self._extension.take(partial(_do, parcel)):
            self._otherwise.after(parcel)

    def skip(self) -> None:
        """Let the environment be frozen as soon as the response is out."""
        self._extension.skip()


def _do(parcel: Parcel, budget_s: float) -> None:
    ends_s = time.monotonic() + budget_s
    parcel.spool()
    parcel.deliver(ends_s - time.monotonic())


def open_delivery(upload: str, reserve_s: float, environ: Mapping[str, str]) -> Delivery:
    """Return what `PROFILER_UPLOAD` asks for, or, where there is no extension, delivery before the response.

    Asked for by name, that is one warning.
    """
    if upload == "before-response":
        return BeforeResponse()
    extension = _extension(reserve_s, environ)
    if not isinstance(extension, str):
        return AfterResponse(extension)
    say = logger.warning if upload == "after-response" else logger.debug
    say("profiler: captures are delivered before the response: %s", extension)
    return BeforeResponse()


# One for the process, however many handlers it has: a name can be registered once.
_extensions: dict[int, Extension | str] = {}


def _extension(reserve_s: float, environ: Mapping[str, str]) -> Extension | str:
    """Return the extension of this process, or why there is none."""
    process_id = os.getpid()
    if process_id not in _extensions:
        _extensions[process_id] = _start_extension(reserve_s, environ)
    return _extensions[process_id]


def _start_extension(reserve_s: float, environ: Mapping[str, str]) -> Extension | str:
    address = environ.get("AWS_LAMBDA_RUNTIME_API")
    if not address:
        return "this is no Lambda environment"
    if environ.get("AWS_LAMBDA_MAX_CONCURRENCY"):
        return "where invocations run in parallel an extension is told of none"
    if not isinstance(_thread.start_new_thread, BuiltinFunctionType):
        # A greenlet would register, and then stand still while the runtime client waits in native code.
        return "threads are not the interpreter's own (gevent, eventlet)"
    # Only here: http.client costs 15 ms, and boto3 loads it too, but later.
    from profiler.aws.extension import Extension
    from profiler.aws.extensions_api import ExtensionsApi
    from profiler.aws.runtime import Runtime

    runtime = Runtime.find()
    if runtime is None:
        return "the runtime client is not awslambdaric as it is known here"
    if runtime.request_id() is not None:
        return "an extension is registered during init, and the first invocation has begun already"
    try:
        extension = Extension(ExtensionsApi(address), runtime, reserve_s)
        extension.start()
    except Exception as error:  # noqa: BLE001 — the function must start without it
        return f"the extension did not start: {type(error).__name__}: {error}"
    return (
        extension if extension.refusal is None else f"the extension was not registered: {extension.refusal}"
    )
