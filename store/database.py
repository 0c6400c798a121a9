"""Opening the store: one SQLite file in WAL mode, brought to the newest shape."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from sqlite_utils import Database

from goldloop.errors import StoreError
from store.migrations import migrations

BUSY_TIMEOUT_SECONDS = 30

# What the other rooms hold in their hands without knowing that it is SQL.
Store: TypeAlias = Database


def utc_now() -> str:
    """The time as ISO 8601 in UTC with microseconds, which sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def create_store(path: Path) -> Database:
    """A new store with a project secret of its own; refuses to touch a file that exists."""
    if path.exists():
        raise StoreError(f"{path} exists; it is left as it is")
    path.parent.mkdir(parents=True, exist_ok=True)
    db = _connect(path)
    db.enable_wal()
    _migrate(db, path)
    with transaction(db):
        facts = {
            "secret": secrets.token_hex(32),
            "store_id": secrets.token_hex(8),
            "created_at": utc_now(),
        }
        db.conn.executemany("INSERT INTO project VALUES (?, ?)", facts.items())
    return db


def open_store(path: Path) -> Database:
    """The store at `path`, migrated; raises StoreError when it is missing, foreign or newer."""
    if not path.is_file():
        raise StoreError(f"there is no store at {path}; make one with: goldloop init")
    try:
        db = _connect(path)
        _migrate(db, path)
        project_fact(db, "secret")
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} cannot be used as a store: {error}") from error
    return db


def _connect(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    return Database(connection)


def _migrate(db: Database, path: Path) -> None:
    known = {migration.name for migration in migrations.pending(db)}
    applied = {migration.name for migration in migrations.applied(db)}
    foreign = sorted(name for name in applied if name not in _names())
    if foreign:
        raise StoreError(f"{path} was made by a newer Goldloop ({foreign[-1]}); update Goldloop")
    if known:
        migrations.apply(db)


def _names() -> set[str]:
    return {migration.name for migration in migrations.pending(Database(memory=True))}


def project_fact(db: Database, key: str) -> str:
    """A fact that was written when the store was made: secret, store_id or created_at."""
    row = db.execute("SELECT value FROM project WHERE key = ?", [key]).fetchone()
    if row is None:
        raise StoreError(f"the store has no {key}; it was not made by: goldloop init")
    return str(row[0])


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """All or nothing. Takes the write lock at once: upgrading a read lock later can fail at once
    with "database is locked", whatever the busy timeout.
    """
    if db.conn.in_transaction:
        yield
        return
    try:
        db.conn.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"the store is locked by another process for over {BUSY_TIMEOUT_SECONDS} s; "
            f"try again, or find who holds it ({error})"
        ) from error
    try:
        yield
        db.commit()
    except sqlite3.OperationalError as error:
        db.rollback()
        raise StoreError(f"the store could not be written, and is as it was: {error}") from error
    except BaseException:
        db.rollback()
        raise
