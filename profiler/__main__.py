"""`python -m profiler`, the same as the `profiler` command."""

import sys

from profiler.cli import main

if __name__ == "__main__":
    sys.exit(main())
