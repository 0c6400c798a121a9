from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

import store.database
from goldloop.errors import StoreError
from store.database import (
    Store,
    atomic,
    create_store,
    open_store,
    project_fact,
    store_errors,
    to_json,
    transaction,
    utc_now,
)
from store.migrations import migrations


def names(db: Store) -> list[str]:
    return [row[0] for row in db.execute("SELECT name FROM _sqlite_migrations ORDER BY rowid")]


def put(db: Store, key: str) -> None:
    db.conn.execute("INSERT INTO project VALUES (?, 'x')", [key])


def has(db: Store, key: str) -> bool:
    return db.execute("SELECT 1 FROM project WHERE key = ?", [key]).fetchone() is not None


@pytest.fixture
def holder(path: Path, db: Store) -> sqlite3.Connection:
    """Another connection that holds the write lock."""
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    return other


# Making and opening


def test_a_new_store_has_a_secret_an_id_and_its_birthday(db: Store) -> None:
    assert len(bytes.fromhex(project_fact(db, "secret"))) == 32
    assert len(project_fact(db, "store_id")) == 16
    assert project_fact(db, "created_at") <= utc_now()


def test_two_stores_have_different_secrets(tmp_path: Path) -> None:
    secrets = {
        project_fact(create_store(tmp_path / name), "secret") for name in ("a.db", "deep/er/b.db")
    }
    assert len(secrets) == 2


def test_an_opened_store_is_the_one_that_was_made(db: Store, path: Path) -> None:
    again = open_store(path)
    assert project_fact(again, "secret") == project_fact(db, "secret")


def test_the_store_is_in_wal_mode_with_foreign_keys_on(db: Store, path: Path) -> None:
    opened = open_store(path)
    for connection in (db, opened):
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_a_file_that_exists_is_not_overwritten(path: Path) -> None:
    path.write_bytes(b"mine")
    with pytest.raises(StoreError, match=r"goldloop\.db exists; it is left as it is"):
        create_store(path)
    assert path.read_bytes() == b"mine"


def test_a_store_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be made: "):
        create_store(tmp_path / "file" / "goldloop.db")


def test_a_store_whose_making_fails_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Database) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store.database.migrations, "apply", fail)
    with pytest.raises(KeyboardInterrupt):
        create_store(path)
    assert not path.exists()


def test_a_missing_store_is_not_made_by_opening_it(path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*goldloop init"):
        open_store(path)
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"not SQLite, whatever it is called " * 100)
    with pytest.raises(StoreError, match=r"cannot be used as a store: .*not a database"):
        open_store(path)


def test_the_database_of_another_program_is_refused_and_left_as_it_was(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE project (key TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is not a store of Goldloop; .*goldloop init"):
        open_store(path)
    assert path.read_bytes() == before


def test_an_empty_file_is_no_store(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreError, match=r"is not a store of Goldloop"):
        open_store(path)
    assert path.stat().st_size == 0


def test_the_store_of_a_newer_goldloop_is_refused(db: Store, path: Path) -> None:
    db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
        ["goldloop", "m999_future", utc_now()],
    )
    with pytest.raises(StoreError, match=r"newer Goldloop \(m999_future\); update Goldloop"):
        open_store(path)


def test_a_damaged_store_is_refused(db: Store, path: Path) -> None:
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match=r"cannot be used as a store"):
        open_store(path)


def test_a_fact_that_is_missing_says_so(db: Store) -> None:
    with pytest.raises(StoreError, match=r"the store has no colour"):
        project_fact(db, "colour")


# Migrations


def test_migrations_run_in_the_order_of_their_numbers(db: Store) -> None:
    assert names(db) == sorted(names(db))
    assert [int(name[1:4]) for name in names(db)] == list(range(1, len(names(db)) + 1))


def older(path: Path, count: int) -> None:
    """A store as an earlier Goldloop, with `count` migrations, made it."""
    db = Database(sqlite3.connect(path))
    db.enable_wal()
    every = [migration.name for migration in migrations.pending(db)]
    migrations.apply(db, stop_before=every[count])
    db.execute("INSERT INTO project VALUES ('secret', '00')")
    db.close()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_older_store_is_brought_to_the_newest_shape(
    path: Path, tmp_path: Path, count: int
) -> None:
    older(path, count)
    opened, new = open_store(path), create_store(tmp_path / "new.db")
    assert opened.schema == new.schema
    assert names(opened) == names(new)
    assert project_fact(opened, "secret") == "00"


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older(path, 2)

    def fail(db: Database) -> None:
        db.execute("CREATE TABLE half_done (x)")
        raise sqlite3.OperationalError("disk I/O error")

    last = migrations.pending(Database(memory=True))[-1]
    monkeypatch.setattr(last, "fn", fail)
    with pytest.raises(StoreError, match=r"disk I/O error"):
        open_store(path)
    found = Database(sqlite3.connect(path))
    assert len(names(found)) == 2
    assert {"half_done", "annotations"}.isdisjoint(found.table_names())


