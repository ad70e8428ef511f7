"""A function without a change of its code: the entry point and the exec wrapper, in the emulator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from profiler.capture import Capture
from profiler.codec import decode
from profiler.testing import ExecutionEnvironment, InitResult, InvocationResult
from tests.integration.interpreters import EACH_PYTHON

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "profiler"
WRAPPER = "/opt/invocation-profiler"

APP = """
import os
import sys

print("imported", os.environ["_HANDLER"])


def handler(event, context):
    if event == "fail":
        raise KeyError("no such order")
    entered = getattr(sys.modules.get("profiler.aws.entrypoint"), "handler", None)
    return {"profiler": sorted(name for name in sys.modules if name.partition(".")[0] == "profiler"),
            "handler": entered is handler,
            "wrapped": hasattr(entered, "__wrapped__"),
            "variables": {name: os.environ.get(name) for name in ("_HANDLER", "PYTHONPATH", "INNER")}}
"""


@pytest.fixture
def opt(tmp_path: Path) -> Path:
    """Return a stand-in for /opt as our layer fills it."""
    folder = tmp_path / "opt"
    shutil.copytree(PACKAGE, folder / "python" / "profiler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "aws" / "invocation-profiler", folder)
    return folder


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "app.py").write_text(APP, encoding="utf-8")
    return folder


def flag_on(store: Path, **more: str) -> dict[str, str]:
    return {
        "AWS_LAMBDA_EXEC_WRAPPER": WRAPPER,
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": str(store),
        **more,
    }


def captures(store: Path) -> list[Capture]:
    return [decode(path.read_bytes()) for path in sorted(store.rglob("*.gz"))]


@EACH_PYTHON
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("app.handler", "app.py"),
        ("lambda.handler", "lambda.py"),
        ("src/shop/orders.handler", "src/shop/orders.py"),
        ("src.shop.my-orders.handler", "src/shop/my-orders.py"),
    ],
)
def test_the_wrapper_profiles_a_function_as_it_stands(
    tmp_path: Path, opt: Path, python: str, name: str, file: str
) -> None:
    path = tmp_path / "task" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(APP, encoding="utf-8")
    with ExecutionEnvironment(
        name, tmp_path / "task", python=python, env=flag_on(tmp_path / "store"), opt=opt
    ) as environment:
        results = [environment.invoke({}) for _ in range(2)]
        log = environment.log
    assert [result.status for result in results] == ["ok", "ok"], log
    payload: Any = results[0].payload
    assert payload["wrapped"]
    assert payload["variables"]["_HANDLER"] == name
    assert log == f"imported {name}\n"
    assert [capture.invocation.sequence for capture in captures(tmp_path / "store")] == [1, 2]


@pytest.mark.parametrize("flag", [None, "", "0", "false", "NO", "Off"])
def test_off_the_wrapper_leaves_no_trace(tmp_path: Path, opt: Path, task: Path, flag: str | None) -> None:
    env = {"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER, **({} if flag is None else {"PROFILER_ENABLED": flag})}
    with ExecutionEnvironment("app.handler", task, env=env, opt=opt) as environment:
        payload: Any = environment.invoke({}).payload
        log = environment.log
    assert payload["profiler"] == []
    assert payload["variables"] == {"_HANDLER": "app.handler", "PYTHONPATH": None, "INNER": None}
    assert log == "imported app.handler\n"


@EACH_PYTHON
def test_off_the_entry_point_is_the_handler_itself(opt: Path, task: Path, python: str) -> None:
    env = {"PROFILER_HANDLER": "app.handler"}
    with ExecutionEnvironment(
        "profiler.aws.entrypoint.handler", task, python=python, env=env, opt=opt
    ) as environment:
        result = environment.invoke({})
    payload: Any = result.payload
    assert payload["handler"]
    assert payload["variables"]["_HANDLER"] == "app.handler"
    assert payload["profiler"] == ["profiler", "profiler._wrap", "profiler.aws", "profiler.aws.entrypoint"]


INNER = """#!/bin/sh
echo "inner wrapper around $_HANDLER with $# arguments"
export INNER=yes
exec "$@"
"""


@pytest.mark.parametrize("flag", ["1", "0"])
def test_it_starts_an_inner_wrapper(tmp_path: Path, opt: Path, task: Path, flag: str) -> None:
    inner = tmp_path / "with a blank"
    inner.write_text(INNER)
    inner.chmod(0o755)
    env = {**flag_on(tmp_path / "store"), "PROFILER_INNER_WRAPPER": str(inner), "PROFILER_ENABLED": flag}
    with ExecutionEnvironment("app.handler", task, env=env, opt=opt) as environment:
        payload: Any = environment.invoke({}).payload
        log = environment.log
    assert payload["variables"]["INNER"] == "yes"
    assert len(captures(tmp_path / "store")) == int(flag)
    handler = "profiler.aws.entrypoint.handler" if flag == "1" else "app.handler"
    assert log.splitlines()[0] == f"inner wrapper around {handler} with 3 arguments"


def test_an_inner_wrapper_that_redirects_the_handler_too_still_reaches_the_function(
    tmp_path: Path, opt: Path, task: Path
) -> None:
    """As the wrapper of OpenTelemetry does."""
    (task / "tracing.py").write_text(
        "import os\n"
        "from importlib import import_module\n"
        "module, _, name = os.environ['ORIG_HANDLER'].rpartition('.')\n"
        "inside = getattr(import_module(module), name)\n"
        "def handler(event, context): return {'traced': inside(event, context)}\n"
    )
    inner = tmp_path / "inner"
    inner.write_text('#!/bin/sh\nexport ORIG_HANDLER="$_HANDLER" _HANDLER=tracing.handler\nexec "$@"\n')
    inner.chmod(0o755)
    env = flag_on(tmp_path / "store", PROFILER_INNER_WRAPPER=str(inner))
    with ExecutionEnvironment("app.handler", task, env=env, opt=opt) as environment:
        payload: Any = environment.invoke({}).payload
    assert payload["traced"]["variables"]["_HANDLER"] == "tracing.handler"
    assert len(captures(tmp_path / "store")) == 1


@pytest.mark.parametrize(
    "own",
    [
        "profiler.py",
        "profiler/__init__.py",
        "profiler.cpython-311-x86_64-linux-gnu.so",
        "profiler/__init__.pyc",
    ],
)
def test_a_module_of_the_functions_own_called_profiler_is_noticed(
    tmp_path: Path, opt: Path, task: Path, own: str
) -> None:
    (task / own).parent.mkdir(exist_ok=True)
    (task / own).write_text("MINE = True\n")
    with ExecutionEnvironment("app.handler", task, env=flag_on(tmp_path / "store"), opt=opt) as environment:
        result = environment.invoke({})
        log = environment.log
    assert result.status == "ok", log
    assert log.splitlines() == [
        f"profiler: not armed: {task / own} of the function hides the profiler; it runs unprofiled",
        "imported app.handler",
    ]
    assert not (tmp_path / "store").exists()


def test_a_folder_that_is_no_package_hides_nothing(tmp_path: Path, opt: Path, task: Path) -> None:
    (task / "profiler").mkdir()
    (task / "profiler" / "data.json").write_text("{}")
    with ExecutionEnvironment("app.handler", task, env=flag_on(tmp_path / "store"), opt=opt) as environment:
        assert environment.invoke({}).status == "ok"
    assert len(captures(tmp_path / "store")) == 1


def test_the_profiler_in_the_functions_own_zip_is_ours(tmp_path: Path, opt: Path, task: Path) -> None:
    (opt / "python" / "profiler").rename(task / "profiler")
    with ExecutionEnvironment("app.handler", task, env=flag_on(tmp_path / "store"), opt=opt) as environment:
        assert environment.invoke({}).status == "ok"
    assert len(captures(tmp_path / "store")) == 1


@EACH_PYTHON
def test_a_wrapper_without_its_layer_asks_the_interpreter(
    tmp_path: Path, opt: Path, task: Path, python: str
) -> None:
    """A container image may hold the wrapper, and the package among the interpreter's own."""
    shutil.rmtree(opt / "python")
    with ExecutionEnvironment(
        "app.handler", task, python=python, env=flag_on(tmp_path / "store"), opt=opt
    ) as environment:
        assert environment.invoke({}).status == "ok"
        log = environment.log
    if subprocess.run([python, "-c", "import profiler"], cwd="/", stderr=subprocess.DEVNULL).returncode:
        assert log.splitlines() == [
            f"profiler: not armed: there is no profiler in {opt}/python; the function runs unprofiled",
            "imported app.handler",
        ]
    else:
        assert log.splitlines() == ["imported app.handler"]
        assert len(captures(tmp_path / "store")) == 1


