"""claims: what one process alone does at a time, however many there are."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from sync.project import Project


@contextmanager
def claimed(project: Project, what: str) -> Iterator[bool]:
    """Whether this process alone does `what` to the store while the block runs; it does not wait.

    The operating system lets go of the claim when the process ends, however it ends.
    """
    store = project.path(project.settings.store.path)
    with store.with_name(f"{store.name}-{what}").open("a") as claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
