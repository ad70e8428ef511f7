"""The `profiler` command: one file a subcommand, imported when it is called."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from profiler.errors import ProfilerError, UsageError

COMMANDS = {
    "run": "profiler.cli.run",
    "demo": "profiler.cli.demo",
    "enable": "profiler.cli.enable",
    "disable": "profiler.cli.disable",
    "status": "profiler.cli.status",
    "flag": "profiler.cli.flag",
    "layer": "profiler.cli.layer",
    "policy": "profiler.cli.policy",
    "token": "profiler.cli.token",
}
HELP = {
    "run": "call a handler on this machine and capture every invocation",
    "demo": "profile a sample function with a planted leak, and look at what came out",
    "enable": "switch the profiler on in Lambda functions",
    "disable": "switch it off again and put everything back as it was",
    "status": "show how Lambda functions are profiled",
    "flag": "switch a live flag on or off, without touching the function",
    "layer": "build the layer that brings the profiler to a function",
    "policy": "print the permissions that a function or a viewer needs",
    "token": "sign a request for one capture",
}
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 128 + 13


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, as every other error."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        command = self.prog.partition(" ")[2]
        raise UsageError(f"{command}: {message}" if command else message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; an error is one line on stderr and exit code 2."""
    _never_fail_to_print()
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except SystemExit as done:  # argparse has printed a help
        return done.code if isinstance(done.code, int) else EXIT_ERROR
    except ProfilerError as error:
        print(f"profiler: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_ERROR
    except BrokenPipeError:
        # `profiler status | head`: what Python would flush at exit must have somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(_version())
        return 0
    options = _parse(arguments or ["--help"])
    code = int(options.run(options))
    sys.stdout.flush()
    return code


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(prog="profiler", description="Profile invocations of a Python function.")
    parser.add_argument("--version", action="store_true", help="print the version")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, module_name in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=HELP[name], description=HELP[name].capitalize() + ".")
        if name == chosen:
            module = import_module(module_name)
            module.configure(subparser)
            subparser.set_defaults(run=module.run)
    return parser.parse_args(arguments)


def _never_fail_to_print() -> None:
    """Escape what a terminal's encoding lacks: an arrow must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"invocation-profiler {version('invocation-profiler')}"
    except PackageNotFoundError:
        return "invocation-profiler, not installed"
