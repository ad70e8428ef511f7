"""SnapStart: what is made during init becomes part of a snapshot, and every environment begins as a copy.

Before the snapshot, what waits in the outbox is delivered. Nobody is kept waiting (a version is being
published), and out of the snapshot each copy would deliver it again. Where it cannot be delivered it stays,
under the key of the environment that made it, so that what many copies deliver is one object.

After the restore this is another environment (`profiler.environment`): its id, its count, the S3 client with
its connections and credentials, and what the outbox remembers of the store are its own. Without the hooks the
first invocation brings that about.

Source: "Implement code before or after Lambda function snapshots" (AWS Lambda developer guide), and
`lambda_runtime_hooks_runner.py` of `awslambdaric`: an exception in a hook fails init or restore.
"""

from __future__ import annotations

from collections.abc import Mapping

from profiler.environment import ENVIRONMENT, is_snapshot
from profiler.guard import Guard, logger
from profiler.outbox import Outbox

_DELIVERY_AT_MOST_S = 5.0


def prepare_for_snapshot(outbox: Outbox, environ: Mapping[str, str]) -> None:
    """Register the hooks, where the function starts from a snapshot and there is something to hook into."""
    if not is_snapshot(environ):
        return
    try:
        from snapshot_restore_py import register_after_restore, register_before_snapshot
    except ImportError:
        logger.debug("profiler: no snapshot_restore_py; a restore is noticed by the first invocation")
        return
    register_before_snapshot(_before_snapshot, outbox)
    register_after_restore(_after_restore)


def _before_snapshot(outbox: Outbox) -> None:
    with Guard()("snapshot"):
        outbox.deliver(_DELIVERY_AT_MOST_S, patient=True)


def _after_restore() -> None:
    with Guard()("restore"):
        ENVIRONMENT.restored()
