"""Triggers: before an invocation, whether to capture it; after it, whether to keep what was captured."""

from profiler.triggers.after import Keep, Seen, parse_keep
from profiler.triggers.before import Rules, Triggers, parse_rules

__all__ = ["Keep", "Rules", "Seen", "Triggers", "parse_keep", "parse_rules"]
