"""The `profiler` command: one file a subcommand, imported when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from profiler.errors import ProfilerError

COMMANDS = {
    "run": "profiler.cli.run",
    "demo": "profiler.cli.demo",
}
HELP = {
    "run": "call a handler on this machine and capture every invocation",
    "demo": "profile a sample function with a planted leak, and look at what came out",
}
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; an error is one line on stderr and exit code 2."""
    options = _parse(list(sys.argv[1:] if arguments is None else arguments))
    try:
        return int(options.run(options))
    except ProfilerError as error:
        print(f"profiler: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="profiler", description="Profile invocations of a Python function.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, module_name in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=HELP[name], description=HELP[name].capitalize() + ".")
        if name == chosen:
            module = import_module(module_name)
            module.configure(subparser)
            subparser.set_defaults(run=module.run)
    return parser.parse_args(arguments)
