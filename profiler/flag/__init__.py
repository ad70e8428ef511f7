"""The live flag (`PROFILER_ENABLED=live`): switched in a running environment, without a new one."""

from profiler.flag.live import LiveFlag
from profiler.flag.sources import Source, open_source, parse_source

__all__ = ["LiveFlag", "Source", "open_source", "parse_source"]
