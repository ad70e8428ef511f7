"""A flag in AWS AppConfig, through its Lambda extension, which caches it and polls for changes.

Sources: "Using AWS AppConfig Agent with AWS Lambda" and "Retrieving feature flags" in the AWS AppConfig
user guide: `/applications/A/environments/E/configurations/C?flag=F` on localhost:2772.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from profiler.flag.local_http import get, port_of

_PORT = "AWS_APPCONFIG_EXTENSION_HTTP_PORT"
_DEFAULT_PORT = 2772


class AppConfigSource:
    """`APPLICATION/ENVIRONMENT/PROFILE`, and `#FLAG` for one feature flag of a profile of flags."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        place, _, flag = name.partition("#")
        application, environment, profile = (quote(part, safe="") for part in place.split("/"))
        self._path = f"/applications/{application}/environments/{environment}/configurations/{profile}"
        if flag:
            self._path += f"?flag={quote(flag, safe='')}"
        self._environ = environ

    def read(self) -> str:
        """Return the configuration's text. Raises FlagError and OSError."""
        return get(port_of(_PORT, _DEFAULT_PORT, self._environ), self._path)
