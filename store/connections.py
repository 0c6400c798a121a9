"""One open store for each thread, for a server: to open it for every request would take longer than
most requests do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import local

from goldloop.errors import StoreError
from store.database import Store, open_store


@dataclass(frozen=True, slots=True)
class _Open:
    """A thread's store, the file that it is, and the shape that it had when it was checked."""

    db: Store
    file: tuple[int, int]
    shape: int

    def __del__(self) -> None:
        # The thread ended; or everything did, and this is another thread.
        with suppress(sqlite3.Error):
            self.db.close()


class Connections:
    """The store at `path`, shared by threads that each keep a connection of their own.

    Make it before a fork if you like, but use it only after.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = local()

    @contextmanager
    def store(self) -> Iterator[Store]:
        """This thread's store while the block runs; raises StoreError as `open_store` does.

        It is opened anew where the file was replaced (what is written into a deleted file is lost)
        or migrated by another program, and after an error in the block.
        """
        db = self._current()
        try:
            yield db
        except BaseException:
            self._drop()
            raise

    def _current(self) -> Store:
        kept: _Open | None = getattr(self._kept, "open", None)
        if kept is None or kept.file != _file(self._path) or kept.shape != _shape(kept.db):
            self._drop()
            db = open_store(self._path)
            kept = self._kept.open = _Open(db, _file(self._path), _shape(db))
        return kept.db

    def _drop(self) -> None:
        kept: _Open | None = self._kept.__dict__.pop("open", None)
        if kept is not None:
            kept.db.close()


def _file(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _shape(db: Store) -> int:
    """A number that SQLite changes with every change of the shape, by whomever."""
    try:
        return int(db.execute("PRAGMA schema_version").fetchone()[0])
    except sqlite3.Error as error:
        raise StoreError(f"the store cannot be read: {error}") from error
