"""verify: a past round, worked out again."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from store.rounds import (
    get_round,
    round_fingerprint,
    round_picks,
    round_scores,
)
from tests.sync.cases import fill, label, pick
from tests.sync.loop import Loop


def tamper(loop: Loop, sql: str, *values: object) -> None:
    """Change the store as no command does: without its triggers."""
    with closing(sqlite3.connect(loop.folder / "goldloop.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(sql, values)
        connection.commit()


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_every_round_fits_over_rounds_of_a_growing_pool(offline: Loop, mode: str) -> None:
    offline.configure("selection", mode=mode, min_per_tag=5, stratify=mode == "hard")
    for first in (0, 100, 200):
        fill(offline, 100, first)
        label(offline, pick(offline, 25))
    for number in (1, 2, 3):
        verdict = offline.json("verify", "round", str(number))
        assert verdict["fits"]
        assert verdict["checked"][-1] == "probabilities"


@pytest.mark.parametrize(
    ("sql", "step"),
    [
        (
            "UPDATE rounds SET settings = json_set(settings, '$.uncertain_share', 0.5)",
            "fingerprint",
        ),
        ("UPDATE rounds SET cutoff = cutoff + 0.01", "fingerprint"),
        ("UPDATE picks SET reason = 'random' WHERE rank = 1", "fingerprint"),
        ("DELETE FROM picks WHERE rank = 3", "fingerprint"),
        ("UPDATE samples SET prn = prn / 2 WHERE sample_id = 'c0007'", "random numbers"),
        ("UPDATE rounds SET pool_size = pool_size - 1", "pool"),
    ],
)
def test_what_was_changed_of_a_round_is_named(offline: Loop, sql: str, step: str) -> None:
    fill(offline, 60)
    pick(offline, 10)
    tamper(offline, sql)
    verdict = offline.json("verify", "round", "1", exit_code=1)
    assert (verdict["fits"], verdict["step"]) == (False, step)


def test_a_change_that_also_mends_the_fingerprint_is_found_in_the_picks(offline: Loop) -> None:
    fill(offline, 60)
    pick(offline, 10)
    tamper(offline, "UPDATE picks SET reason = 'random' WHERE rank = 1")
    with offline.store() as db, db.conn:
        row = get_round(db, 1)
        assert row is not None
        mark = round_fingerprint(row, round_scores(db, row), round_picks(db, 1), {})
        db.execute("UPDATE rounds SET fingerprint = ?", [mark])
    verdict = offline.json("verify", "round", "1", exit_code=1)
    assert verdict["step"] == "picks"
    assert "rank 1" in verdict["problem"]


def test_an_unknown_round_is_refused_with_those_that_there_are(offline: Loop) -> None:
    fill(offline, 20)
    pick(offline, 5)
    assert "there are: 1" in offline.refused("verify", "round", "7")
