"""`profiler enable`: switch the profiler on in Lambda functions, by their variables and a layer."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields

from profiler.cli.functions import add_change, change_each
from profiler.deploy.change import Change, Wanted, enable
from profiler.deploy.function import Function, layer_of
from profiler.settings import CPU_CHOICES, LIVE, MEMORY_CHOICES, Settings, unknown_variables, variable_of

_OPTIONS = ("store", "rate", "cpu", "memory", "flag")
_EPILOG = (
    "Only the profiler's own variables, the exec wrapper and the layer are changed, and `profiler disable`"
    " puts them back. With the layer (--layer, or one that the function has, named invocation-profiler) the"
    " code stays as it is; without it the code needs @profile."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = _EPILOG
    add_change(parser)
    parser.add_argument(
        "--store",
        metavar="URI",
        help="s3://bucket/prefix (what the function has, else PROFILER_STORE of this shell)",
    )
    parser.add_argument("--rate", metavar="SHARE", help="share of invocations captured (1)")
    parser.add_argument("--cpu", metavar="ENGINE", help=f"{', '.join(CPU_CHOICES)} (sampler)")
    parser.add_argument("--memory", metavar="MODE", help=f"{', '.join(MEMORY_CHOICES)} (census)")
    parser.add_argument(
        "--flag",
        metavar="SOURCE",
        help="a live flag that switches captures: ssm:PARAMETER, appconfig:A/E/P or openfeature:KEY",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="any other setting, for example max_captures=100; may be repeated",
    )
    parser.add_argument("--layer", metavar="ARN", help="the layer's version, from `profiler layer build`")
    parser.add_argument(
        "--wrapper",
        action=argparse.BooleanOptionalAction,
        help="use /opt/invocation-profiler, or do not (where the layer is)",
    )


def run(options: argparse.Namespace) -> int:
    """Return 0, or 2 where a function could not be switched on."""
    settings = {variable_of("enabled"): LIVE if options.flag else "1", **dict(options.settings)}
    for name in _OPTIONS:
        if (value := getattr(options, name)) is not None:
            settings[variable_of(name)] = value
    if options.layer:
        layer_of(options.layer)
    wanted = Wanted(settings, options.layer, options.wrapper)
    default_store = os.environ.get("PROFILER_STORE", "")

    def plan(function: Function) -> Change:
        own = {**function.variables, **settings}.get("PROFILER_STORE")
        if own or not default_store.startswith("s3://"):
            return enable(function, wanted)
        here = {**settings, "PROFILER_STORE": default_store}
        return enable(function, Wanted(here, options.layer, options.wrapper))

    return change_each(options, plan, _told)


def _told(made: Change) -> str:
    if made.is_empty:
        return "is on already, as asked"
    function = made.after
    how = f", through {'our exec wrapper' if function.has_wrapper else 'our entry point'}"
    if not (function.has_wrapper or function.has_entry_point):
        how = ""
    return f"{function.state}, captures go to {function.variables['PROFILER_STORE']}{how}"


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    name = name.strip().upper().removeprefix("PROFILER_")
    variable = f"PROFILER_{name}"
    if not equals or not name or unknown_variables({variable: ""}):
        names = ", ".join(sorted(field.name for field in fields(Settings)))
        raise argparse.ArgumentTypeError(f"{text}: write NAME=VALUE; there are {names}")
    return variable, value
