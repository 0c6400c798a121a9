"""Folders to write in until what is written is whole, beside the place where it will be.

Nobody reads a draft. What a writer that was killed left behind is swept away by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ABANDONED = 60  # seconds that a draft without its writer is left alone


@contextmanager
def draft_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder of one's own in `parent`, which is made where it is missing; gone at the end, unless
    it was renamed. Raises OSError.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent, prefix)
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        with locked(path):
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _sweep(parent: Path, prefix: str) -> None:
    """Remove the drafts of writers that were killed: their locks went with them."""
    for left in parent.glob(f"{prefix}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                with locked(left, wait=False):
                    shutil.rmtree(left, ignore_errors=True)


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds a folder's lock; without `wait`, raises OSError when another process does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def sync_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
