"""`profiler token`: sign a request that makes a function capture one invocation."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import time
from pathlib import Path

from profiler.cli.durations import seconds_of
from profiler.deploy.function import FunctionName
from profiler.errors import UsageError
from profiler.triggers.carriers import NAME
from profiler.triggers.token import LIFETIME_AT_MOST_S, SHORTEST_KEY, make_token

_KEY = "PROFILER_REQUEST_KEY"
_EPILOG = (
    f"The key is read from {_KEY} or from a file, never from the command line. The same key stands in the"
    f" function's {_KEY}."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = _EPILOG
    parser.add_argument("function", metavar="FUNCTION", help="the function's name, or its ARN")
    parser.add_argument(
        "--expires",
        type=lambda text: seconds_of(text, LIFETIME_AT_MOST_S),
        default=600,
        metavar="TIME",
        help="how long it is valid: 45s, 10m, 2h (10m)",
    )
    parser.add_argument("--key-file", metavar="FILE", help="a file with the key, - for standard input")
    parser.add_argument("--quiet", action="store_true", help="print the token alone")


def run(options: argparse.Namespace) -> int:
    """Print a token on stdout, and on stderr how it is sent."""
    expires_at_s = int(time.time()) + options.expires
    token = make_token(_key(options.key_file), _name_of(options.function), expires_at_s, os.urandom(8).hex())
    print(token)
    if not options.quiet:
        until = datetime.datetime.fromtimestamp(expires_at_s, datetime.timezone.utc)
        print(f"{_how_to_send()}\nvalid until {until:%Y-%m-%d %H:%M:%S} UTC", file=sys.stderr)
    return 0


def _name_of(function: str) -> str:
    # Outside of Lambda a function has the name of its module, which may have dots in it.
    return FunctionName.parse(function).plain if ":" in function else function


def _how_to_send() -> str:
    return (
        f"header, message attribute, or field of the event (or of EventBridge's detail): {NAME}\n"
        f"for example: curl -H '{NAME}: TOKEN' URL"
    )


def _key(file: str | None) -> str:
    if file is None:
        key = os.environ.get(_KEY, "")
        if not key.strip():
            raise UsageError(f"token: set {_KEY}, or give --key-file FILE")
    else:
        try:
            key = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"token: {file}: {getattr(error, 'strerror', None) or error}") from error
    key = key.strip()
    if len(key) < SHORTEST_KEY:
        raise UsageError(f"token: a key has {SHORTEST_KEY} characters at least")
    return key
