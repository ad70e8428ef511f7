"""`viewer ls`: what a store holds, from the names of its objects alone."""

from __future__ import annotations

import argparse
import json

from viewer.cli import selection, terminal
from viewer.cli.terminal import Column
from viewer.store import StoredCapture
from viewer.units import duration, moment, size

HELP = "list captures, newest first, without opening them"

_COLUMNS = (
    Column("function", elastic=True),
    Column("started (UTC)", style="dim"),
    Column("duration", right=True),
    Column("outcome", marks=dict.fromkeys(("error", "timeout", "out-of-memory", "crashed"), "red")),
    Column("start", marks={"cold": "cyan", "init": "magenta"}),
    Column("number", right=True),
    Column("environment", elastic=True),
    Column("request", elastic=True),
    Column("size", right=True, style="dim"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser, all_functions=True)
    parser.add_argument("--json", action="store_true", help="one JSON list, with the path of each capture")


def run(args: argparse.Namespace) -> int:
    selected = selection.select(args, all_functions=True, both_kinds=True)
    for path in selected.plain_files:
        terminal.say(f"{path} is a profile of another tool, and no capture")
    if args.json:
        print(json.dumps([_record(stored) for stored in selected.captures], indent=1))
    elif selected.captures:
        terminal.write(terminal.table(_COLUMNS, [_row(stored) for stored in selected.captures]))
    return selected.exit_code()


def _row(stored: StoredCapture) -> list[str]:
    key = stored.key
    return [
        key.function_name,
        moment(key.started_at_ns)[:-1],
        duration(key.duration_ns),
        key.outcome,
        "init" if key.is_init else "cold" if key.cold else "warm",
        "" if key.is_init else f"{key.sequence:,}",
        key.environment_id,
        "" if key.is_init else key.request_id,
        size(stored.size_bytes),
    ]


def _record(stored: StoredCapture) -> dict[str, object]:
    key = stored.key
    return {
        "function": key.function_name,
        "sequence": key.sequence,
        "started": moment(key.started_at_ns),
        "started_at_ns": key.started_at_ns,
        "duration_ns": key.duration_ns,
        "outcome": key.outcome,
        "cold": key.cold,
        "init": key.is_init,
        "environment": key.environment_id,
        "request_id": key.request_id,
        "size_bytes": stored.size_bytes,
        "path": stored.path,
    }