@pytest.mark.parametrize("own", ["", "/somewhere", "{layer}", "/a:{layer}:/b"])
def test_a_module_path_of_the_functions_own_is_extended(
    tmp_path: Path, opt: Path, task: Path, own: str
) -> None:
    layer = str(opt / "python")
    own = own.format(layer=layer)
    with ExecutionEnvironment(
        "app.handler", task, env=flag_on(tmp_path / "store", PYTHONPATH=own), opt=opt
    ) as environment:
        payload: Any = environment.invoke({}).payload
    expected = own if layer in own else f"{own}:{layer}".removeprefix(":")
    assert payload["variables"]["PYTHONPATH"] == expected
    assert len(captures(tmp_path / "store")) == 1


def test_a_module_called_profiler_on_the_module_path_is_noticed(
    tmp_path: Path, opt: Path, task: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "profiler.py").write_text("MINE = True\n")
    env = flag_on(tmp_path / "store", PYTHONPATH=f"/nowhere:{tmp_path / 'lib'}")
    with ExecutionEnvironment("app.handler", task, env=env, opt=opt) as environment:
        assert environment.invoke({}).status == "ok"
        assert "hides the profiler; it runs unprofiled" in environment.log


def test_a_decorated_handler_is_wrapped_once(tmp_path: Path, opt: Path, task: Path) -> None:
    (task / "app.py").write_text(
        "from profiler import profile\n"
        "@profile(labels='by=decorator')\n"
        "def handler(event, context): return 1\n"
    )
    with ExecutionEnvironment("app.handler", task, env=flag_on(tmp_path / "store"), opt=opt) as environment:
        assert environment.invoke({}).payload == 1
        assert environment.log == ""
    (capture,) = captures(tmp_path / "store")
    assert capture.invocation.labels == {"by": "decorator"}


