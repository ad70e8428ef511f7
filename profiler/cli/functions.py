"""What the commands over Lambda functions share: go through them, and report each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable

from profiler.deploy.change import Change
from profiler.deploy.function import Function, FunctionName
from profiler.deploy.lambda_api import LambdaApi
from profiler.errors import FunctionError


def add_functions(parser: argparse.ArgumentParser) -> None:
    """Declare the functions, by name or ARN."""
    parser.add_argument("functions", nargs="+", metavar="FUNCTION", help="a function's name or ARN")


def add_change(parser: argparse.ArgumentParser) -> None:
    """Declare the functions, and how they are changed."""
    add_functions(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the difference, and change nothing")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until the change is in effect")


def for_each(names: Iterable[str], act: Callable[[LambdaApi, FunctionName], None]) -> int:
    """Act on every function; a failure is one line, and exit code 2 after all have had their turn."""
    failed = False
    apis: dict[str | None, LambdaApi] = {}
    for text in names:
        try:
            name = FunctionName.parse(text)
        except FunctionError as error:
            failed = _fail(error)
            continue
        if name.region not in apis:
            apis[name.region] = LambdaApi(name.region)  # without a client there is none for the rest either
        try:
            act(apis[name.region], name)
        except FunctionError as error:
            failed = _fail(error)
    return 2 if failed else 0


def _fail(error: FunctionError) -> bool:
    print(f"profiler: {' '.join(str(error).split())}", file=sys.stderr)
    return True


def change_each(
    options: argparse.Namespace, plan: Callable[[Function], Change], done: Callable[[Change], str]
) -> int:
    """Change every function as `plan` says, or show what would be; `done` words a change that was made."""

    def act(api: LambdaApi, name: FunctionName) -> None:
        name = name.changeable()
        if options.dry_run:
            change = plan(api.read(name))
            print(f"{name.name}: {'nothing to change' if change.is_empty else 'would change'}")
            for line in change.lines():
                print(f"  {line}")
        else:
            change = api.change(name, plan, wait=not options.no_wait)
            print(f"{name.name}: {done(change)}")
        for note in change.notes:
            print(f"  {note}")

    return for_each(options.functions, act)
