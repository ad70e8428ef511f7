"""A flag of any OpenFeature provider that the function's own code has set.

Source: the OpenFeature specification, "Flag evaluation"; the package is `openfeature-sdk`.
"""

from __future__ import annotations

from profiler.flag.value import FlagError


class OpenFeatureSource:
    """One boolean flag, with the function's name as targeting key."""

    def __init__(self, key: str, function_name: str) -> None:
        self._key = key
        self._function_name = function_name

    def read(self) -> bool:
        """Return the flag's value. Raises FlagError where the provider cannot tell it."""
        try:
            from openfeature import api
            from openfeature.evaluation_context import EvaluationContext
        except ImportError as error:
            raise FlagError("openfeature-sdk is not installed") from error
        context = EvaluationContext(targeting_key=self._function_name)
        details = api.get_client().get_boolean_details(self._key, False, context)
        if details.error_code is not None:
            raise FlagError(f"{details.error_code.value}: {details.error_message or 'no value'}")
        return bool(details.value)
