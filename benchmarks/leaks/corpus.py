"""The cases: which handlers leak, what is to be named, and which half is set aside when rules are tuned."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

HANDLERS = Path(__file__).with_name("handlers")
LOOK_ALIKES = "lookalikes"
_MARK = re.compile(r"#\s*leak:\s*(\w+)")

# The container, or the count, that grows, or what holds the objects that stay; the line counts too.
CULPRITS: dict[str, tuple[str, ...]] = {
    "module_dict": ("caches.PRICES",),
    "module_list": ("caches.ITEMS",),
    "high_cardinality_key": ("caches.RATES",),
    "seen_ids": ("caches.SEEN",),
    "interning": ("caches.INTERNED",),
    "cache_on_a_function": ("caches._exchange_rate",),
    "cache_on_a_method": ("caches.Catalogue.price",),
    "inner_lists_grow": ("caches.SHARDS[]",),
    "metric_cardinality": ("caches.COUNTERS",),
    "thread_local_data": ("caches.LOCAL.spans",),
    "growing_bytes": ("caches.BUFFER",),
    "slow_leak": ("caches.PRICES",),
    "large_leak": ("caches.SESSIONS",),
    "one_path_in_ten": ("caches.SESSIONS",),
    "database_connections": ("caches.CONNECTIONS",),
    "mutable_default": ("objects.mutable_default(seen=)",),
    "class_attribute": ("objects.Store.cache",),
    "attribute_of_a_singleton": ("objects.STORE.history",),
    "closure_memo": ("objects.LOOKUP<memo>",),
    "queue_never_drained": ("objects.QUEUE.queue",),
    "scheduler_heap": ("objects.JOBS",),
    "deque_without_bound": ("objects.RECENT",),
    "stored_exceptions": ("objects.ERRORS",),
    "class_registry": ("objects.REGISTRY",),
    "types_made_per_call": ("objects.KEPT_TYPES",),
    "generators_kept": ("objects.GENERATORS",),
    "tee_that_is_read_on_one_side": ("objects.LEFT", "objects.RIGHT"),
    "event_bus_callbacks": ("objects.LISTENERS", "objects.Bus.callbacks"),
    "weak_values_kept_alive": ("objects.STRONG", "objects.ALIVE.data"),
    "context_variable": ("contextvars.span",),
    "native_memory": ("resident memory",),
    "span_exporter": ("objects.EXPORTER.finished_spans",),
    "tasks_never_awaited": ("asyncio tasks",),
    "figures_never_closed": ("objects.FIGURES",),
    "logging_handler_per_call": ("logging.getLogger(shop).handlers",),
    "exit_callbacks": ("atexit",),
    "threads_never_ended": ("threads",),
    "executors_never_shut_down": ("processes.POOLS", "executors"),
    "files_never_closed": ("processes.FILES", "open files"),
    "client_per_call": ("processes.CLIENTS",),
    "modules_made_per_call": ("sys.modules",),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One handler, `module.function`. `marks` are the lines, (file, line), that fill what leaks."""

    name: str
    leaks: bool
    culprits: tuple[str, ...]
    marks: tuple[tuple[str, int], ...]

    @property
    def function(self) -> str:
        return self.name.partition(".")[2]

    @property
    def is_set_aside(self) -> bool:
        """Tell whether it is kept out of the tuning of rules: half of all, by a hash of the name."""
        return hashlib.sha256(self.function.encode()).digest()[0] % 2 == 1


def cases() -> list[Case]:
    """Return all cases, in the order of their files."""
    return [case for path in sorted(HANDLERS.glob("*.py")) for case in _cases_of(path)]


def _cases_of(path: Path) -> list[Case]:
    source = path.read_text(encoding="utf-8")
    marks: dict[str, list[tuple[str, int]]] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if match := _MARK.search(line):
            marks.setdefault(match[1], []).append((path.name, number))
    return [
        Case(
            name=f"{path.stem}.{function}",
            leaks=path.stem != LOOK_ALIKES,
            culprits=CULPRITS.get(function, ()),
            marks=tuple(marks.get(function, ())),
        )
        for function in _handlers_in(source)
    ]


def _handlers_in(source: str) -> list[str]:
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        and [argument.arg for argument in node.args.args[:2]] == ["event", "context"]
    ]
