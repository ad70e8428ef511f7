"""The contract between the two houses: what one invocation leaves behind.

Frozen dataclasses and nothing else. `profiler.codec` turns a `Capture` into bytes and back;
`profiler.keys` names the object it is stored as. Times are integer nanoseconds, sizes integer bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SCHEMA_VERSION = 1

# The number of the init phase, which comes before the first invocation.
INIT_SEQUENCE = 0
# What the lanes of an init phase are called whose frames are modules; where other threads imported,
# `imports in NAME`.
IMPORTS_LANE = "imports"
OUTCOMES = ("ok", "error", "timeout", "out-of-memory", "crashed")


@dataclass(frozen=True, slots=True)
class Frame:
    """One function of a stack, or one line of an allocation's traceback.

    `line` is the function's first line in a CPU profile and the allocating line in a traceback;
    0 where it is unknown.
    """

    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ThreadProfile:
    """The samples of one thread in time order, neighbours with the same stack merged.

    `stacks[i]` holds indexes into `Capture.frames`, root first; `weights_ns[i]` is how long the
    thread was seen there. `start_ns` counts from the start of the invocation. The thread that ran
    the handler is the first of a capture.
    """

    name: str
    stacks: tuple[tuple[int, ...], ...]
    weights_ns: tuple[int, ...]
    start_ns: int = 0


@dataclass(frozen=True, slots=True)
class Invocation:
    """Which invocation this was. `sequence` counts all of the environment, captured or not, from 1.

    0 is what came before the first: init, the import of the function's module. It has no request id,
    and its threads begin with the lanes of the import tree (`IMPORTS_LANE`).
    """

    function_name: str
    request_id: str
    environment_id: str
    sequence: int
    started_at_ns: int
    duration_ns: int
    cold: bool
    function_version: str = ""
    init_type: str = ""
    memory_limit_mb: int | None = None
    trace_id: str = ""
    region: str = ""
    log_stream: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def is_init(self) -> bool:
        """Whether this is no invocation but the init phase."""
        return self.sequence == INIT_SEQUENCE


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine made the profile, and how. `samples` counts them before merging."""

    name: str
    interval_ns: int = 0
    clock: str = "wall"
    samples: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class Overhead:
    """What the profiler itself spent on this invocation."""

    start_ns: int = 0
    stop_ns: int = 0
    encode_ns: int = 0


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Cheap facts of the process at the end of the invocation; None where the platform is silent.

    `blocks` is `sys.getallocatedblocks()`; `native_bytes` is what malloc has handed out outside
    Python's own allocator (glibc's mallinfo2).
    """

    rss_bytes: int | None = None
    rss_growth_bytes: int | None = None
    blocks: int | None = None
    blocks_growth: int | None = None
    native_bytes: int | None = None
    threads: int | None = None
    open_files: int | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """One census entry: a named container or cache at the end of the invocation.

    `path` is a name in the code's own structure (`app.PRICES`), never a value. `bound` is the most
    entries it can hold by its own account (maxsize, maxlen), `None` where it names none; `expires`
    tells that its entries have a time to live, `suspected` that it is told only since it was seen to
    grow, so that where it is absent it need not be empty. `filled_at` holds indexes into
    `Capture.frames`: the lines that allocated its newest entries while tracemalloc traces, else the
    lines of its module that write to it.
    """

    path: str
    type: str
    entries: int
    bytes: int | None = None
    bound: int | None = None
    expires: bool = False
    suspected: bool = False
    filled_at: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AllocationSite:
    """One traceback of tracemalloc, root first, and what is live there.

    `live_*` is everything allocated since tracing began and not yet freed; `growth_*` is the change
    over this invocation (negative when older blocks were freed).
    """

    stack: tuple[int, ...]
    live_bytes: int
    live_blocks: int
    growth_bytes: int
    growth_blocks: int


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How many objects of a type there are, of a type that has more than at first.

    `held_by` is the path from a module's global to most of those that were looked for, "" where that has
    not been found: then they may be garbage that was not collected yet. `object_bytes` is the size of one
    of them with what it holds, estimated from those.
    """

    type: str
    count: int
    held_by: str = ""
    object_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What memory stayed. `mode` is the mode that really ran, `tracing_since` the sequence of the
    first invocation that tracemalloc saw whole (None when it is not tracing). `census_nodes` are the
    objects that the census looked at, in `census_ns`. `objects` is how many the garbage collector knows,
    None where they were not counted; `types` are then the types that have grown."""

    mode: str = "off"
    process: ProcessMemory = field(default_factory=ProcessMemory)
    census: tuple[Container, ...] = ()
    census_complete: bool = True
    census_nodes: int = 0
    census_ns: int = 0
    objects: int | None = None
    types: tuple[TypeCount, ...] = ()
    sites: tuple[AllocationSite, ...] = ()
    tracing_since: int | None = None


@dataclass(frozen=True, slots=True)
class CallEdge:
    """One caller → callee edge of a tracing engine; `caller` is None for a root."""

    caller: int | None
    callee: int
    calls: int
    self_ns: int
    total_ns: int


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything that one invocation left. `notes` says in plain words what was declined, and why."""

    invocation: Invocation
    frames: tuple[Frame, ...] = ()
    threads: tuple[ThreadProfile, ...] = ()
    outcome: str = "ok"
    complete: bool = True
    trigger: str = "rate"
    engine: EngineInfo | None = None
    overhead: Overhead = field(default_factory=Overhead)
    memory: Memory = field(default_factory=Memory)
    call_graph: tuple[CallEdge, ...] | None = None
    notes: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION
