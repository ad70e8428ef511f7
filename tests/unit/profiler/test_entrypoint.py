"""The entry point where there is no `awslambdaric`: what it loads, what it imports, what it raises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.profiler.helpers import run_python

APP = "def handler(event, context): return event\n"
BLOCKED = "import sys; sys.modules['awslambdaric'] = None; sys.modules['awslambdaric.bootstrap'] = None\n"


def run(code: str, cwd: Path, **environ: str) -> tuple[int, str]:
    done = run_python(BLOCKED + code, cwd=cwd, **environ)
    return done.returncode, done.stderr


@pytest.mark.parametrize("flag", [{}, {"PROFILER_ENABLED": "0"}])
@pytest.mark.parametrize("name", ["app.handler", "pkg/lambda.handler", "pkg.lambda.handler"])
def test_off_it_is_the_handler_and_imports_nothing_else(
    tmp_path: Path, flag: dict[str, str], name: str
) -> None:
    path = tmp_path / f"{name.removesuffix('.handler').replace('.', '/')}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(APP)
    code = (
        "import importlib\n"
        "before = set(sys.modules)\n"
        "from profiler.aws.entrypoint import handler\n"
        "new = {module for module in set(sys.modules) - before if module.partition('.')[0] == 'profiler'}\n"
        "assert new == {'profiler', 'profiler._wrap', 'profiler.aws', 'profiler.aws.entrypoint'}, new\n"
        f"module = importlib.import_module({name.removesuffix('.handler').replace('/', '.')!r})\n"
        "assert handler is module.handler\n"
    )
    assert run(code, tmp_path, PROFILER_HANDLER=name, **flag) == (0, "")


def test_off_it_looks_at_three_variables_and_no_more(tmp_path: Path) -> None:
    """The handler's name, the flag, and whether `_HANDLER` names the entry point."""
    (tmp_path / "app.py").write_text(APP)
    code = (
        "import os\n"
        "asked = []\n"
        "class Environ(dict):\n"
        "    def get(self, name, default=None):\n"
        "        asked.append(name)\n"
        "        return dict.get(self, name, default)\n"
        "os.environ = Environ(os.environ)\n"
        "import profiler.aws.entrypoint\n"
        "ours = [name for name in asked if name == '_HANDLER' or name.startswith('PROFILER_')]\n"
        "assert ours == ['PROFILER_ENABLED', 'PROFILER_HANDLER', '_HANDLER'], ours\n"
    )
    assert run(code, tmp_path, PROFILER_HANDLER="app.handler") == (0, "")


def test_on_it_wraps_once_what_is_decorated_already(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"from profiler import profile\n@profile\n{APP}")
    code = (
        "from profiler.aws.entrypoint import handler\n"
        "import app\n"
        "assert handler is app.handler\n"
        "assert not hasattr(handler.__wrapped__, '__wrapped__')\n"
    )
    environ = {"PROFILER_ENABLED": "1", "PROFILER_STORE": "captures"}
    assert run(code, tmp_path, PROFILER_HANDLER="app.handler", **environ) == (0, "")


def test_the_functions_code_sees_its_own_handler(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import os\nassert os.environ['_HANDLER'] == 'app.handler'\n" + APP)
    entry_point = {"_HANDLER": "profiler.aws.entrypoint.handler"}
    code = "import profiler.aws.entrypoint"
    assert run(code, tmp_path, PROFILER_HANDLER="app.handler", **entry_point) == (0, "")


@pytest.mark.parametrize(
    ("source", "last_line"),
    [
        ("raise ValueError('mine')", "ValueError: mine"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = 1", "AttributeError: module 'app' has no attribute 'handler'"),
    ],
)
def test_what_the_module_raises_is_raised_as_it_is(tmp_path: Path, source: str, last_line: str) -> None:
    (tmp_path / "app.py").write_text(source)
    code, told = run("import profiler.aws.entrypoint", tmp_path, PROFILER_HANDLER="app.handler")
    assert code == 1
    assert told.splitlines()[-1] == last_line
    assert "The above exception" not in told


@pytest.mark.parametrize("environ", [{}, {"PROFILER_HANDLER": "profiler.aws.entrypoint.handler"}])
def test_without_a_handler_it_says_what_is_missing(tmp_path: Path, environ: dict[str, str]) -> None:
    code, told = run("import profiler.aws.entrypoint", tmp_path, **environ)
    assert code == 1
    assert told.splitlines()[-1].endswith(
        "PROFILER_HANDLER must name the function's own handler, for example app.handler"
    )
