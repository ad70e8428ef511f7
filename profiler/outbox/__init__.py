"""The outbox: captures wait on disk until the store has taken them."""

from profiler.outbox.folder import spool_folder
from profiler.outbox.outbox import Outbox

__all__ = ["Outbox", "spool_folder"]
