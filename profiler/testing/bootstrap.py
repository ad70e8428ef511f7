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
    paths = [path for path in sys.path if path != here]
    sys.path[:] = [os.environ["LAMBDA_TASK_ROOT"], *layer_paths(*sys.argv[1:]), *paths]
    from awslambdaric.__main__ import main as serve

    serve([sys.argv[0], os.environ["_HANDLER"]])


def layer_paths(opt: str | None = None) -> list[str]:
    """Return the folders of layers on the module path; Lambda adds none where PYTHONPATH is set.

    Source: `set_default_sys_path` in the managed runtime's bootstrap.
    """
    if opt is None or "PYTHONPATH" in os.environ:
        return []
    python = os.path.join(opt, "python")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [os.path.join(python, "lib", version, "site-packages"), python]


if __name__ == "__main__":
    main()
