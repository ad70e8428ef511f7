"""Imports run one way; what the function carries imports nothing heavy."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What the viewer may know of the other house.
CONTRACT = {"capture", "codec", "document", "errors", "keys", "location", "s3client"}

# A module may import from lower layers and from its own.
LAYERS = (
    ("profiler.errors", "profiler.guard", "profiler.host", "profiler.outermost", "profiler.own"),
    ("profiler.plugins",),
    ("profiler.capture", "profiler.location", "profiler.document"),
    ("profiler.environment",),
    ("profiler.keys", "profiler.codec", "profiler.s3client"),
    ("profiler.engines", "profiler.triggers", "profiler.sinks", "profiler.flag"),
    ("profiler.memory", "profiler.settings", "profiler.outbox", "profiler.imports"),
    ("profiler.aws.context",),
    ("profiler.init_limit",),
    ("profiler.aws.extensions_api", "profiler.aws.runtime", "profiler.aws.snapstart"),
    ("profiler.aws.extension",),
    ("profiler.delivery",),
    ("profiler.window", "profiler.assembly"),
    ("profiler.watch",),
    ("profiler.recorder", "profiler.init_phase"),
    ("profiler.bootstrap", "profiler.watch.opening"),
    ("profiler.arming",),
    ("profiler.aws", "profiler.deploy"),
    ("profiler.cli",),
    ("profiler.__main__", "profiler.leaktest"),
    ("profiler.testing",),  # a tool for tests: stands on its own
)
# The door and the package itself stand outside: they import nothing but each other and `arming`, late.
OUTSIDE = {"profiler", "profiler._wrap", "profiler.demo", "profiler.demo.checkout"}
# Runs `viewer` and itself as commands, and may show progress of its own.
HEAVY = {"boto3", "botocore", "pyinstrument", "yappi", "psutil", "rich", "cProfile", "tracemalloc", "asyncio"}
HEAVY_ALLOWED = {
    "profiler.engines.yappi_engine": {"yappi"},  # itself imported only for PROFILER_CPU=yappi
    "profiler.memory.tracing": {"tracemalloc"},  # itself imported only for PROFILER_MEMORY=tracemalloc
    "profiler.cli.invoke": {"asyncio"},
    "profiler.leaktest": {"asyncio"},
}


def modules_of(package: str) -> dict[str, Path]:
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, *, only_at_import: bool = False) -> Iterator[str]:
    """Yield the modules and names that a file imports, without those for the type checker."""
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo.extend(node.orelse)
        elif only_at_import and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        else:
            todo.extend(ast.iter_child_nodes(node))


def module_in(name: str, modules: dict[str, Path]) -> str:
    """Return the module that an imported name belongs to."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def layer_of(module: str) -> int:
    matches = [
        (len(prefix), number)
        for number, layer in enumerate(LAYERS)
        for prefix in layer
        if module == prefix or module.startswith(f"{prefix}.")
    ]
    assert matches, f"{module} stands in no layer: put it into LAYERS"
    return max(matches)[1]


PROFILER = modules_of("profiler")
VIEWER = modules_of("viewer")


@pytest.mark.parametrize("module", sorted(set(PROFILER) - OUTSIDE))
def test_the_layers_of_the_profiler_go_one_way(module: str) -> None:
    for name in imports_of(PROFILER[module]):
        target = module_in(name, PROFILER)
        if target and target not in OUTSIDE and target != module:
            assert layer_of(target) <= layer_of(module), f"{module} imports {target}, which is above it"


@pytest.mark.parametrize("module", sorted(PROFILER))
def test_the_profiler_never_imports_the_viewer(module: str) -> None:
    assert not [name for name in imports_of(PROFILER[module]) if name.partition(".")[0] == "viewer"]


@pytest.mark.parametrize("module", sorted(PROFILER))
def test_importing_the_profiler_imports_nothing_heavy(module: str) -> None:
    imported = {name.partition(".")[0] for name in imports_of(PROFILER[module], only_at_import=True)}
    assert imported & HEAVY <= HEAVY_ALLOWED.get(module, set())


@pytest.mark.parametrize("module", sorted(PROFILER))
def test_no_module_of_the_function_side_knows_rich(module: str) -> None:
    assert "rich" not in {name.partition(".")[0] for name in imports_of(PROFILER[module])}


@pytest.mark.parametrize("module", sorted(VIEWER))
def test_the_viewer_imports_only_the_contract(module: str) -> None:
    for name in imports_of(VIEWER[module]):
        package, _, rest = name.partition(".")
        if package == "profiler":
            assert rest.partition(".")[0] in CONTRACT, f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(name for name in VIEWER if not name.startswith("viewer.cli")))
def test_the_ways_to_show_a_profile_are_known_to_the_commands_alone(module: str) -> None:
    for package in ("viewer.tui", "viewer.opening"):
        if not module.startswith(package):
            assert not [name for name in imports_of(VIEWER[module]) if name.startswith(f"{package}.")]


@pytest.mark.parametrize("module", sorted(name for name in VIEWER if not name.startswith("viewer.tui")))
def test_only_the_view_in_a_terminal_knows_textual(module: str) -> None:
    assert "textual" not in {name.partition(".")[0] for name in imports_of(VIEWER[module])}


@pytest.mark.parametrize("module", sorted(PROFILER))
def test_nothing_raises_alarms(module: str) -> None:
    text = PROFILER[module].read_text(encoding="utf-8")
    assert not [word for word in ("signal.alarm", "setitimer", "SetAsyncExc") if word in text]


def test_the_door_imports_only_os() -> None:
    assert set(imports_of(PROFILER["profiler._wrap"], only_at_import=True)) == {"os"}
    assert set(imports_of(PROFILER["profiler"])) == {"profiler._wrap.profile"}


@pytest.mark.parametrize("module", sorted(name for name in PROFILER if name.startswith("profiler.testing")))
def test_the_emulator_needs_the_standard_library_alone(module: str) -> None:
    roots = {name.partition(".")[0] for name in imports_of(PROFILER[module], only_at_import=True)}
    assert roots - sys.stdlib_module_names <= {"profiler"}
    ours = [name for name in imports_of(PROFILER[module]) if name.startswith("profiler.")]
    assert not [name for name in ours if not name.startswith("profiler.testing.")]


def test_nothing_of_the_product_imports_the_emulator() -> None:
    product = {**PROFILER, **VIEWER}
    outside = [name for name in product if not name.startswith("profiler.testing")]
    assert not [name for name in outside if any("profiler.testing" in n for n in imports_of(product[name]))]
