"""A program that is started again whenever it ends, as a supervisor would."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench._site import environment

# How soon a supervisor looks, and how long it lets a program end by itself.
LOOK_SECONDS, STOP_SECONDS = 0.1, 15.0


class Supervised:
    """Runs as long as the block does, in a session of its own; its log goes to a file.

    `starts` counts how often it was started, `pid` is of the one that runs now.
    """

    def __init__(self, command: Sequence[str], folder: Path, log: Path) -> None:
        self._command, self._folder, self.log = command, folder, log
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._process = self._start()
        self.starts = 1

    @property
    def pid(self) -> int:
        """The process that was started last."""
        return self._process.pid

    def kill(self) -> bool:
        """SIGKILL it and all that it started; whether it ran."""
        return self._signal_all(self._process, signal.SIGKILL)

    def crash(self) -> None:
        """SIGKILL it and all that it started, and start it no more: the machine went down."""
        self._stopping.set()
        self._watcher.join()
        self.kill()
        self._process.wait()

    def kill_child(self) -> bool:
        """SIGKILL one process that it started, not itself; whether there was one."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.pid).children():
                child.kill()
                return True
        return False

    def kill_parent(self) -> bool:
        """SIGKILL it and leave what it started to itself; whether it ran."""
        process = self._process
        if process.poll() is None:
            process.kill()
            return True
        return False

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._watcher.join()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._signal_all(self._process, signal.SIGKILL)
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            if self._process.poll() is not None:
                self._process = self._start()
                self.starts += 1

    @staticmethod
    def _signal_all(process: subprocess.Popen[bytes], number: int) -> bool:
        running = process.poll() is None
        # What it started may outlive it, and hold its port.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        return running
