"""`profiler flag`: switch the live flag of Lambda functions, where that is a parameter."""

from __future__ import annotations

import argparse
import datetime
import time

from profiler.cli.durations import seconds_of
from profiler.cli.functions import add_functions, for_each
from profiler.deploy.function import Function, FunctionName
from profiler.deploy.lambda_api import LambdaApi
from profiler.deploy.parameter import FlagParameter, switched
from profiler.errors import FunctionError
from profiler.flag.value import FlagError, Value, value_of

_EPILOG = (
    "The function's PROFILER_FLAG says which parameter it is (ssm:NAME). The function itself is not changed,"
    " and its warm environments stay: they see the new value after PROFILER_FLAG_TTL_S at the latest; through"
    " AWS's extension for parameters, which caches it, after SSM_PARAMETER_STORE_TTL."
)
_LONGEST_S = 30 * 24 * 3600


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = _EPILOG
    parser.add_argument("action", choices=("on", "off", "status"))
    add_functions(parser)
    parser.add_argument(
        "--for",
        dest="duration_s",
        type=lambda text: seconds_of(text, _LONGEST_S),
        metavar="TIME",
        help="with on: off again by itself after 45s, 10m, 2h or 1d",
    )


def run(options: argparse.Namespace) -> int:
    """Return 0, or 2 where a flag could not be read or switched."""

    def act(api: LambdaApi, name: FunctionName) -> None:
        parameter = FlagParameter(_parameter_of(api.read(name)), name.region)
        function_name = name.name.rpartition(":")[2]
        content = parameter.read()
        if options.action != "status":
            written = switched(content, function_name, _value(options))
            parameter.write(written, is_new=content is None)
            content = written
        print(f"{name.name}: {_told(content, function_name)}")

    return for_each(options.functions, act)


def _parameter_of(function: Function) -> str:
    kind, _, parameter = function.variables.get("PROFILER_FLAG", "").partition(":")
    if kind != "ssm" or not parameter:
        where = f"is {kind}'s: switch it there" if kind else "is not set: `profiler enable --flag ssm:NAME`"
        raise FunctionError(f"{function.name}: PROFILER_FLAG {where}")
    if function.state != "live":
        raise FunctionError(f"{function.name}: PROFILER_ENABLED is {function.state}, so no flag is read")
    return parameter


def _value(options: argparse.Namespace) -> str:
    if options.action == "off":
        return "off"
    if options.duration_s is None:
        return "on"
    return f"on until {_moment(time.time() + options.duration_s)}"


def _told(content: str | None, function_name: str) -> str:
    if content is None:
        return "off, for there is no such parameter yet"
    try:
        value = value_of(content, function_name)
    except FlagError as error:
        return f"off, for the parameter {error}"
    return _state(value, time.time())


def _state(value: Value, now_s: float) -> str:
    if not value.holds(now_s):
        return "off" if not value.is_on else f"off since {_moment(value.until_s)}"
    return "on" if value.until_s == float("inf") else f"on until {_moment(value.until_s)}"


def _moment(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
