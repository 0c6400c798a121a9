"""Whether anything changed since a browser last looked."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from views.project import Project


def state_of(project: Project) -> str:
    """A short text that changes with whatever is written into the store or a version's files.

    It costs a call of stat for each of these: a browser asks every few seconds.
    """
    store = project.path(project.settings.store.path)
    versions = project.path(project.settings.store.versions)
    written = [store, store.with_name(store.name + "-wal"), versions]
    marks = [_mark(path)[:2] for path in written] + [_mark(path) for path in _files(versions)]
    return sha256(repr(marks).encode()).hexdigest()[:16]


def _files(versions: Path) -> list[Path]:
    """Every dataset's folder, its versions' and what is in these."""
    return sorted(path for depth in ("*", "*/*", "*/*/*") for path in versions.glob(depth))


def _mark(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    # A file that was tampered with can be given back its old date, but not its time of change,
    # which SQLite moves when it opens a log.
    return found.st_mtime_ns, found.st_size, found.st_ctime_ns