def test_bad_settings_are_one_warning_and_the_function_runs(tmp_path: Path, opt: Path, task: Path) -> None:
    env = flag_on(tmp_path / "store", PROFILER_RATE="many")
    with ExecutionEnvironment("app.handler", task, env=env, opt=opt) as environment:
        payload: Any = environment.invoke({}).payload
        log = environment.log
    assert payload["handler"]
    assert log.count("profiler: not armed: PROFILER_RATE=many") == 1


@pytest.mark.parametrize("name", [None, "", "profiler.aws.entrypoint.handler"])
def test_an_entry_point_without_a_handler_says_what_is_missing(
    opt: Path, task: Path, name: str | None
) -> None:
    env = {} if name is None else {"PROFILER_HANDLER": name}
    with ExecutionEnvironment("profiler.aws.entrypoint.handler", task, env=env, opt=opt) as environment:
        init = environment.init
    assert (init.status, init.error_type) == ("error", "HandlerError")
    assert init.payload == {
        "errorMessage": "PROFILER_HANDLER must name the function's own handler, for example app.handler",
        "errorType": "HandlerError",
        "requestId": "",
        "stackTrace": [],
    }


AWKWARD = {
    "missing-module": ("app.handler", None),
    "missing-import": ("app.handler", "import no_such_module"),
    "missing-name": ("app.handler", "from os import no_such_name"),
    "syntax": ("app.handler", "def handler(:\n"),
    "indentation": ("app.handler", "if 1:\npass\n"),
    "null-byte": ("app.handler", "x = '\0'"),
    "no-function": ("app.handler", "x = 1"),
    "no-dot": ("app", "x = 1"),
    "builtin": ("sys.handler", "x = 1"),
    "value-error": ("app.handler", "def inner():\n    raise ValueError('nö')\n\ninner()"),
    "attribute-error": ("app.handler", "import os\nos.no_such_thing()"),
    "key-error": ("app.handler", "{}['key']"),
    "chained": (
        "app.handler",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError(2, 'no') from e",
    ),
    "own-class": ("app.handler", "class Broken(Exception): pass\nraise Broken"),
    "recursion": ("app.handler", "def deeper(): deeper()\ndeeper()"),
    "group": ("app.handler", "raise ExceptionGroup('two', [ValueError(1), KeyError(2)])"),
    "package": ("pkg/sub/app.handler", "raise ValueError('in a package')"),
    "package-init": ("pkg.app.handler", None),
    "bootstrap": ("bootstrap.handler", "raise ValueError('a module of this name')"),
    "entrypoint": ("entrypoint.handler", "raise ValueError('a module of this name')"),
    "exits": ("app.handler", "import sys\nsys.exit(3)"),
    "exits-os": ("app.handler", "import os\nos._exit(4)"),
    "prints": (
        "app.handler",
        "import logging\nprint('line')\nlogging.warning('warned')\nraise ValueError(1)",
    ),
    "fails-later": ("app.handler", "def handler(event, context): return {}['key']"),
    "not-callable": ("app.handler", "handler = 3"),
    "bad-result": ("app.handler", "def handler(event, context): return object()"),
    "generator": ("app.handler", "def handler(event, context): yield 1"),
}


