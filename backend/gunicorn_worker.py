"""Gunicorn's worker with our doorman, and what each worker does at its beginning and its end."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor
from threading import Thread
from typing import Any, cast

from gunicorn.workers.gthread import ThreadWorker
from prometheus_client.multiprocess import mark_process_dead

from backend.doorman import Doorman
from backend.live_runs import LiveRuns
from backend.metrics import SHARED

# Gunicorn kills a worker that takes longer to end; those who start us kill us after ten seconds.
GRACE_SECONDS = 8
# Of these, what calls of the agent under way have from the signal on.
CALLS_SECONDS = 5.0


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads of a doorman's; when it is told to stop, nobody waits for the agent any more."""

    stopped_at: float | None = None

    def get_thread_pool(self) -> Executor:
        """Gunicorn asks for it in the new process."""
        self.doorman = Doorman(self.cfg.threads)
        return self.doorman

    def handle_exit(self, sig: int, frame: object) -> None:
        """Called by a signal, so that what takes locks is done in a thread."""
        if self.alive:
            self.stopped_at = time.monotonic()
            Thread(target=self._let_go, name="letting go").start()
        super().handle_exit(sig, frame)

    def _let_go(self) -> None:
        live_runs(self).let_go()
        self.doorman.hurry()


def live_runs(worker: Any) -> LiveRuns:
    """The live runs of the app that a worker serves."""
    return cast(LiveRuns, worker.wsgi.extensions["goldloop"].live)


def begin(worker: Any) -> None:
    """Gunicorn's post_worker_init: go on with what the process before left over."""
    live_runs(worker).begin()


def end(_server: Any, worker: Any) -> None:
    """Gunicorn's worker_exit, in the worker: what is not done now, others may do."""
    if worker.pid == os.getpid() and hasattr(worker, "wsgi"):
        since = time.monotonic() - (worker.stopped_at or time.monotonic())
        live_runs(worker).stop(max(0.0, CALLS_SECONDS - since))


def bury(_server: Any, worker: Any) -> None:
    """Gunicorn's child_exit, in the parent: what a dead worker had under way is no more."""
    if SHARED in os.environ:
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
