"""`profiler status`: how Lambda functions are profiled."""

from __future__ import annotations

import argparse
import json

from profiler.cli.functions import add_functions, for_each
from profiler.deploy.function import Function, FunctionName, layer_name
from profiler.deploy.lambda_api import LambdaApi

_COLUMNS = ("function", "state", "store", "layer", "wrapper", "runtime", "memory", "updated")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_functions(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Return 0, or 2 where a function could not be looked at."""
    seen: list[dict[str, object]] = []

    def look(api: LambdaApi, name: FunctionName) -> None:
        label = f"{name.name}:{name.qualifier}" if name.qualifier else name.name
        seen.append({"function": label, **_facts(api.read(name))})

    code = for_each(options.functions, look)
    if options.json:
        print(json.dumps(seen, indent=2))
    elif seen:
        _print_table([_row(facts) for facts in seen])
    return code


def _facts(function: Function) -> dict[str, object]:
    return {
        "state": function.state,
        "store": function.variables.get("PROFILER_STORE") or None,
        "layer": function.layer,
        "wrapper": function.has_wrapper,
        "inner_wrapper": function.inner_wrapper,
        "entry_point": function.has_entry_point,
        "runtime": "container image" if function.is_image else function.runtime,
        "memory_mb": function.memory_mb,
        "updated": function.last_modified,
        "update_status": function.update_status,
    }


def _row(facts: dict[str, object]) -> tuple[str, ...]:
    layer = str(facts["layer"] or "")
    wrapper = f"yes, then {facts['inner_wrapper']}" if facts["inner_wrapper"] else "yes"
    if not facts["wrapper"]:
        wrapper = "entry point" if facts["entry_point"] else "no"
    updated = str(facts["updated"]).partition(".")[0].replace("T", " ")
    if facts["update_status"] != "Successful":
        updated += f" ({facts['update_status']})"
    return (
        str(facts["function"]),
        str(facts["state"]),
        str(facts["store"] or "-"),
        f"{layer_name(layer)}:{layer.rpartition(':')[2]}" if layer else "-",
        wrapper,
        str(facts["runtime"]),
        f"{facts['memory_mb']} MB",
        updated,
    )


def _print_table(rows: list[tuple[str, ...]]) -> None:
    table = [_COLUMNS, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
