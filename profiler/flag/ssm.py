"""A flag in a parameter of the AWS Systems Manager Parameter Store.

By boto3; or, where PARAMETERS_SECRETS_EXTENSION_HTTP_PORT is set, through AWS's own extension for it.

Sources: GetParameter in the Systems Manager API reference; "Using Parameter Store parameters in AWS Lambda
functions" in its user guide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from profiler.environment import ENVIRONMENT
from profiler.flag.local_http import get, port_of
from profiler.flag.value import FlagError

_PORT = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
_DEFAULT_PORT = 2773
_TIMEOUT_S = 3


class ParameterSource:
    """A parameter, through boto3. The client is made with the first read, and kept in its environment."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._client: Any = None
        self._environment_id = ""

    def read(self) -> str:
        """Return the parameter's value. Raises FlagError."""
        try:
            # A forked child would talk into its parent's connections; those of a snapshot are closed by now.
            if self._client is None or self._environment_id != ENVIRONMENT.id:
                self._client, self._environment_id = make_client(), ENVIRONMENT.id
            return str(self._client.get_parameter(Name=self._name, WithDecryption=True)["Parameter"]["Value"])
        except Exception as error:
            self._client = None  # the next one looks for credentials anew
            raise FlagError(_explained(error)) from error


class ExtensionSource:
    """A parameter, through the Parameters and Secrets extension."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._path = f"/systemsmanager/parameters/get?name={quote(name, safe='')}&withDecryption=true"
        self._environ = environ

    def read(self) -> str:
        """Return the parameter's value. Raises FlagError and OSError."""
        # The session's own token: it shows that the request comes from inside the environment.
        headers = {"X-Aws-Parameters-Secrets-Token": self._environ.get("AWS_SESSION_TOKEN", "")}
        body = get(port_of(_PORT, _DEFAULT_PORT, self._environ), self._path, headers)
        try:
            return str(json.loads(body)["Parameter"]["Value"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise FlagError("the extension's answer holds no parameter") from None


def open_parameter(name: str, environ: Mapping[str, str]) -> ParameterSource | ExtensionSource:
    """Return the source of a parameter by its name."""
    if environ.get(_PORT):
        return ExtensionSource(name, environ)
    return ParameterSource(name)


def make_client(region: str | None = None) -> Any:
    """Return a client of Systems Manager that does not hang. Raises ImportError and botocore's errors."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"total_max_attempts": 1})
    return boto3.session.Session().client("ssm", region_name=region, config=config)


def _explained(error: Exception) -> str:
    if isinstance(error, ImportError):
        return "boto3 is not installed"
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    if code == "ParameterNotFound":
        return "there is no such parameter"
    if code == "AccessDeniedException":
        return "access is denied: the function's role needs ssm:GetParameter (`profiler policy --live`)"
    return str(code or f"{type(error).__name__}: {error}")