def test_two_processes_that_migrate_at_once_both_succeed(path: Path) -> None:
    older(path, 1)
    code = (
        f"from pathlib import Path; from store.database import *; open_store(Path({str(path)!r}))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)
    ]
    assert [process.communicate()[1] for process in running] == [b"", b""]


# Transactions


def test_a_transaction_that_ends_is_kept(db: Store, path: Path) -> None:
    with transaction(db):
        put(db, "a")
    assert has(open_store(path), "a")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_transaction_that_fails_is_undone(db: Store, error: type[BaseException]) -> None:
    with pytest.raises(error), transaction(db):  # noqa: PT012 - it has to fail after the write
        put(db, "a")
        raise error
    assert not has(db, "a")
    assert not db.conn.in_transaction


def test_a_transaction_within_another_is_part_of_it(db: Store, path: Path) -> None:
    other = open_store(path)
    with pytest.raises(ValueError), transaction(db):  # noqa: PT012 - both levels are the point
        with transaction(db):
            put(db, "a")
        assert not has(other, "a")
        raise ValueError
    assert not has(db, "a")


def test_others_do_not_see_what_is_not_finished(db: Store, path: Path) -> None:
    other = open_store(path)
    with transaction(db):
        put(db, "a")
        assert not has(other, "a")
    assert has(other, "a")


def test_a_write_that_breaks_a_rule_of_the_store_is_a_store_error(db: Store) -> None:
    expected = r"could not be written, and is as it was: .*UNIQUE"
    with pytest.raises(StoreError, match=expected), transaction(db):  # noqa: PT012 - as above
        put(db, "a")
        put(db, "a")
    assert not has(db, "a")


def test_an_atomic_function_has_a_transaction_of_its_own(db: Store, path: Path) -> None:
    assert atomic(put)(db, "a") is None
    assert has(open_store(path), "a")


def test_an_atomic_function_joins_the_callers_transaction(db: Store) -> None:
    with pytest.raises(ValueError), transaction(db):  # noqa: PT012 - both levels are the point
        atomic(put)(db, "a")
        raise ValueError
    assert not has(db, "a")


def test_a_locked_store_gives_an_error_within_the_timeout(
    db: Store, path: Path, monkeypatch: pytest.MonkeyPatch, holder: sqlite3.Connection
) -> None:
    monkeypatch.setattr(store.database, "BUSY_TIMEOUT_SECONDS", 0.1)
    impatient = open_store(path)
    begun = time.monotonic()
    with pytest.raises(StoreError, match=r"locked by another process for over 0\.1 s"):
        atomic(put)(impatient, "a")
    assert time.monotonic() - begun < 5
    assert not impatient.conn.in_transaction


def test_a_locked_store_can_be_opened_and_read(
    path: Path, monkeypatch: pytest.MonkeyPatch, holder: sqlite3.Connection
) -> None:
    monkeypatch.setattr(store.database, "BUSY_TIMEOUT_SECONDS", 0.1)
    assert project_fact(open_store(path), "secret")


WRITER = """
import sys
from pathlib import Path
from store.database import open_store, transaction
db = open_store(Path(sys.argv[1]))
for number in range(50):
    with transaction(db):
        count = int(db.execute("SELECT value FROM cursors WHERE name = 'n'").fetchone()[0])
        db.execute("UPDATE cursors SET value = ? WHERE name = 'n'", [str(count + 1)])
"""


def test_two_processes_that_write_at_once_lose_nothing(db: Store, path: Path) -> None:
    db.execute("INSERT INTO cursors VALUES ('n', '0')")
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, path], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.communicate()[1] for process in running] == [b"", b""]
    assert db.execute("SELECT value FROM cursors").fetchone()[0] == "100"


# Texts


@pytest.mark.parametrize(
    "value", ["\ud800", "é\udfff", {"\ud83d": ["\x00", "漢"]}, "😀", [1.5, None]]
)
def test_json_comes_back_from_sqlite_as_it_was(db: Store, value: Any) -> None:
    stored = db.execute("SELECT CAST(? AS TEXT)", [to_json(value)]).fetchone()[0]
    assert json.loads(stored) == value


def test_json_is_readable_where_it_can_be() -> None:
    assert to_json({"b": "漢", "a": 1}) == '{"a": 1, "b": "漢"}'


def test_times_sort_as_texts() -> None:
    times = [utc_now() for _ in range(100)]
    assert times == sorted(times)
    assert {len(moment) for moment in times} == {len("2026-01-31T12:00:00.000000Z")}


def test_reading_that_fails_is_a_store_error_within_the_block_for_it(db: Store) -> None:
    with (
        pytest.raises(StoreError, match="cannot be used at the moment: no such table"),
        store_errors(),
    ):
        db.execute("SELECT * FROM nothing_of_the_kind")
