"""Many runtime workers behind one Runtime API: Lambda Managed Instances.

`AWS_LAMBDA_MAX_CONCURRENCY=N` makes `awslambdaric` fork N processes that poll in parallel. Source:
"Understanding the Lambda Managed Instances execution environment" (AWS Lambda developer guide): init
ends when one worker has called next; every invocation has a time-out of its own, which fails that
invocation and interrupts nothing; the environment runs on while any worker lives, and never freezes.
"""

from __future__ import annotations

import collections
import threading

from profiler.testing.protocol import Invocation, Reply
from profiler.testing.state import Phase, RuntimeState, invalid_request_id


class ConcurrentRuntimeState(RuntimeState):
    """As the state of one runtime, but with a queue: READY stays READY while workers come and go."""

    def __init__(self, changed: threading.Condition) -> None:
        super().__init__(changed)
        self._waiting: collections.deque[Invocation] = collections.deque()
        self._replies: dict[str, Reply | None] = {}

    def next_invocation(self) -> Invocation | None:
        """Block until there is an invocation for this worker; None when the runtime has ended."""
        with self._changed:
            self._allow("next", Phase.INIT, Phase.READY)
            self._enter(Phase.READY)
            self._changed.wait_for(lambda: self._waiting or self._phase is Phase.EXITED)
            return None if self.phase is Phase.EXITED else self._waiting.popleft()

    def reply(self, request_id: str, reply: Reply) -> None:
        """Take the response or the error of any invocation that still waits for one."""
        with self._changed:
            if request_id not in self._replies or self._replies[request_id] is not None:
                raise invalid_request_id()
            self._replies[request_id] = reply
            self._changed.notify_all()

    def offer(self, invocation: Invocation) -> None:
        """Queue the invocation for the next worker that is free."""
        with self._changed:
            self._allow("an invocation", Phase.READY)
            self._waiting.append(invocation)
            self._replies[invocation.request_id] = None
            self._changed.notify_all()

    def reply_to(self, request_id: str) -> Reply | None:
        """Return the reply to that invocation; None before that."""
        return self._replies.get(request_id)

    def is_done(self, request_id: str) -> bool:
        """Say whether that invocation is answered."""
        return self._replies.get(request_id) is not None

    def forget(self, request_id: str) -> None:
        """Drop an invocation: a reply that comes late is refused."""
        with self._changed:
            self._replies.pop(request_id, None)
            kept = [invocation for invocation in self._waiting if invocation.request_id != request_id]
            self._waiting = collections.deque(kept)
