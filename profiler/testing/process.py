"""The runtime's process: how it is started, watched and stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from profiler.testing.function import FunctionConfig


class RuntimeProcess:
    """`python -m awslambdaric HANDLER` in the task root; `on_exit(code)` is called once, when it ends."""

    def __init__(
        self, config: FunctionConfig, environ: Mapping[str, str], log: Path, on_exit: Callable[[int], None]
    ) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [config.python, "-m", "awslambdaric", config.handler],
                cwd=config.task_root,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its own group: what the handler forked ends with it
            )
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

    def stop(self, grace_s: float) -> None:
        """Send SIGTERM, after `grace_s` SIGKILL; with no grace SIGKILL at once."""
        if grace_s > 0 and self._watcher.is_alive():
            self._process.send_signal(signal.SIGTERM)
            self._watcher.join(grace_s)
        # Also after a clean exit, for whatever the handler left running in the group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._watcher.join()

    def _watch(self) -> None:
        self._on_exit(self._process.wait())
