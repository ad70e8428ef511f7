"""Run a Lambda function on this machine: the Runtime API on loopback and the real runtime client."""

from tests.lambda_emulator.environment import ExecutionEnvironment
from tests.lambda_emulator.protocol import InitResult, InvocationResult

__all__ = ["ExecutionEnvironment", "InitResult", "InvocationResult"]
