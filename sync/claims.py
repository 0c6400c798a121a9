"""claims: what one process alone does at a time, however many there are.

The operating system lets go of a claim when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from sync.project import Project


@contextmanager
def claimed(project: Project, what: str, seconds: float = 0) -> Iterator[bool]:
    """Whether this process alone does `what` to the store during the block; it waits so long for
    its turn.
    """
    until = time.monotonic() + seconds
    while True:
        with _claim(project, what) as claim:
            ours = _is_ours(claim)
            if ours and not _has_its_name(claim):
                continue
            if ours or time.monotonic() >= until:
                yield ours
                return
        time.sleep(0.1)


def _has_its_name(claim: IO[str]) -> bool:
    """Whether the file is still there: who had it before may have taken it away between our opening
    and our claiming it, and then another process claims another file of its name.
    """
    try:
        return os.path.samestat(os.fstat(claim.fileno()), Path(claim.name).stat())
    except FileNotFoundError:
        return False


@contextmanager
def claimed_in_turn(
    project: Project, what: str, waiting: Callable[[], AbstractContextManager[object]]
) -> Iterator[None]:
    """This process alone does `what` to the store while the block runs; it waits for its turn, and
    `waiting` tells of that.
    """
    with _claim(project, what) as claim:
        if not _is_ours(claim):
            with waiting():
                fcntl.flock(claim, fcntl.LOCK_EX)
        yield


def _claim(project: Project, what: str) -> IO[str]:
    store = project.path(project.settings.store.path)
    return store.with_name(f"{store.name}-{what}").open("a")


def _is_ours(claim: IO[str]) -> bool:
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
