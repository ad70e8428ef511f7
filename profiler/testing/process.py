"""The runtime's process: how it is started, watched, frozen and stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from profiler.testing.function import FunctionConfig

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
THAW_S = 0.05
EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
OPT = "/opt/"


class RuntimeProcess:
    """The bootstrap in the task root; `on_exit(code)` is called once, when it ends.

    With `AWS_LAMBDA_EXEC_WRAPPER` that script is started instead, with the bootstrap's command line; one
    below /opt is looked for in the folder that stands in for it.
    """

    def __init__(
        self, config: FunctionConfig, environ: Mapping[str, str], log: Path, on_exit: Callable[[int], None]
    ) -> None:
        wrapper = environ.get(EXEC_WRAPPER)
        if wrapper and config.opt and wrapper.startswith(OPT):
            wrapper = str(config.opt / wrapper.removeprefix(OPT))
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *([wrapper] if wrapper else []),
                    config.python,
                    str(BOOTSTRAP),
                    *([str(config.opt)] if config.opt else []),
                ],
                cwd=config.task_root,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its own group: what the handler forked ends with it
            )
        self._is_frozen = False
        self._on_exit = on_exit
        self._watcher = threading.Thread(target=self._watch, name="runtime-watcher", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def join(self, timeout_s: float) -> bool:
        """Wait for the process to end by itself; False if it has not."""
        self._watcher.join(timeout_s)
        return not self._watcher.is_alive()

    def freeze(self) -> None:
        """Stop every thread and process of the group, as Lambda does between invocations."""
        self._is_frozen = True
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen group go on; the clocks have gone on all the time."""
        if self._is_frozen:
            self._is_frozen = False
            self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Send SIGKILL to the group, and return at once."""
        self._signal(signal.SIGKILL)

    def stop(self, grace_s: float) -> None:
        """Send SIGTERM to the group, after `grace_s` SIGKILL; with no grace SIGKILL at once."""
        if grace_s > 0 and self._watcher.is_alive():
            if self._is_frozen:
                # A signal to threads that stand still, or only just go on, may end with any of them, but
                # Python's handler runs only when the main one wakes.
                self.thaw()
                self._watcher.join(THAW_S)
            self._signal(signal.SIGTERM)
            self._watcher.join(grace_s)
        # Also after a clean exit, for whatever the handler left running in the group.
        self.kill()
        self._watcher.join()

    def _signal(self, number: signal.Signals) -> None:
        # macOS answers with EPERM when all that is left of a group is a zombie.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _watch(self) -> None:
        self._on_exit(self._process.wait())
