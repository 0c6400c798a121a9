from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from goldloop.samples import Run, Sample, ToolCall
from goldloop.selection import select
from store.database import Store, transaction
from store.rounds import (
    Pick,
    Scores,
    finish_round,
    labelled_paths,
    picks_by_sample,
    round_picks,
    scored_samples,
    undelivered_rounds,
    write_round,
)
from store.runs import insert_runs
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
    assert found.paths == [("find",)] * 3
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
        selection = select(scores.uncertainty, samples.prn, 2, 0.5)
        number = write_round(db, "v1", 2, {"share": 0.5}, samples, scores, selection)
    rows = db.execute(
        "SELECT sample_id, in_pool, confidence, novel, uncertainty, inclusion_probability, reason,"
        " rank FROM round_scores WHERE round_id = ? ORDER BY sample_id",
        [number],
    ).fetchall()
    drawn = min((prn, one) for one, prn in zip("acd", samples.prn[[0, 2, 3]], strict=True))[1]
    expected = {
        "a": ("a", 1, 0.9, 0, 0.1, 1 / 3, None, None),
        "b": ("b", 1, 0.2, 0, 0.8, 1.0, "uncertain", 1),
        "c": ("c", 1, None, 1, 0.7, 1 / 3, None, None),
        "d": ("d", 1, 0.6, 0, 0.4, 1 / 3, None, None),
    }
    expected[drawn] = (*expected[drawn][:6], "random", 2)
    assert rows == list(expected.values())
    facts = db.execute("SELECT pool_size, batch_size, cutoff, prn_level, settings FROM rounds")
    level = float(samples.prn[samples.ids.index(drawn)])
    assert facts.fetchone() == (4, 2, 0.8, level, '{"share": 0.5}')


def test_a_later_round_also_keeps_the_scores_of_what_was_picked_before(
    db: Store, fill: Fill, pick: PickRound
) -> None:
    fill(5)
    _, first = pick(2)
    number, second = pick(2)
    assert set(first).isdisjoint(second)
    rows = db.execute(
        "SELECT sample_id, inclusion_probability, reason FROM round_scores WHERE round_id = ? "
        "AND NOT in_pool",
        [number],
    ).fetchall()
    assert sorted(rows) == [(sample_id, None, None) for sample_id in sorted(first)]


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


def test_paths_are_labelled_once_a_run_was_given_to_people(
    db: Store, fill: Fill, pick: PickRound
) -> None:
    fill(2)
    assert labelled_paths(db, "v1") == set()
    _, (picked,) = pick(1)
    calls = (ToolCall("find", {}), ToolCall("book", {}))
    insert_runs(db, [Run(picked, "v2", response="x", tool_calls=calls)])
    assert labelled_paths(db, "v1") == {("find",)}
    assert labelled_paths(db, "v2") == {("find", "book")}


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
    picked = db.execute("SELECT sample_id FROM round_scores WHERE reason IS NOT NULL").fetchall()
    assert len(picked) == len(set(picked)) == 150
    pools = [row[0] for row in db.execute("SELECT pool_size FROM rounds ORDER BY round_id")]
    assert pools == list(range(300, 150, -10))
