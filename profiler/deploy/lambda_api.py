"""Lambda's API, as far as switching a function on and off needs it. boto3 is loaded here only."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from profiler.deploy.change import Change
from profiler.deploy.function import Function, FunctionName
from profiler.errors import FunctionError
from profiler.s3client import explain

_ATTEMPTS = 6
_FIRST_PAUSE_S = 0.2
_WAIT_EVERY_S = 1
_WAIT_AT_MOST_S = 300
_READ = ("lambda:GetFunctionConfiguration", "lambda:GetFunction")
_WRITE = (*_READ, "lambda:UpdateFunctionConfiguration", "lambda:GetLayerVersion")


class LambdaApi:
    """The functions of one account and region."""

    def __init__(self, region: str | None = None) -> None:
        """Make a client. Raises FunctionError: no boto3, no region, or no credentials file it can read."""
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise FunctionError(
                "boto3 is not installed: pip install 'invocation-profiler[viewer]'"
            ) from error
        config = Config(
            connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 4, "mode": "standard"}
        )
        self._errors = (BotoCoreError, ClientError)
        try:
            self._client = boto3.session.Session().client("lambda", region_name=region, config=config)
        except (BotoCoreError, ValueError) as error:
            raise FunctionError(explain(error)) from error

    def read(self, name: FunctionName) -> Function:
        """Return a function's configuration, of a version or an alias too. Raises FunctionError."""
        qualifier = {"Qualifier": name.qualifier} if name.qualifier else {}
        try:
            answer = self._client.get_function_configuration(FunctionName=name.name, **qualifier)
        except self._errors as error:
            raise self._failed(name.name, error, _READ) from error
        return Function.of(name.name, answer)

    def change(self, name: FunctionName, plan: Callable[[Function], Change], *, wait: bool = True) -> Change:
        """Bring a function to what `plan` makes of it, and return the change that was made.

        The revision id goes with it: what somebody else changed meanwhile is not overwritten, but read
        again and planned anew. Raises FunctionError.
        """
        for attempt in range(_ATTEMPTS):
            change = plan(self.read(name))
            if change.is_empty:
                return change
            try:
                self._client.update_function_configuration(**change.arguments())
            except self._errors as error:
                code = _code(error)
                if code == "ResourceConflictException":  # an update is under way
                    self.wait(name)
                elif code != "PreconditionFailedException":
                    raise self._failed(name.name, error, _WRITE) from error
                time.sleep(_FIRST_PAUSE_S * 2**attempt * random.uniform(0.5, 1.0))
                continue
            if wait:
                self.wait(name)
            return change
        raise FunctionError(
            f"{name.name}: is being changed by somebody else all the time; nothing was changed"
        )

    def wait(self, name: FunctionName) -> None:
        """Wait until the last update is in effect. Raises FunctionError."""
        from botocore.exceptions import WaiterError

        limits = {"Delay": _WAIT_EVERY_S, "MaxAttempts": _WAIT_AT_MOST_S // _WAIT_EVERY_S}
        try:
            self._client.get_waiter("function_updated_v2").wait(FunctionName=name.name, WaiterConfig=limits)
        except WaiterError as error:
            if code := _code_of(error.last_response):
                raise FunctionError(f"{name.name}: changed, but waiting for it failed: {code}") from error
            reason = error.last_response.get("Configuration", {}).get("LastUpdateStatusReason")
            state = reason or f"not in effect after {_WAIT_AT_MOST_S} s"
            raise FunctionError(f"{name.name}: changed, but the update failed: {state}") from error
        except self._errors as error:
            raise self._failed(name.name, error, _READ) from error

    def _failed(self, name: str, error: Exception, needs: tuple[str, ...]) -> FunctionError:
        code = _code(error)
        if code == "ResourceNotFoundException" and "layer" not in str(error).lower():
            return FunctionError(f"{name}: there is no such function in {self._client.meta.region_name}")
        if code == "AccessDeniedException":
            return FunctionError(f"{name}: access is denied: you need {', '.join(needs)}")
        return FunctionError(f"{name}: {explain(error)}")


def _code(error: Exception) -> str:
    return _code_of(getattr(error, "response", None))


def _code_of(response: Any) -> str:
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
