from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from goldloop.samples import Run, Sample
from goldloop.selection import design, hard_round
from store.database import Store, transaction
from store.designs import final_probabilities
from store.migrations import migrations
from store.rounds import (
    Pick,
    Scores,
    finish_round,
    get_round,
    get_rounds,
    keep_model_version,
    picks_by_sample,
    round_frame,
    round_picks,
    round_scores,
    scored_samples,
    undelivered_rounds,
    write_round,
)
from store.samples import add_samples

Fill = Callable[..., list[str]]
PickRound = Callable[..., tuple[int, list[str]]]


def test_scored_samples_are_those_with_a_successful_run_by_id(db: Store, fill: Fill) -> None:
    fill(3)
    add_samples(db, [(Sample("s001x", "x"), None), (Sample("a", "x"), Run("a", "v1", error="no"))])
    add_samples(db, [(Sample("b", "x"), Run("b", "v2", response="x"))])
    found = scored_samples(db, "v1")
    assert found.ids == ["s000", "s001", "s002"]
    assert found.in_pool.tolist() == [True] * 3
    assert found.confidence.tolist() == [0.5] * 3
    stored = dict(db.execute("SELECT sample_id, prn FROM samples").fetchall())
    assert found.prn.tolist() == [stored[sample_id] for sample_id in found.ids]


def test_no_confidence_is_nan(db: Store, fill: Fill) -> None:
    fill(1, confidence=None)
    assert math.isnan(scored_samples(db, "v1").confidence[0])


def test_an_empty_store_has_nothing_to_score(db: Store) -> None:
    found = scored_samples(db, "v1")
    assert (found.ids, len(found.prn), len(found.in_pool)) == ([], 0, 0)


def test_what_was_picked_leaves_the_pool_for_every_version(
    db: Store, fill: Fill, pick: PickRound
) -> None:
    fill(4, version="v1")
    fill(4, version="v2")
    _, picked = pick(1, version="v1")
    for version in ("v1", "v2"):
        found = scored_samples(db, version)
        assert [
            one for one, here in zip(found.ids, found.in_pool, strict=True) if not here
        ] == picked


def test_the_fingerprint_of_a_pool_changes_with_the_pool(
    db: Store, fill: Fill, pick: PickRound
) -> None:
    fill(3)
    before = scored_samples(db, "v1").fingerprint()
    assert scored_samples(db, "v1").fingerprint() == before
    pick(1)
    assert scored_samples(db, "v1").fingerprint() != before


def test_a_round_is_written_with_the_scores_of_everything(db: Store) -> None:
    for name, confidence in (("a", 0.9), ("b", 0.2), ("c", None), ("d", 0.6)):
        run = Run(name, "v1", response="x", confidence=confidence)
        add_samples(db, [(Sample(name, name), run)])
    with transaction(db):
        samples = scored_samples(db, "v1")
        scores = Scores(np.array([False, False, True, False]), np.array([0.1, 0.8, 0.7, 0.4]))
        drawn = hard_round(design(samples.prn), scores.uncertainty, 2, 0.5)
        number = write_round(db, "v1", 2, {"share": 0.5}, samples, scores, drawn)
    row = get_round(db, number)
    assert row is not None
    place = min((0, 2, 3), key=lambda one: samples.prn[one])
    level = float(samples.prn[place])
    assert (row.pool_size, row.batch_size, row.settings) == (4, 2, {"share": 0.5})
    assert (row.mode, row.cutoff, row.prn_level) == ("hard", 0.8, level)
    assert round_frame(db, row) == ["a", "b", "c", "d"]
    found = round_scores(db, row)
    assert found["in_pool"].tolist() == [1, 1, 1, 1]
    assert found["raw_confidence"].tolist() == pytest.approx([0.9, 0.2, math.nan, 0.6], nan_ok=True)
    assert found["novel"].tolist() == [0, 0, 1, 0]
    assert found["uncertainty"].tolist() == [0.1, 0.8, 0.7, 0.4]
    assert found["certain"].tolist() == [0, 1, 0, 0]
    assert found["level"].tolist() == [level] * 4
    assert found["inclusion_probability"].tolist() == pytest.approx([1 / 3, 1, 1 / 3, 1 / 3])
    picked = {one.sample_id: one.reason for one in round_picks(db, number)}
    assert picked == {"b": "uncertain", samples.ids[place]: "random"}


def test_a_later_round_also_keeps_the_scores_of_what_was_picked_before(
    db: Store, fill: Fill, pick: PickRound
) -> None:
    ids = fill(5)
    _, first = pick(2)
    number, second = pick(2)
    assert set(first).isdisjoint(second)
    row = get_round(db, number)
    assert row is not None
    found = round_scores(db, row, ("in_pool", "uncertainty", "inclusion_probability"))
    left = {one for one, here in zip(ids, found["in_pool"], strict=True) if not here}
    assert left == set(first)
    assert found["uncertainty"].tolist() == [0.5] * 5
    assert (found["inclusion_probability"] > 0).all()


def test_the_picks_of_a_round_come_by_rank(db: Store, fill: Fill, pick: PickRound) -> None:
    fill(10)
    number, picked = pick(4)
    found = round_picks(db, number)
    assert [one.rank for one in found] == [1, 2, 3, 4]
    assert [one.reason for one in found] == ["uncertain"] * 3 + ["random"]
    assert found[0] == Pick(picked[0], number, "uncertain", 1, 0.5, False, 0.5, 1.0)
    assert found[3].inclusion_probability == pytest.approx(1 / 7)


def test_every_pick_is_found_by_its_sample(db: Store, fill: Fill, pick: PickRound) -> None:
    fill(6)
    rounds = [pick(2), pick(3)]
    found = picks_by_sample(db)
    assert {one.sample_id: one.round_id for one in found.values()} == {
        sample_id: number for number, ids in rounds for sample_id in ids
    }


