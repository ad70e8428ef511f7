"""`viewer show`: the facts of one capture, its memory, and what was declined."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator

from profiler.capture import AllocationSite, Capture, Container
from viewer.cli import selection, terminal
from viewer.cli.filters import NEWEST, parse_count
from viewer.cli.terminal import Column, Line
from viewer.facts import facts_of, process_facts
from viewer.renderers.text import location
from viewer.units import duration, signed_size, size

HELP = "show one capture's facts, memory and largest containers"

_LARGEST = 15
_CONTAINERS = (
    Column("container", elastic=True),
    Column("type", style="dim", elastic=True),
    Column("entries", right=True),
    Column("at most", right=True),
    Column("size", right=True),
    Column("filled at", style="dim", elastic=True),
)
_SITES = (
    Column("retained", right=True),
    Column("live", right=True),
    Column("blocks", right=True),
    Column("allocation site", elastic=True),
)
_THREADS = (Column("thread", elastic=True), Column("watched", right=True), Column("runs", right=True))


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, default=NEWEST)
    parser.add_argument(
        "--limit",
        type=parse_count,
        default=_LARGEST,
        metavar="N",
        help=f"rows per table (default {_LARGEST})",
    )
    parser.add_argument("--json", action="store_true", help="everything but the samples, as JSON")


def run(args: argparse.Namespace) -> int:
    selected = selection.choose_one(selection.select(args, newest=True))
    for stored, capture in selection.read_captures(selected):
        if args.json:
            print(json.dumps(_record(stored.path, capture), indent=1))
        else:
            terminal.write(_lines(capture, args.limit))
    return selected.exit_code()


def _lines(capture: Capture, limit: int) -> Iterator[Line]:
    facts = facts_of(capture)
    facts.pop("Notes", None)
    yield from terminal.pairs(facts.items())
    yield from _section("Process", list(terminal.pairs(process_facts(capture.memory).items())))
    yield from _section("Samples", list(_threads(capture)))
    yield from _section("Largest containers", list(_containers(capture, limit)))
    yield from _section("Allocation sites", list(_sites(capture, limit)))
    yield from _section("Notes", [[(note, "yellow")] for note in terminal.safe(capture.notes)])


def _section(title: str, lines: list[Line]) -> Iterator[Line]:
    if lines:
        yield []
        yield terminal.heading(title)
        yield from lines


def _threads(capture: Capture) -> Iterator[Line]:
    rows = [
        [thread.name, duration(sum(thread.weights_ns)), f"{len(thread.weights_ns):,}"]
        for thread in capture.threads
    ]
    return terminal.table(_THREADS, rows) if rows else iter(())


def _containers(capture: Capture, limit: int) -> Iterator[Line]:
    census = sorted(capture.memory.census, key=lambda entry: (-(entry.bytes or 0), -entry.entries))
    if not census:
        return
    yield from terminal.table(_CONTAINERS, [_container_row(capture, entry) for entry in census[:limit]])
    if len(census) > limit:
        yield [(f"and {len(census) - limit:,} more (--limit)", "dim")]
    if not capture.memory.census_complete:
        yield [("the census ran out of time or room and is not complete", "yellow")]


def _container_row(capture: Capture, entry: Container) -> list[str]:
    bound = "no bound" if entry.bound is None else f"{entry.bound:,}"
    return [
        entry.path,
        entry.type,
        f"{entry.entries:,}",
        f"{bound}, expires" if entry.expires else bound,
        "" if entry.bytes is None else size(entry.bytes),
        ", ".join(location(capture.frames[index]) for index in entry.filled_at[:2]),
    ]


def _sites(capture: Capture, limit: int) -> Iterator[Line]:
    sites = sorted(capture.memory.sites, key=lambda site: (-site.growth_bytes, -site.live_bytes))
    if not sites:
        return
    yield from terminal.table(_SITES, [_site_row(capture, site) for site in sites[:limit]])
    if len(sites) > limit:
        yield [(f"and {len(sites) - limit:,} more (--limit)", "dim")]


def _site_row(capture: Capture, site: AllocationSite) -> list[str]:
    where = ""
    if site.stack:
        frame = capture.frames[site.stack[-1]]
        where = f"{location(frame)} in {frame.name}" if frame.name else location(frame)
    return [signed_size(site.growth_bytes), size(site.live_bytes), f"{site.live_blocks:,}", where]


def _record(path: str, capture: Capture) -> dict[str, object]:
    """Return a capture without its samples; frames are written out where memory refers to them."""
    record = dataclasses.asdict(dataclasses.replace(capture, frames=(), threads=(), call_graph=None))
    for name in ("frames", "threads", "call_graph"):
        del record[name]
    for entry in record["memory"]["census"]:
        entry["filled_at"] = [dataclasses.asdict(capture.frames[index]) for index in entry["filled_at"]]
    for site in record["memory"]["sites"]:
        site["stack"] = [dataclasses.asdict(capture.frames[index]) for index in site["stack"]]
    threads = [{"name": thread.name, "watched_ns": sum(thread.weights_ns)} for thread in capture.threads]
    return {"path": path, **record, "threads": threads}
