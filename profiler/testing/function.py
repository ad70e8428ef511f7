"""What is configured for a function, and the environment variables Lambda makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

ACCOUNT_ID = "123456789012"
INHERITED = ("PATH", "HOME")
MAX_CONCURRENCY = "AWS_LAMBDA_MAX_CONCURRENCY"
# "Monitoring for Lambda SnapStart": one snapshot serves many environments, each with its own stream.
ABSENT_UNDER_SNAP_START = ("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME")

InitializationType = Literal["on-demand", "provisioned-concurrency", "snap-start"]


@dataclass(frozen=True, slots=True)
class FunctionConfig:
    """What is configured for a function, by its owner and by Lambda."""

    handler: str
    task_root: Path
    python: str = sys.executable
    env: Mapping[str, str] = field(default_factory=dict)
    memory_mb: int = 128
    function_name: str = "function"
    function_version: str = "$LATEST"
    region: str = "us-east-1"
    initialization_type: InitializationType = "on-demand"
    max_concurrency: int | None = None
    freeze: bool = False
    memory_limit_enforced: bool = False
    opt: Path | None = None

    @property
    def workers(self) -> int | None:
        """Return how many invocations run at a time; None outside concurrent mode."""
        value = self.env.get(MAX_CONCURRENCY) if self.max_concurrency is None else self.max_concurrency
        return None if value is None else int(value)

    @property
    def arn(self) -> str:
        """Return the unqualified ARN, as `Lambda-Runtime-Invoked-Function-Arn` has it."""
        return f"arn:aws:lambda:{self.region}:{ACCOUNT_ID}:function:{self.function_name}"


def log_stream_name(version: str) -> str:
    """Return a fresh name such as `2026/11/25/[$LATEST]<32 hex digits>`; one for each environment."""
    return f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{version}]{uuid.uuid4().hex}"


def function_environ(config: FunctionConfig, runtime_api: str, log_stream: str, tmp: Path) -> dict[str, str]:
    """Return the runtime's whole environment: little of the caller's, Lambda's own, the function's.

    Names: "Defined runtime environment variables" in the AWS Lambda developer guide. The function's
    own values win, so that a test can pretend to be another runtime. TMPDIR is what Lambda has no need
    of: there `/tmp` is the environment's own.
    """
    environ = {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "TMPDIR": str(tmp),
        "_HANDLER": config.handler,
        "LAMBDA_TASK_ROOT": str(config.task_root),
        "AWS_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{python_version(config.python)}",
        "AWS_LAMBDA_FUNCTION_NAME": config.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.function_version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": config.initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{config.function_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
    }
    if config.initialization_type == "snap-start":
        for name in ABSENT_UNDER_SNAP_START:
            del environ[name]
    if config.workers is not None:
        environ[MAX_CONCURRENCY] = str(config.workers)
    return {**environ, **config.env, "AWS_LAMBDA_RUNTIME_API": runtime_api}


def python_version(python: str) -> str:
    """Return `3.X` of an interpreter."""
    if python == sys.executable:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
