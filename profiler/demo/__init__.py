"""Functions to try the profiler on; `profiler demo` copies them out, as your own code would stand."""
