"""The extensions of one execution environment: who registered for what, and who is still at work.

    (none) ──register──▶ REGISTERED ──next──▶ READY ──invoke──▶ RUNNING ──next──▶ READY …
                              └──init error──▶ FAILED      READY, RUNNING ──exit error──▶ FAILED

The environment is idle only while every extension is READY. All extensions here are internal ones,
threads of the runtime's process. Sources: "Using the Lambda Extensions API to create extensions" (AWS
Lambda developer guide), and `rapi/handler/agent*.go` and `core/internalagent_states.go` of
`aws-lambda-runtime-interface-emulator`.
"""

from __future__ import annotations

import enum
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from profiler.testing.protocol import Invocation, Refused

MAX_EXTENSIONS = 10


class Stage(enum.Enum):
    """Where an extension is; see the module's drawing."""

    REGISTERED = enum.auto()
    READY = enum.auto()
    RUNNING = enum.auto()
    FAILED = enum.auto()


@dataclass(slots=True)
class Extension:
    """One registered extension, with the invocation it was last released for."""

    name: str
    events: frozenset[str]
    stage: Stage = Stage.REGISTERED
    invocation: Invocation | None = None
    failed_in: str = ""


@dataclass(frozen=True, slots=True)
class ExtensionFailure:
    """What an extension reported before it gave up; `phase` is `Init` or `Exit`."""

    phase: str
    error_type: str


class Extensions:
    """Register extensions, release them with an invocation, and say when all have come back.

    `changed` is the environment's condition. `events` are those that may be registered for: INVOKE, or
    none in concurrent mode.
    """

    def __init__(self, changed: threading.Condition, events: Iterable[str] = ("INVOKE",)) -> None:
        self._changed = changed
        self._allowed = frozenset(events)
        self._registered: dict[str, Extension] = {}
        self._is_open = True
        self._is_stopped = False
        self.failure: ExtensionFailure | None = None

    # Called for the extensions.

    def register(self, name: str, events: Iterable[str]) -> str:
        """Return the identifier of a new extension; refused after the runtime's first next."""
        wanted = frozenset(events)
        with self._changed:
            if not name:
                raise Refused(403, "Extension.InvalidExtensionName", "Empty extension name")
            for event in sorted(wanted - self._allowed):
                reason = "event not supported for internal extensions"
                raise Refused(403, "Extension.InvalidEventType", f"{event}: {reason}")
            if not self._is_open:
                raise Refused(403, "Extension.RegistrationClosed", "Extension registration closed already")
            if name in {extension.name for extension in self._registered.values()}:
                raise _invalid_state("Extension with this name already registered")
            if len(self._registered) >= MAX_EXTENSIONS:
                message = f"Extension limit ({MAX_EXTENSIONS}) reached"
                raise Refused(403, "Extension.TooManyExtensions", message)
            identifier = str(uuid.uuid4())
            self._registered[identifier] = Extension(name, wanted)
            return identifier

    def next_event(self, identifier: str) -> Invocation | None:
        """Block until the next invocation; None when the runtime has ended meanwhile."""
        with self._changed:
            extension = self._find(identifier)
            if extension.stage not in (Stage.REGISTERED, Stage.RUNNING):
                raise _invalid_state(f"next is not allowed while {extension.stage.name}")
            extension.stage = Stage.READY
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_stopped or extension.stage is not Stage.READY)
            return extension.invocation if extension.stage is Stage.RUNNING else None

    def fail(self, identifier: str, phase: str, error_type: str) -> None:
        """Take an error report: `Init` before the first next, `Exit` after it."""
        with self._changed:
            extension = self._find(identifier)
            if not error_type:
                message = "Lambda-Extension-Function-Error-Type not found"
                raise Refused(403, "Extension.MissingHeader", message)
            if extension.failed_in == phase:
                return  # said again, and only the first counts
            if extension.stage is Stage.FAILED or (
                phase == "Init" and extension.stage is not Stage.REGISTERED
            ):
                raise _invalid_state(f"an {phase.lower()} error is not allowed while {extension.stage.name}")
            extension.stage, extension.failed_in = Stage.FAILED, phase
            self.failure = self.failure or ExtensionFailure(phase, error_type)
            self._changed.notify_all()

    # Called for the environment.

    def __len__(self) -> int:
        return len(self._registered)

    @property
    def are_ready(self) -> bool:
        """Say whether every extension waits for the next event."""
        return all(extension.stage is Stage.READY for extension in self._registered.values())

    def close_registration(self) -> None:
        """Refuse new extensions from now on."""
        with self._changed:
            self._is_open = False

    def release(self, invocation: Invocation) -> None:
        """Hand the invocation to every extension that registered for it."""
        with self._changed:
            for extension in self._registered.values():
                if "INVOKE" in extension.events:
                    extension.invocation = invocation
                    extension.stage = Stage.RUNNING
            self._changed.notify_all()

    def stop(self) -> None:
        """Let go of every call that still waits."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def _find(self, identifier: str) -> Extension:
        if identifier not in self._registered:
            raise Refused(403, "Extension.UnknownExtensionIdentifier", f"Unknown extension {identifier}")
        return self._registered[identifier]


def _invalid_state(message: str) -> Refused:
    return Refused(403, "Extension.InvalidExtensionState", message)
