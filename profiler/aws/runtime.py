"""What the runtime client in this process is about: which invocation it runs, and whether it has answered.

Lambda tells an internal extension when an invocation begins, and never when its response is out. So the
client is watched: `awslambdaric` notes the request id that it runs, and stands in `wait_next_invocation`
from the moment that its response has been posted. Source: `awslambdaric/bootstrap.py` (`run`) and
`lambda_runtime_client.py`, which every managed Python runtime starts.
"""

from __future__ import annotations

import sys
import threading
from types import CodeType, ModuleType

_CLIENT_MODULE = "awslambdaric.lambda_runtime_client"
_BOOTSTRAP_MODULE = "awslambdaric.bootstrap"
_REQUEST_ID = "_GLOBAL_AWS_REQUEST_ID"
# While it waits it stands a few calls below that function: in an executor's shutdown, in a thread's join.
_DEPTH = 20


class Runtime:
    """The runtime client of this process, looked at from another thread."""

    def __init__(self, bootstrap: ModuleType, waiting: CodeType) -> None:
        self._bootstrap = bootstrap
        self._waiting = waiting
        self._thread = threading.main_thread().ident or 0

    @classmethod
    def find(cls) -> Runtime | None:
        """Return the client that serves this process; None where it is another than is known here."""
        bootstrap = sys.modules.get(_BOOTSTRAP_MODULE)
        client = getattr(sys.modules.get(_CLIENT_MODULE), "LambdaRuntimeClient", None)
        waiting = getattr(getattr(client, "wait_next_invocation", None), "__code__", None)
        if bootstrap is None or waiting is None or not hasattr(bootstrap, _REQUEST_ID):
            return None
        return cls(bootstrap, waiting)

    def request_id(self) -> str | None:
        """Return the invocation that runs, or ran last; None before the first."""
        value = getattr(self._bootstrap, _REQUEST_ID, None)
        return value if isinstance(value, str) else None

    def is_waiting(self) -> bool:
        """Tell whether the client waits for an invocation: the next, or still for one just sent to it."""
        frame = sys._current_frames().get(self._thread)
        for _ in range(_DEPTH):
            if frame is None:
                return False
            if frame.f_code is self._waiting:
                return True
            frame = frame.f_back
        return False

    def has_answered(self, request_id: str) -> bool:
        """Tell whether the response to an invocation is out."""
        return self.request_id() == request_id and self.is_waiting()
