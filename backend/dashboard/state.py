"""Whether anything changed since a browser last looked."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from views.project import Project


def state_of(project: Project) -> str:
    """A short text that changes with whatever is written into the store or the versions' folder.

    It costs a few calls of stat: a browser asks every few seconds.
    """
    store = project.path(project.settings.store.path)
    versions = project.path(project.settings.store.versions)
    looked_at = [store, store.with_name(store.name + "-wal"), versions, *_folders(versions)]
    return sha256(repr([_mark(path) for path in looked_at]).encode()).hexdigest()[:16]


def _folders(versions: Path) -> list[Path]:
    return sorted(path for path in versions.glob("*") if path.is_dir())


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size
