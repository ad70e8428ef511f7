"""Handlers that do to their process what a profiler would rather they did not."""
