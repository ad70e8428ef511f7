"""A live flag in a parameter of Systems Manager: looked at and switched. boto3 is loaded here only."""

from __future__ import annotations

import json
from typing import Any

from profiler.errors import FunctionError
from profiler.flag.ssm import make_client
from profiler.s3client import explain

_NEEDS = ("ssm:GetParameter", "ssm:PutParameter")
_SECURE = "SecureString"


def switched(content: str | None, function_name: str, value: str) -> str:
    """Return the content of a flag, with a function's value in it.

    A flag for several functions, `{"checkout": "on", "*": "off"}`, keeps what it says of the others.
    """
    try:
        parsed = json.loads(content or "")
    except (ValueError, RecursionError):
        return value
    if not isinstance(parsed, dict) or "enabled" in parsed:
        return value
    return json.dumps({**parsed, function_name: value})


class FlagParameter:
    """One parameter."""

    def __init__(self, name: str, region: str | None) -> None:
        """Make a client. Raises FunctionError."""
        self._name = name
        self._type = "String"
        try:
            from botocore.exceptions import BotoCoreError, ClientError

            self._errors = (BotoCoreError, ClientError)
            self._client = make_client(region)
        except ImportError as error:
            raise FunctionError(
                "boto3 is not installed: pip install 'invocation-profiler[viewer]'"
            ) from error
        except (BotoCoreError, ValueError) as error:
            raise FunctionError(explain(error)) from error

    def read(self) -> str | None:
        """Return its value, or None where there is no such parameter. Raises FunctionError."""
        try:
            answer = self._client.get_parameter(Name=self._name, WithDecryption=True)
        except self._errors as error:
            if _code(error) == "ParameterNotFound":
                return None
            raise self._failed(error) from error
        self._type = answer["Parameter"].get("Type", "String")
        return str(answer["Parameter"]["Value"])

    def write(self, value: str, *, is_new: bool) -> None:
        """Give it a value; its type, as it was read, and its key stay what they are. Raises FunctionError."""
        try:
            kind = {"Type": self._type, **self._key()}
            self._client.put_parameter(Name=self._name, Value=value, Overwrite=not is_new, **kind)
        except self._errors as error:
            raise self._failed(error) from error

    def _key(self) -> dict[str, str]:
        """Return the key of what is encrypted: PutParameter takes the account's own where none is named."""
        if self._type != _SECURE:
            return {}
        by_name = {"Key": "Name", "Option": "Equals", "Values": [self._name]}
        pages = self._client.get_paginator("describe_parameters").paginate(ParameterFilters=[by_name])
        found = [parameter["KeyId"] for page in pages for parameter in page["Parameters"]]
        return {"KeyId": found[0]} if found else {}

    def _failed(self, error: Exception) -> FunctionError:
        if _code(error) == "AccessDeniedException":
            needs = [*_NEEDS, "ssm:DescribeParameters"] if self._type == _SECURE else _NEEDS
            return FunctionError(f"parameter {self._name}: access is denied: you need {', '.join(needs)}")
        return FunctionError(f"parameter {self._name}: {explain(error)}")


def _code(error: Any) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
