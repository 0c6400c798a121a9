"""The store at one moment, while others write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.annotations import get_cursor, set_cursor
from store.database import Store, open_store, transaction
from store.snapshots import checkpoint, snapshot, writes_of_others


@pytest.fixture
def other(db: Store, path: Path) -> Iterator[Store]:
    """The same store in other hands."""
    store = open_store(path)
    yield store
    store.close()


def test_what_others_write_is_not_seen_until_the_snapshot_ends(db: Store, other: Store) -> None:
    set_cursor(db, "x", "before")
    with snapshot(db):
        assert get_cursor(db, "x") == "before"
        set_cursor(other, "x", "after")  # and is not kept waiting
        assert get_cursor(db, "x") == "before"
    assert get_cursor(db, "x") == "after"


def test_a_snapshot_ends_when_its_block_fails(db: Store) -> None:
    with pytest.raises(ZeroDivisionError), snapshot(db):
        raise ZeroDivisionError
    assert not db.conn.in_transaction


def test_inside_a_transaction_it_is_part_of_that_one(db: Store) -> None:
    with transaction(db):
        set_cursor(db, "x", "mine")
        with snapshot(db):
            assert get_cursor(db, "x") == "mine"
    assert get_cursor(db, "x") == "mine"


def test_only_the_writes_of_others_are_noticed(db: Store, other: Store) -> None:
    before = writes_of_others(db)
    set_cursor(db, "x", "mine")
    assert writes_of_others(db) == before
    set_cursor(other, "x", "theirs")
    assert writes_of_others(db) != before


def test_they_are_noticed_inside_a_transaction_too(db: Store, other: Store) -> None:
    before = writes_of_others(db)
    set_cursor(other, "x", "theirs")
    with transaction(db):
        assert writes_of_others(db) != before


def test_a_checkpoint_moves_the_log_into_the_file(db: Store, path: Path) -> None:
    set_cursor(db, "x", "y" * 100_000)
    before = path.stat().st_size
    checkpoint(db)
    assert path.stat().st_size > before


def test_a_checkpoint_waits_for_nobody(db: Store, other: Store) -> None:
    with transaction(other):
        set_cursor(other, "x", "y")
        checkpoint(db)
