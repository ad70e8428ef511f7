"""Run a Lambda function on this machine: the Runtime API on loopback and the real runtime client."""

from profiler.testing.environment import ExecutionEnvironment
from profiler.testing.protocol import InitResult, InvocationResult

__all__ = ["ExecutionEnvironment", "InitResult", "InvocationResult"]
