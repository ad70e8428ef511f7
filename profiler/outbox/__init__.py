"""The outbox: captures wait on disk until the store has taken them."""

from profiler.outbox.folder import spool_folder
from profiler.outbox.outbox import IMPATIENT_S, Outbox

__all__ = ["IMPATIENT_S", "Outbox", "spool_folder"]
