"""The pages and the numbers of the application; what cannot be answered is said in one line of text."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from profiler.capture import OUTCOMES, Capture
from profiler.codec import decode
from profiler.errors import CaptureFormatError, ProfilerError, SelectionError, StoreError
from viewer.diff import Side, compare
from viewer.diff.page import render as render_diff
from viewer.leaks import judge
from viewer.leaks.reports.page import render as render_leaks
from viewer.load import merge, profile_of
from viewer.processors import hide_bootstrap
from viewer.profile import Lane, Profile
from viewer.renderers.html import render as render_profile
from viewer.serve.choice import Choice, few
from viewer.serve.index import Index
from viewer.store import StoredCapture, UnreadableCapture, read_many
from viewer.units import counted

_FILES = {
    "index.html": "text/html",
    "app.js": "text/javascript",
    "plot.js": "text/javascript",
    "style.css": "text/css",
}
ROWS_A_PAGE = 20
_JUDGED_AT_MOST = 3_000
# Pages made elsewhere bring a policy of their own, a stricter one; only this application may frame them.
_FRAMED = {"content-security-policy": "frame-ancestors 'self'"}


def application(index: Index) -> Starlette:
    """Return the application over an index."""
    pages = Pages(index)
    routes = [
        Route("/", pages.file("index.html")),
        *(Route(f"/{name}", pages.file(name)) for name in _FILES if name != "index.html"),
        Route("/api/functions", _answers(pages.functions)),
        Route("/api/invocations", _answers(pages.invocations)),
        Route("/api/rows", _answers(pages.rows)),
        Route("/flamegraph", _answers(pages.flamegraph)),
        Route("/capture", _answers(pages.capture)),
        Route("/diff", _answers(pages.diff)),
        Route("/leaks", _answers(pages.leaks)),
    ]
    return Starlette(routes=routes)


def _answers(make: Callable[[Request], Response]) -> Callable[[Request], Any]:
    """Run a function of the store in a thread, and turn what it raises into an answer."""

    @wraps(make)
    async def answer(request: Request) -> Response:
        try:
            return await run_in_threadpool(make, request)
        except StoreError as error:
            return PlainTextResponse(f"{error}\n", 502, headers=_FRAMED)
        except ProfilerError as error:
            return PlainTextResponse(f"{error}\n", 400, headers=_FRAMED)

    return answer


class Pages:
    """What is answered. Each method takes a request and returns its answer, in a thread of its own."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def file(self, name: str) -> Callable[[Request], Any]:
        """Return the endpoint of one of the application's own files."""

        async def answer(request: Request) -> Response:
            text = resources.files("viewer.serve").joinpath("page").joinpath(name).read_text(encoding="utf-8")
            return Response(text, media_type=f"{_FILES[name]}; charset=utf-8")

        return answer

    def functions(self, request: Request) -> Response:
        return JSONResponse({"store": str(self._index.store), "functions": list(self._index.functions())})

    def invocations(self, request: Request) -> Response:
        """Answer with the invocations from number `from` on, as base64 of columns: what is new since then."""
        found = self._index.refreshed(_function(request))
        start = _number(request, "from")
        return JSONResponse(
            {
                "total": len(found.captures),
                "outcomes": OUTCOMES,
                "started": _packed(found.started_ms[start:].tobytes()),
                "duration": _packed(found.duration_ms[start:].tobytes()),
                "flags": _packed(found.flags[start:].tobytes()),
            }
        )

    def rows(self, request: Request) -> Response:
        """Answer with one page of a choice as a table, the newest first, or the slowest."""
        chosen = self._chosen(request, "choice")
        if request.query_params.get("order") == "slowest":
            chosen.sort(key=lambda stored: -stored.key.duration_ns)
        start = _number(request, "page") * ROWS_A_PAGE
        rows = [_row(stored) for stored in chosen[start : start + ROWS_A_PAGE]]
        return JSONResponse({"total": len(chosen), "size": ROWS_A_PAGE, "rows": rows})

    def flamegraph(self, request: Request) -> Response:
        chosen = self._chosen(request, "choice")
        captures = self._read(few(chosen))
        profile = profile_of(next(captures)) if len(chosen) == 1 else merge(_some(captures))
        return HTMLResponse(_utf8(render_profile(hide_bootstrap(profile))), headers=_FRAMED)

    def capture(self, request: Request) -> Response:
        path = request.query_params.get("path", "")
        stored = self._index.stored(_function(request), path)
        if stored is None:
            raise SelectionError("the store holds no such capture")
        profile = hide_bootstrap(profile_of(decode(self._index.store.read(stored.path))))
        return HTMLResponse(_utf8(render_profile(profile)), headers=_FRAMED)

    def diff(self, request: Request) -> Response:
        before, after = (self._side(request, name) for name in ("before", "after"))
        return HTMLResponse(_utf8(render_diff(before, after, compare(before, after))), headers=_FRAMED)

    def leaks(self, request: Request) -> Response:
        found = self._index.invocations(_function(request))
        newest = sorted(found.captures, key=lambda stored: -stored.key.started_at_ns)[:_JUDGED_AT_MOST]
        report = judge(self._read(newest))
        return HTMLResponse(_utf8(render_leaks(report, everything=False)), headers=_FRAMED)

    # ---- from a request to captures -------------------------------------------------------------

    def _chosen(self, request: Request, name: str) -> list[StoredCapture]:
        found = self._index.invocations(_function(request))
        chosen = Choice.parse(request.query_params.get(name, "")).of(found)
        if not chosen:
            raise SelectionError("no invocation is in that part of the picture")
        return chosen

    def _read(self, chosen: Iterable[StoredCapture]) -> Iterator[Capture]:
        """Yield the captures of a choice; one that is broken, or gone meanwhile, is left out."""
        for _, data in read_many(self._index.store, chosen):
            if isinstance(data, UnreadableCapture):
                continue
            try:
                yield decode(data)
            except CaptureFormatError:
                continue

    def _side(self, request: Request, name: str) -> Side:
        chosen = self._chosen(request, name)
        side = Side(f"{name}, {counted(len(chosen), 'invocation')}", _handler_lane)
        for capture in self._read(few(chosen)):
            profile = hide_bootstrap(profile_of(capture))
            if profile.lanes and profile.lanes[0].unit == "nanoseconds":
                side.add(profile)
        return side


def _some(captures: Iterator[Capture]) -> Iterator[Capture]:
    count = 0
    for capture in captures:
        count += 1
        yield capture
    if not count:
        raise CaptureFormatError("none of the captures could be read")


def _handler_lane(profile: Profile) -> list[Lane]:
    return [profile.lanes[0]]


def _row(stored: StoredCapture) -> dict[str, Any]:
    key = stored.key
    return {
        "path": stored.path,
        "started_ms": key.started_at_ns / 1e6,
        "duration_ms": key.duration_ns / 1e6,
        "outcome": key.outcome,
        "cold": key.cold,
        "sequence": key.sequence,
        "environment": key.environment_id,
        "request": key.request_id,
    }


def _function(request: Request) -> str:
    name = request.query_params.get("function")
    if not name:
        raise SelectionError("which function?")
    return name


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.isdecimal() or len(text) > 9:
        raise SelectionError(f"{name} is no number")
    return int(text)


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _utf8(page: str) -> bytes:
    return page.encode("utf-8", "backslashreplace")
