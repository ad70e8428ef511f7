"""A Lambda function as its configuration shows it, and the names by which people call one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from profiler.errors import FunctionError
from profiler.flag.value import FALSE, TRUE

EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
INNER_WRAPPER = "PROFILER_INNER_WRAPPER"
OUR_WRAPPER = "/opt/invocation-profiler"
# Not imported from there: an import of the entry point loads the handler.
ENTRY_POINT = "profiler.aws.entrypoint.handler"
LAYER_NAME = "invocation-profiler"
# FunctionName of GetFunctionConfiguration, AWS Lambda API reference.
_NAME = re.compile(
    r"(?:arn:(?P<partition>aws[\w-]*):lambda:(?P<region>[\w-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[\w-]{1,140})(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)
_LAYER = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:layer:(?P<name>[\w-]+):(?P<version>\d+)")


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function's name or ARN, without its qualifier; `region` where an ARN gives one."""

    name: str
    qualifier: str | None = None
    region: str | None = None

    @classmethod
    def parse(cls, text: str) -> FunctionName:
        """Return what a name, a partial or a whole ARN says. Raises FunctionError."""
        match = _NAME.fullmatch(text)
        if match is None:
            raise FunctionError(f"{text}: no name and no ARN of a Lambda function")
        qualifier = match["qualifier"]
        name = text.removesuffix(f":{qualifier}") if qualifier else text
        return cls(name, None if qualifier == "$LATEST" else qualifier, match["region"])

    @property
    def plain(self) -> str:
        """The name alone, as the function itself knows it."""
        return self.name.rpartition(":")[2]

    def changeable(self) -> FunctionName:
        """Return the name of what can be changed. Raises FunctionError for a version or an alias."""
        if self.qualifier is not None:
            raise FunctionError(
                f"{self.name}:{self.qualifier}: versions and aliases cannot be changed;"
                f" change {self.name}, then publish a version of it"
            )
        return self


@dataclass(frozen=True, slots=True)
class Function:
    """What GetFunctionConfiguration tells, as far as it matters here. `layers` are ARNs of versions."""

    name: str
    variables: Mapping[str, str]
    layers: tuple[str, ...] = ()
    revision_id: str = ""
    runtime: str | None = None
    handler: str | None = None
    is_image: bool = False
    memory_mb: int = 0
    last_modified: str = ""
    update_status: str = "Successful"
    snap_start: bool = False

    @classmethod
    def of(cls, name: str, answer: Mapping[str, Any]) -> Function:
        """Return the function that an answer of the API describes. Raises FunctionError."""
        environment = answer.get("Environment") or {}
        if environment.get("Error"):
            # Written back as they were read, they would all be lost.
            reason = environment["Error"].get("ErrorCode", "unknown error")
            raise FunctionError(f"{name}: its variables cannot be read ({reason}): you need kms:Decrypt")
        return cls(
            name=name,
            variables=dict(environment.get("Variables") or {}),
            layers=tuple(layer["Arn"] for layer in answer.get("Layers") or ()),
            revision_id=answer.get("RevisionId", ""),
            runtime=answer.get("Runtime"),
            handler=answer.get("Handler"),
            is_image=answer.get("PackageType") == "Image",
            memory_mb=answer.get("MemorySize", 0),
            last_modified=answer.get("LastModified", ""),
            update_status=answer.get("LastUpdateStatus", "Successful"),
            snap_start=(answer.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions",
        )

    @property
    def state(self) -> str:
        """Return `on`, `off`, or what else the flag says."""
        flag = self.variables.get("PROFILER_ENABLED", "").strip().lower()
        return "off" if flag in FALSE else "on" if flag in TRUE else flag

    @property
    def has_wrapper(self) -> bool:
        """Tell whether our exec wrapper is the one that Lambda starts."""
        return self.variables.get(EXEC_WRAPPER) == OUR_WRAPPER

    @property
    def inner_wrapper(self) -> str | None:
        """Return the wrapper that ours starts next."""
        return self.variables.get(INNER_WRAPPER) if self.has_wrapper else None

    @property
    def has_entry_point(self) -> bool:
        """Tell whether our entry point is configured as the handler."""
        return self.handler == ENTRY_POINT

    @property
    def layer(self) -> str | None:
        """Return the version of our layer, where it goes by our name."""
        return next((arn for arn in self.layers if LAYER_NAME in layer_name(arn)), None)


def layer_name(arn: str) -> str:
    """Return the name in the ARN of a layer's version; empty where it is none."""
    match = _LAYER.fullmatch(arn)
    return match["name"] if match else ""


def layer_of(arn: str) -> str:
    """Return the ARN of a layer without its version. Raises FunctionError."""
    if not layer_name(arn):
        raise FunctionError(
            f"{arn}: no layer version; write arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION"
        )
    return arn.rpartition(":")[0]
