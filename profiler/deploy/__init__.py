"""On the laptop: bring the profiler to functions, and tell what they may do. Never part of the layer."""
