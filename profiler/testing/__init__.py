"""Run a Lambda function on this machine, without a container: for tests of your own.

The Runtime API and the Extensions API on loopback, and AWS's own runtime client (`awslambdaric`) in a
process of its own. Standard library only; nothing of the profiler is needed, or loads this.
"""

from profiler.testing.environment import ExecutionEnvironment
from profiler.testing.protocol import InitResult, InvocationResult

__all__ = ["ExecutionEnvironment", "InitResult", "InvocationResult"]
