"""The `viewer` command: one file a command, loaded only when it is the one that was asked for."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from profiler.errors import ProfilerError

COMMANDS = {
    "ls": "viewer.cli.ls",
    "show": "viewer.cli.show",
    "pull": "viewer.cli.pull",
    "flamegraph": "viewer.cli.flamegraph",
    "top": "viewer.cli.top",
    "open": "viewer.cli.open",
    "export": "viewer.cli.export",
    "serve": "viewer.cli.serve",
    "diff": "viewer.cli.diff",
    "leaks": "viewer.cli.leaks",
}
# What a command needs beyond the runtime's own dependencies, and the extra that brings it.
_EXTRAS = {
    "rich": "viewer",
    "boto3": "viewer",
    "botocore": "viewer",
    "textual": "terminal",
    "starlette": "viewer,serve",
    "uvicorn": "viewer,serve",
}
_ABOUT = "Look at the captures that functions left: flame graphs, tables, leaks."


class Command(Protocol):
    """What a command's module offers; `HELP` is one line."""

    HELP: str

    def configure(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 2 for an error (`leaks`: 1 for a leak)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _never_fail_to_print()
    try:
        return _run(arguments)
    except SystemExit as error:  # argparse: --help, or a message that it has already printed
        return error.code if isinstance(error.code, int) else 2
    except ProfilerError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(str(error.name).partition(".")[0])
        if extra is None:
            raise
        return _fail(f"{error.name} is not installed: pip install 'invocation-profiler[{extra}]'")
    except BrokenPipeError:
        # `viewer ls | head`: what Python would flush at exit must have somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        return 128 + 2


def load(name: str) -> Command:
    """Import a command's module."""
    command: Command = importlib.import_module(COMMANDS[name])
    return command


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(_version())
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        _overview().parse_args(arguments or ["--help"])
    command = load(arguments[0])
    parser = argparse.ArgumentParser(prog=f"viewer {arguments[0]}", description=command.HELP)
    command.configure(parser)
    code = command.run(parser.parse_args(arguments[1:]))
    sys.stdout.flush()
    return code


def _overview() -> argparse.ArgumentParser:
    """Return the parser of `viewer` itself; describing every command imports them all."""
    width = max(map(len, COMMANDS))
    commands = "".join(f"  {name:{width}}  {load(name).HELP}\n" for name in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="viewer",
        usage="viewer COMMAND [FUNCTION] [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"{_ABOUT}\n\ncommands:\n{commands}",
        epilog="viewer COMMAND --help says more about each.",
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="store_true", help="print the version")
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"invocation-profiler {version('invocation-profiler')}"
    except PackageNotFoundError:
        return "invocation-profiler, not installed"


def _fail(message: str) -> int:
    from viewer.units import printable

    print(f"viewer: {printable(' '.join(message.split()))}", file=sys.stderr)
    return 2


def _never_fail_to_print() -> None:
    """Escape what a terminal's encoding lacks: an arrow must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
