"""refit: learning anew beside the worker, in a process of its own.

In the worker's own process numpy would keep the interpreter to itself for seconds, and nobody's
answer would count meanwhile. `python -m sync.refit FOLDER` refits the project of that folder once.
It ends when its standard input does, so that it never outlives whoever started it, killed or not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from goldloop.errors import GoldloopError
from sync.consensus import refit
from sync.processes import PYTHON, STOP_SECONDS
from sync.project import open_project
from sync.terminal import say

RETRY_SECONDS = 60.0
NICENESS = 10
CUT_OFF = 3


class BackgroundRefit:
    """At most one refit at a time in a process beside this one, which `stop` ends."""

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        """For the project in `folder`; nothing is started yet."""
        self._folder = folder
        self._report = report
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._not_before = 0.0

    @property
    def awaited(self) -> bool:
        """Whether a refit is under way or about to begin."""
        return self._process is not None or (self._wanted and time.monotonic() >= self._not_before)

    def want(self) -> None:
        """Ask for a refit that begins after this moment."""
        self._wanted = True

    def turn(self) -> bool:
        """Start a refit where one is wanted; whether one has ended well since last asked.

        One that fails is reported, and tried again a minute later.
        """
        if self._process is not None:
            return self._look(self._process)
        if self.awaited:
            self._start()
        return False

    def stop(self) -> None:
        """End the refit that is under way; the models stay as they were, or are the new ones."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=STOP_SECONDS)
            self._process = None

    def _start(self) -> None:
        self._wanted = False
        self._process = subprocess.Popen(
            [*PYTHON, "-m", "sync.refit", str(self._folder)],
            cwd=self._folder,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _look(self, process: subprocess.Popen[bytes]) -> bool:
        code = process.poll()
        if code is None:
            return False
        process.communicate()
        self._process = None
        if code:
            self._wanted, self._not_before = True, time.monotonic() + RETRY_SECONDS
            self._report(f"the refit ended with code {code}; trying again in a minute")
        else:
            self._report("the annotators' models were learned anew; consensus is up to date")
        return code == 0


def main(folder: Path) -> int:
    """Refit the project in `folder`; the exit code."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    os.nice(NICENESS)
    try:
        project = open_project(folder)
        with closing(project.open_store()) as db:
            refit(project, db)
    except GoldloopError as error:
        say(f"goldloop: {error}")
        return error.exit_code
    return 0


def _end_with_starter() -> None:
    # What was begun in the store is undone by SQLite when the process is gone.
    while os.read(0, 1024):
        pass
    os._exit(CUT_OFF)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
