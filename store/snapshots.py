"""Snapshots: the store at one moment, while others go on writing to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlite_utils import Database


@contextmanager
def snapshot(db: Database) -> Iterator[None]:
    """What the block reads is the store at one moment; it keeps nobody from writing."""
    if db.conn.in_transaction:
        yield
        return
    db.conn.execute("BEGIN")
    try:
        yield
    finally:
        db.rollback()


def writes_of_others(db: Database) -> int:
    """A number that is another one once some other connection has written to the store."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])


def checkpoint(db: Database) -> None:
    """Move what was written from the write-ahead log into the store's file; waits for nobody.

    SQLite does it by itself after a thousand pages, within the write that happens to come then.
    """
    with suppress(sqlite3.Error):  # what was written is safe without it
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
