"""What switching the profiler on or off changes in a function: pure, from one configuration to the next.

`PROFILER_BEFORE` holds what has to be put back: the function's own PROFILER_* variables as they were, and
the layer that was added or replaced. Everything else in a configuration stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from profiler.deploy.function import EXEC_WRAPPER, INNER_WRAPPER, OUR_WRAPPER, Function, layer_of
from profiler.errors import FunctionError, ProfilerError
from profiler.location import LocalLocation, parse_location
from profiler.settings import OTHER_VARIABLES, SECRETS, Settings, variable_of

BEFORE = "PROFILER_BEFORE"
# "Lambda quotas", AWS Lambda developer guide; Lambda measures the variables as JSON.
VARIABLES_AT_MOST_BYTES = 4096
LAYERS_AT_MOST = 5
_OLDEST_PYTHON = 10
# Shown by their names only.
_SECRET = tuple(map(variable_of, SECRETS))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `enable` is asked for: variables of settings, a layer, and whether to use the exec wrapper.

    `wrapper` None: where the layer is, or comes, that brings it along.
    """

    settings: Mapping[str, str]
    layer: str | None = None
    wrapper: bool | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A function before and after."""

    before: Function
    after: Function
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether everything is already as it should be."""
        return self.before == self.after

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of UpdateFunctionConfiguration: the revision, and only what changes."""
        arguments: dict[str, Any] = {"FunctionName": self.after.name, "RevisionId": self.before.revision_id}
        if self.after.variables != self.before.variables:
            arguments["Environment"] = {"Variables": dict(self.after.variables)}
        if self.after.layers != self.before.layers:
            arguments["Layers"] = list(self.after.layers)
        return arguments

    def lines(self) -> Iterator[str]:
        """Yield the difference, one line each; no variable of the function's own is in it."""
        old, new = self.before.variables, self.after.variables
        for name in sorted({*old, *new}):
            if name not in old:
                yield f"+ {name}={_shown(name, new[name])}"
            elif name not in new:
                yield f"- {name}={_shown(name, old[name])}"
            elif old[name] != new[name]:
                yield f"~ {name}={_shown(name, old[name])} → {_shown(name, new[name])}"
        yield from (f"- layer {arn}" for arn in self.before.layers if arn not in self.after.layers)
        yield from (f"+ layer {arn}" for arn in self.after.layers if arn not in self.before.layers)


def enable(function: Function, wanted: Wanted) -> Change:
    """Return the change that switches the profiler on, over whatever an earlier one did.

    Raises:
        FunctionError: a function, or a setting, with which that cannot work.
    """
    _check_runtime(function, wanted)
    original, earlier = _undone(function)
    settings = {**_settings(function.variables), **wanted.settings}
    _check_settings(function.name, settings)
    layer = wanted.layer or earlier.layer
    layers, replaced = _with_layer(original, layer)
    wrapper = _uses_wrapper(function, wanted)
    variables = {**original.variables, **settings}
    puts_wrapper = wrapper and not original.has_wrapper
    if puts_wrapper:
        if inner := variables.get(EXEC_WRAPPER):
            variables[INNER_WRAPPER] = inner
        variables[EXEC_WRAPPER] = OUR_WRAPPER
    before = Before(
        settings=_settings(original.variables),
        layer=layer if layers != original.layers else None,
        replaced=replaced,
        wrapper=puts_wrapper,
    )
    variables[BEFORE] = before.encode()
    size = len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())
    if size > VARIABLES_AT_MOST_BYTES:
        limit = VARIABLES_AT_MOST_BYTES
        raise FunctionError(f"{function.name}: its variables would take {size} bytes, Lambda allows {limit}")
    after = replace(function, variables=variables, layers=layers)
    return Change(function, after, tuple(_notes(after, wrapper)))


def disable(function: Function) -> Change:
    """Return the change that puts everything back as it was before `enable`.

    A function that was switched on by other means loses the flag, and keeps the rest.
    """
    original, _ = _undone(function)
    if BEFORE not in function.variables and function.state != "off":
        variables = {n: value for n, value in function.variables.items() if n != "PROFILER_ENABLED"}
        original = replace(function, variables=variables)
    notes = ("it was on before it was enabled, and still is",) if original.state != "off" else ()
    return Change(function, original, notes)


