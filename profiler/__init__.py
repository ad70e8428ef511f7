"""Profile invocations of a function on demand: where the time went and what memory stayed.

Only `profile` is loaded here; it costs nothing until the flag is on.
"""

from profiler._wrap import profile

__all__ = ["profile"]
