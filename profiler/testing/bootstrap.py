"""What the managed runtime starts: read `_HANDLER`, serve it with `awslambdaric`.

A script of its own, last on the command line, because an exec wrapper is given that command line and
may change it: set `_HANDLER`, put `-X importtime` before the script, start another interpreter. See
"Modifying the runtime environment" (AWS Lambda developer guide). It runs under the function's own
interpreter, which need not know this package.
"""

import os
import sys


def main() -> None:
    """Serve until the Runtime API closes."""
    here = os.path.dirname(os.path.abspath(__file__))
    # The function's code comes first; this file's neighbours are nobody's modules.
    sys.path[:] = [os.environ["LAMBDA_TASK_ROOT"], *(path for path in sys.path if path != here)]
    from awslambdaric.__main__ import main as serve

    serve([sys.argv[0], os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
