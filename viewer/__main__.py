"""`python -m viewer` is `viewer`."""

import sys

from viewer.cli import main

sys.exit(main())