@dataclass(frozen=True, slots=True)
class Before:
    """What `disable` goes by: the settings that were there, the layer added, the one replaced by it."""

    settings: Mapping[str, str] = field(default_factory=dict)
    layer: str | None = None
    replaced: str | None = None
    wrapper: bool = False

    def encode(self) -> str:
        """Return it as short as may be: what is not there takes no room."""
        values = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def decode(cls, name: str, text: str) -> Before:
        """Read it. Raises FunctionError."""
        try:
            values = json.loads(text)
            dict(values.get("settings", {}))
            return cls(**{key: values[key] for key in cls.__slots__ if key in values})
        except (ValueError, TypeError, AttributeError) as error:
            raise FunctionError(
                f"{name}: {BEFORE} cannot be read; remove it and the other PROFILER_* variables by hand"
            ) from error


def _undone(function: Function) -> tuple[Function, Before]:
    """Return the function as it was before `enable`, and what `enable` had noted."""
    if BEFORE not in function.variables:
        return function, Before()
    before = Before.decode(function.name, function.variables[BEFORE])
    ours = {BEFORE, *_settings(function.variables)}
    variables = {name: value for name, value in function.variables.items() if name not in ours}
    variables.update(before.settings)
    if before.wrapper:
        inner = variables.pop(INNER_WRAPPER, None)
        if function.has_wrapper:  # else somebody has put another in its place
            del variables[EXEC_WRAPPER]
            if inner:
                variables[EXEC_WRAPPER] = inner
    put_back = {before.layer: before.replaced} if before.layer else {}
    layers = tuple(arn for layer in function.layers if (arn := put_back.get(layer, layer)))
    return replace(function, variables=variables, layers=layers), before


def _settings(variables: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in variables.items()
        if name.startswith("PROFILER_") and name not in OTHER_VARIABLES
    }


def _check_runtime(function: Function, wanted: Wanted) -> None:
    if function.is_image:
        if wanted.layer:
            raise FunctionError(
                f"{function.name}: a container image takes no layer; install the profiler in the image"
            )
        return
    runtime = function.runtime or "no managed runtime"
    name, _, minor = runtime.partition("python3.")
    if name or not minor.isdigit():
        raise FunctionError(f"{function.name}: runs {runtime}, and this is a profiler for Python")
    if int(minor) < _OLDEST_PYTHON:
        raise FunctionError(
            f"{function.name}: runs {runtime}; the profiler needs 3.{_OLDEST_PYTHON} or later"
        )


def _check_settings(name: str, settings: Mapping[str, str]) -> None:
    store = settings.get("PROFILER_STORE", "").strip()
    if not store:
        raise FunctionError(f"{name}: PROFILER_STORE is not set: give --store s3://bucket/prefix")
    try:
        Settings.from_env(settings)
        location = parse_location(store)
    except ProfilerError as error:
        raise FunctionError(f"{name}: {error}") from error
    if isinstance(location, LocalLocation) and not location.path.is_absolute():
        raise FunctionError(f"{name}: PROFILER_STORE={store} is a folder of yours: give s3://bucket/prefix")


def _with_layer(function: Function, layer: str | None) -> tuple[tuple[str, ...], str | None]:
    """Return the layers with that one in it, and the version of the same that it takes the place of."""
    if layer is None or layer in function.layers:
        return function.layers, None
    same = next((arn for arn in function.layers if arn.rpartition(":")[0] == layer_of(layer)), None)
    if same is not None:
        return tuple(layer if arn == same else arn for arn in function.layers), same
    if len(function.layers) >= LAYERS_AT_MOST:
        raise FunctionError(f"{function.name}: has {LAYERS_AT_MOST} layers already, as many as Lambda allows")
    return (*function.layers, layer), None


def _uses_wrapper(function: Function, wanted: Wanted) -> bool:
    if wanted.wrapper is not None:
        return wanted.wrapper
    if function.has_entry_point:
        return False
    return bool(wanted.layer or function.layer or function.has_wrapper)


def _notes(function: Function, wrapper: bool) -> Iterator[str]:
    if not (wrapper or function.has_wrapper or function.has_entry_point):
        other = "the image our entry point" if function.is_image else "--layer ARN"
        yield f"only variables are set, so its code needs @profile, or {other}"
    if function.snap_start:
        yield "with SnapStart, publish a version of it now"


def _shown(name: str, value: str) -> str:
    if name in _SECRET:
        return "(secret)"
    return "(what disable puts back)" if name == BEFORE else value