def test_rounds_are_undelivered_until_they_are_finished(
    db: Store, fill: Fill, pick: PickRound
) -> None:
    fill(4, version="v1")
    fill(4, version="v2")
    first, _ = pick(1, version="v1")
    second, _ = pick(1, version="v2")
    assert undelivered_rounds(db) == [(first, "v1"), (second, "v2")]
    finish_round(db, first)
    assert undelivered_rounds(db) == [(second, "v2")]


def test_a_round_that_fails_is_not_there(db: Store, fill: Fill, pick: PickRound) -> None:
    fill(3)
    with pytest.raises(ValueError), transaction(db):  # noqa: PT012 - it has to fail after
        pick(2)
        raise ValueError
    assert undelivered_rounds(db) == []
    assert scored_samples(db, "v1").in_pool.all()


SELECTS = """
import sys
from pathlib import Path
from goldloop.settings import SelectionSettings
from store.database import open_store
from sync.select_batch import select_batch
db = open_store(Path(sys.argv[1]))
for _ in range(5):
    select_batch(db, "v1", SelectionSettings(), 10)
"""


def test_selections_at_once_never_pick_the_same_sample(db: Store, path: Path, fill: Fill) -> None:
    fill(300)
    running = [
        subprocess.Popen([sys.executable, "-c", SELECTS, path], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [process.communicate()[1] for process in running] == [b""] * 3
    picked = db.execute("SELECT sample_id FROM picks").fetchall()
    assert len(picked) == len(set(picked)) == 150
    pools = [row[0] for row in db.execute("SELECT pool_size FROM rounds ORDER BY round_id")]
    assert pools == list(range(300, 150, -10))


FROZEN = [
    "UPDATE rounds SET cutoff = 0",
    "UPDATE rounds SET settings = '{}'",
    "DELETE FROM rounds",
    "UPDATE picks SET inclusion_probability = 1",
    "DELETE FROM picks",
    "UPDATE round_columns SET content = x''",
    "DELETE FROM round_columns",
    "UPDATE sampling_frames SET size = 0",
    "DELETE FROM sampling_frames",
    "UPDATE samples SET prn = 0.5",
]


@pytest.mark.parametrize("sql", FROZEN)
def test_nothing_of_a_past_round_can_be_changed(
    db: Store, fill: Fill, pick: PickRound, sql: str
) -> None:
    fill(4)
    pick(2)
    before = list(db.conn.iterdump())
    with pytest.raises(sqlite3.IntegrityError, match="never changed"), db.conn:
        db.conn.execute(sql)
    assert list(db.conn.iterdump()) == before


def test_a_round_can_still_be_delivered(db: Store, fill: Fill, pick: PickRound) -> None:
    fill(4)
    number, _ = pick(2)
    assert keep_model_version(db, number, "v1+calibrated.1") == "v1+calibrated.1"
    finish_round(db, number)
    assert undelivered_rounds(db) == []


def test_rounds_that_score_the_same_samples_share_one_frame(
    db: Store, fill: Fill, pick: PickRound
) -> None:
    fill(6)
    pick(2)
    pick(2)
    fill(7)
    pick(2)
    assert len({row.frame for row in get_rounds(db)}) == 2
    assert db.execute("SELECT size FROM sampling_frames ORDER BY size").fetchall() == [(6,), (7,)]


def test_the_final_probability_is_the_highest_that_any_round_gave(
    db: Store, fill: Fill, pick: PickRound
) -> None:
    fill(40)
    pick(10)
    first = final_probabilities(db)
    pick(10)
    second = final_probabilities(db)
    assert all(second[one] >= first[one] for one in first)
    assert sum(second.values()) == pytest.approx(20.0)


def test_rounds_of_an_older_store_keep_their_picks_and_scores(tmp_path: Path) -> None:
    db = Database(tmp_path / "old.db")
    migrations.apply(db, stop_before="m014_sampling_designs")
    with db.conn:
        for number in range(4):
            sample = (f"s{number}", "q", "[]", "manual", number / 10 + 0.05, "{}", "now")
            db.execute(
                "INSERT INTO samples (sample_id, user_input, tags, source, prn, record, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                sample,
            )
        db.execute(
            "INSERT INTO rounds (agent_version, batch_size, settings, pool_size, pool_fingerprint,"
            " cutoff, prn_level, created_at) VALUES ('v1', 2, '{}', 4, 'x', 0.9, 0.05, 'now')"
        )
        for values in (
            ("s0", 1, 0.8, 0, 0.2, 1 / 3, "random", 2),
            ("s1", 1, None, 0, 0.5, 1 / 3, None, None),
            ("s2", 1, 0.1, 1, 0.9, 1.0, "uncertain", 1),
            ("s3", 0, 0.05, 0, 0.95, None, None, None),
        ):
            db.execute("INSERT INTO round_scores VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    migrations.apply(db)
    assert [(one.sample_id, one.reason) for one in round_picks(db, 1)] == [
        ("s2", "uncertain"),
        ("s0", "random"),
    ]
    row = get_round(db, 1)
    assert row is not None
    assert (row.mode, row.fingerprint) == ("hard", None)
    assert round_frame(db, row) == ["s0", "s1", "s2", "s3"]
    found = round_scores(db, row)
    assert found["certain"].tolist() == [0, 0, 1, 1]
    assert found["level"].tolist() == [0.05] * 4
    assert found["confidence"].tolist() == pytest.approx([0.8, math.nan, 0.1, 0.05], nan_ok=True)
    assert final_probabilities(db) == pytest.approx({"s0": 0.5, "s1": 0.5, "s2": 1, "s3": 1})
    db.close()