@EACH_PYTHON
@pytest.mark.parametrize("case", AWKWARD)
def test_what_cannot_be_loaded_fails_as_it_does_without_us(
    tmp_path: Path, opt: Path, python: str, case: str
) -> None:
    name, source = AWKWARD[case]
    root = tmp_path / "task"
    path = root / f"{name.rpartition('.')[0].replace('.', '/') or name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    if case == "package-init":
        (root / "pkg" / "__init__.py").write_text("raise ValueError('in the package')")
    if source is not None:
        path.write_text(source, encoding="utf-8")

    def observed(env: dict[str, str]) -> list[object]:
        with ExecutionEnvironment(name, root, python=python, env=env, opt=opt) as environment:
            init = environment.init
            result = environment.invoke({})
            log = environment.log
        return [*facts(init), *facts(result), normal(log)]

    bare = observed({})
    # Through our entry point, the flag off and on; with it on, an error in the handler shows one frame more.
    assert observed({"PROFILER_HANDLER": name, "_HANDLER": "profiler.aws.entrypoint.handler"}) == bare
    on = observed(flag_on(tmp_path / "store"))
    with_init = observed(flag_on(tmp_path / "store", PROFILER_INIT="1"))
    if bare[0] == "ok":
        on, with_init, bare = map(without_our_frame, (on, with_init, bare))
    assert on == bare
    assert with_init == bare


def facts(result: InitResult | InvocationResult) -> list[object]:
    payload = result.payload
    if isinstance(payload, dict):
        payload = {key: normal(value) for key, value in payload.items() if key != "requestId"}
    return [result.status, result.error_type, payload]


def normal(value: object) -> object:
    """Return text without what differs from run to run."""
    if isinstance(value, list):
        return [normal(part) for part in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", value)
    value = re.sub(r"0x[0-9a-f]+", "ADDRESS", value)
    value = re.sub(r"repeated \d+ more times", "repeated N more times", value)  # our frames are below
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", value)


def without_our_frame(seen: list[object]) -> list[object]:
    """Drop the wrapper's own frame from a stack trace and from the log."""
    kept = []
    for part in seen:
        if isinstance(part, dict) and isinstance(part.get("stackTrace"), list):
            part = {**part, "stackTrace": [line for line in part["stackTrace"] if "arming.py" not in line]}
        elif isinstance(part, str):
            part = re.sub(r"[^\r\n]*arming\.py[^\r]*\r[^\r]*\r(\s*\^+\r)?", "", part)
        kept.append(part)
    return kept


def test_the_wrapper_is_plain_sh(tmp_path: Path) -> None:
    script = PACKAGE / "aws" / "invocation-profiler"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    done = subprocess.run(
        [str(script), "printf", "%s|", "a b", "", "*"], capture_output=True, text=True, env={}, check=True
    )
    assert (done.stdout, done.stderr) == ("a b||*|", "")
