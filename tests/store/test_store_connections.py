from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from goldloop.errors import StoreError
from store.connections import Connections
from store.database import Store, create_store, project_fact


def opened(path: Path) -> int:
    """How often this process has the file open."""
    return sum(file.path == str(path) for file in psutil.Process().open_files())


def test_a_thread_keeps_its_store_and_threads_share_none(db: Store, path: Path) -> None:
    connections = Connections(path)

    def asked(_: int) -> tuple[int, int]:
        with connections.store() as first:
            pass
        with connections.store() as second:
            return id(first), id(second)

    own = asked(0)
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(asked, 1).result()
    assert own[0] == own[1]
    assert other[0] == other[1]
    assert own != other


def test_what_a_thread_opened_is_closed_when_it_ends(db: Store, path: Path) -> None:
    # SQLite closes no file while another connection of the process has it locked.
    db.close()
    connections = Connections(path)

    def asked(_: int) -> int:
        with connections.store():
            return opened(path)

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asked, 0).result() == 1
    assert opened(path) == 0


def test_an_error_in_the_block_leaves_no_transaction_open(db: Store, path: Path) -> None:
    connections = Connections(path)
    with pytest.raises(sqlite3.Error), connections.store() as broken:
        broken.conn.executescript("BEGIN IMMEDIATE; SELECT * FROM nowhere")
    with closing(sqlite3.connect(path, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
    with connections.store() as again:
        assert project_fact(again, "store_id") == project_fact(db, "store_id")


def test_another_file_at_the_path_is_opened_anew(db: Store, path: Path, tmp_path: Path) -> None:
    connections = Connections(path)
    with connections.store() as first:
        before = project_fact(first, "store_id")
    db.close()
    other = create_store(tmp_path / "other.db")
    wanted = project_fact(other, "store_id")
    other.close()
    (tmp_path / "other.db").replace(path)
    for left in ("-wal", "-shm"):
        path.with_name(path.name + left).unlink(missing_ok=True)
    with connections.store() as second:
        assert project_fact(second, "store_id") == wanted != before


def test_a_store_that_is_gone_is_told_and_found_again(db: Store, path: Path) -> None:
    connections = Connections(path)
    with connections.store():
        pass
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.rename(path.with_suffix(".away"))
    with pytest.raises(StoreError, match="goldloop init"), connections.store():
        pass
    path.with_suffix(".away").rename(path)
    with connections.store() as found:
        assert project_fact(found, "store_id")


def test_a_changed_shape_is_checked_again(db: Store, path: Path) -> None:
    connections = Connections(path)
    with connections.store():
        pass
    db.execute("CREATE TABLE of_tomorrow (x)")
    db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('goldloop', 'm999_tomorrow', 'now')"
    )
    with pytest.raises(StoreError, match="newer Goldloop"), connections.store():
        pass
