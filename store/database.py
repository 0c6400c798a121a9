"""Opening the store: one SQLite file in WAL mode, brought to the newest shape."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from sqlite_utils import Database

from goldloop.errors import StoreError
from store.migrations import migrations

BUSY_TIMEOUT_SECONDS = 30
# How long something waits for another writer where somebody waits for it.
PATIENCE_SECONDS = 0.5
P = ParamSpec("P")
T = TypeVar("T")

# What the other rooms hold in their hands without knowing that it is SQL.
Store: TypeAlias = Database


def utc_now() -> str:
    """The time as ISO 8601 in UTC with microseconds, which sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_json(value: object) -> str:
    """A value as JSON text that SQLite can hold: with lone surrogates, all in ASCII."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True)
    return text


def create_store(path: Path) -> Database:
    """A new store with a project secret of its own; refuses to touch a file that exists."""
    if path.exists():
        raise StoreError(f"{path} exists; it is left as it is")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not by connecting: of two that make it at the same moment, one has to lose.
        path.touch(exist_ok=False)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}") from error
    try:
        db = _connect(path)
        with _closed_on_failure(db):
            _fill(db)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return db


def _fill(db: Database) -> None:
    """Give an empty database the newest shape and the facts, in one transaction."""
    db.enable_wal()
    facts = {
        "secret": secrets.token_hex(32),
        "store_id": secrets.token_hex(8),
        "created_at": utc_now(),
    }
    with transaction(db):
        migrations.apply(db)
        db.conn.executemany("INSERT INTO project VALUES (?, ?)", facts.items())


def open_store(path: Path) -> Database:
    """The store at `path`, migrated; raises StoreError when it is missing, foreign or newer."""
    if not path.is_file():
        raise StoreError(f"there is no store at {path}; make one with: goldloop init")
    try:
        db = _connect(path)
        with _closed_on_failure(db):
            _migrate(db, path)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be used as a store: {error}") from error
    return db


@contextmanager
def _closed_on_failure(db: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        db.close()
        raise


def _connect(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    return Database(connection)


def _migrate(db: Database, path: Path) -> None:
    """Bring an older store to the newest shape; a file that is no store is left as it is."""
    names = _names()
    applied = [migration.name for migration in migrations.applied(db)]
    if not applied:
        raise StoreError(f"{path} is not a store of Goldloop; make one with: goldloop init")
    newer = [name for name in applied if name not in names]
    if newer:
        raise StoreError(f"{path} was made by a newer Goldloop ({newer[-1]}); update Goldloop")
    if len(applied) < len(names):
        # Under the write lock, because the worker and the backend may start at the same moment.
        with transaction(db):
            migrations.apply(db)


@cache
def _names() -> tuple[str, ...]:
    """The migrations that this Goldloop knows, in order."""
    db = Database(memory=True)
    names = tuple(migration.name for migration in migrations.pending(db))
    db.close()
    return names


def project_fact(db: Database, key: str) -> str:
    """A fact that was written when the store was made: secret, store_id or created_at."""
    row = db.execute("SELECT value FROM project WHERE key = ?", [key]).fetchone()
    if row is None:
        raise StoreError(f"the store has no {key}; it was not made by: goldloop init")
    return str(row[0])


@contextmanager
def store_errors() -> Iterator[None]:
    """What goes wrong in SQLite within the block, reading too, comes out as a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"the store cannot be used at the moment: {error}; see that its disk is there and not "
            "full, and that no other program holds the file"
        ) from error


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """All or nothing; inside another transaction, part of that one.

    Takes the write lock at once: upgrading a read lock later can fail with "database is locked",
    whatever the busy timeout. Raises StoreError when another process keeps the lock, or when what
    was written cannot be; then the store is as it was before.
    """
    if db.conn.in_transaction:
        yield
        return
    try:
        # In here, so that an interrupt that comes right after it leaves no transaction open.
        _begin(db)
        yield
        db.commit()
    except sqlite3.Error as error:
        db.rollback()
        raise StoreError(f"the store could not be written, and is as it was: {error}") from error
    except BaseException:
        db.rollback()
        raise


def _begin(db: Database) -> None:
    try:
        db.conn.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"the store is locked by another process for over {BUSY_TIMEOUT_SECONDS} s; "
            f"try again, or find who holds it ({error})"
        ) from error


@contextmanager
def impatiently(db: Database, what: str) -> Iterator[None]:
    """Wait for another writer no longer than `PATIENCE_SECONDS` while the block runs. Raises
    StoreError, which says that `what` could not be stored.
    """
    before = db.execute("PRAGMA busy_timeout").fetchone()[0]
    db.execute(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000:.0f}")
    try:
        yield
    except (sqlite3.Error, StoreError) as error:
        raise StoreError(f"{what} could not be stored: {error.__cause__ or error}") from error
    finally:
        db.execute(f"PRAGMA busy_timeout = {int(before)}")


def atomic(write: Callable[Concatenate[Database, P], T]) -> Callable[Concatenate[Database, P], T]:
    """Run a function of the store in a transaction: the caller's where there is one, else its own.

    Without it, a write outside of a transaction would open one that nobody ends.
    """

    @wraps(write)
    def whole(db: Database, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with transaction(db):
            return write(db, *args, **kwargs)

    return whole
