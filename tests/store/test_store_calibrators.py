from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from goldloop.calibration import Isotonic, Platt
from goldloop.errors import RecordError
from goldloop.samples import Run, Sample
from goldloop.settings import SelectionSettings
from store.calibrators import (
    Fitted,
    calibrators_in_use,
    comparable,
    model_version,
    save_calibrators,
)
from store.database import Store, create_store
from store.rounds import keep_model_version, scored_samples
from store.samples import add_samples
from sync.select_batch import select_batch

LEVEL = Isotonic((0.0, 1.0), (0.4, 0.6))


def fitted(method: str, calibrator: Platt | Isotonic = LEVEL) -> Fitted:
    return Fitted(method, calibrator, {"labels": 60}, f"mark of {method}")


def run(
    number: int, confidence: float | None, method: str | None = "a", version: str = "v1"
) -> Run:
    return Run(
        f"s{number:02}", version, response="x", confidence=confidence, confidence_method=method
    )


def add(db: Store, runs: Sequence[Run]) -> None:
    add_samples(db, [(Sample(one.sample_id, "question"), one) for one in runs])


def test_without_a_calibrator_the_agent_version_is_the_model_version(db: Store) -> None:
    assert model_version(db, "v1") == "v1"


def test_every_new_calibrator_is_a_new_model_version(db: Store) -> None:
    save_calibrators(db, "v1", [fitted("a"), fitted("b")])
    assert model_version(db, "v1") == "v1+calibrated.1"
    save_calibrators(db, "v1", [fitted("b")])
    assert model_version(db, "v1") == "v1+calibrated.2"
    assert model_version(db, "v2") == "v2"


def test_the_newest_calibrator_of_each_method_is_in_use_and_old_ones_are_kept(db: Store) -> None:
    save_calibrators(db, "v1", [fitted("a"), fitted("b")])
    save_calibrators(db, "v1", [fitted("b", Platt(2.0, 0.5))])
    in_use = calibrators_in_use(db, "v1")
    assert (in_use["a"].calibrator, in_use["b"].calibrator) == (LEVEL, Platt(2.0, 0.5))
    assert in_use["b"].number == 2
    assert in_use["b"].report == {"labels": 60}
    assert db.execute("SELECT count(*) FROM calibrators").fetchone() == (3,)


def test_confidences_are_calibrated_by_version_and_method(db: Store) -> None:
    save_calibrators(db, "v1", [fitted("a")])
    runs = [
        run(0, 1.0),
        run(1, 0.0),
        run(2, 0.3, "b"),
        run(3, 0.3, version="v2"),
        run(4, None),
        run(5, 0.3, None),
    ]
    found = comparable(db, runs)
    assert [one.confidence for one in found] == [0.6, 0.4, 0.3, 0.3, None, 0.3]
    assert [replace(one, confidence=None) for one in found] == [
        replace(one, confidence=None) for one in runs
    ]


def test_a_calibrator_that_somebody_broke_is_refused(db: Store) -> None:
    save_calibrators(db, "v1", [fitted("a")])
    with db.conn:
        db.execute("UPDATE calibrators SET parameters = '{}'")
    with pytest.raises(RecordError, match="goldloop calibrate"):
        comparable(db, [run(0, 0.5)])


# One ranking of several methods


def test_confidences_of_one_method_are_compared_as_they_are(db: Store) -> None:
    runs = [run(0, 0.3), run(1, 0.9)]
    add(db, runs)
    assert comparable(db, runs) == runs


def test_confidences_of_several_methods_are_compared_by_rank_within_each(db: Store) -> None:
    runs = [run(0, 0.98, "a"), run(1, 0.99, "a"), run(2, 0.1, "b"), run(3, 0.2, "b"), run(4, None)]
    add(db, runs)
    found = [one.confidence for one in comparable(db, runs)]
    assert found == [0.25, 0.75, 0.25, 0.75, None]


def test_a_run_without_a_named_method_has_a_scale_of_its_own(db: Store) -> None:
    runs = [run(0, 0.98, None), run(1, 0.99, None), run(2, 0.1, "b")]
    add(db, runs)
    assert [one.confidence for one in comparable(db, runs)] == [0.25, 0.75, 0.5]


def test_calibrated_methods_are_compared_as_they_are(db: Store) -> None:
    runs = [run(0, 1.0, "a"), run(1, 0.0, "b")]
    add(db, runs)
    save_calibrators(db, "v1", [fitted("a")])
    assert [one.confidence for one in comparable(db, runs)] == [0.5, 0.5]
    save_calibrators(db, "v1", [fitted("b")])
    assert [one.confidence for one in comparable(db, runs)] == [0.6, 0.4]


def test_the_methods_are_found_by_looks_into_the_index(db: Store) -> None:
    plan = db.execute(
        "EXPLAIN QUERY PLAN SELECT min(coalesce(confidence_method, '')) FROM runs WHERE"
        " agent_version = 'v1' AND coalesce(confidence_method, '') > 'a' AND confidence IS NOT NULL"
    ).fetchall()
    assert "runs_by_confidence" in plan[0][3]


# What a selection goes by


def test_scored_samples_hold_the_calibrated_confidence(db: Store) -> None:
    add(db, [run(0, 0.0), run(1, 1.0)])
    save_calibrators(db, "v1", [fitted("a")])
    found = scored_samples(db, "v1")
    assert found.confidence.tolist() == found.comparable.tolist() == [0.4, 0.6]
    assert (found.by_rank, found.calibrators) == (False, {"a": 1})


def test_scored_samples_of_several_methods_are_ranked_within_each(db: Store) -> None:
    add(db, [run(0, 0.9, "a"), run(1, 0.8, "a"), run(2, 0.1, "b"), run(3, 0.2, "b"), run(4, None)])
    found = scored_samples(db, "v1")
    assert found.by_rank
    assert found.comparable[:4].tolist() == [0.75, 0.25, 0.25, 0.75]
    assert found.confidence[:4].tolist() == [0.9, 0.8, 0.1, 0.2]


def test_no_method_is_picked_before_another_because_its_numbers_are_lower(db: Store) -> None:
    add(db, [run(n, 0.9 + n / 1000, "a") for n in range(20)])
    add(db, [run(n, 0.1 + n / 1000, "b") for n in range(20, 40)])
    batch = select_batch(db, "v1", SelectionSettings(uncertain_share=1.0, near_duplicate=0.0), 10)
    assert batch.by_rank
    picked = {pick.sample_id for pick in batch.picks}
    assert picked == {f"s{n:02}" for n in (*range(5), *range(20, 25))}


def test_a_round_records_its_calibrators_and_how_runs_were_compared(db: Store) -> None:
    add(db, [run(n, n / 10, "ab"[n % 2]) for n in range(10)])
    first = select_batch(db, "v1", SelectionSettings(near_duplicate=0.0), 2)
    save_calibrators(db, "v1", [fitted("a"), fitted("b")])
    second = select_batch(db, "v1", SelectionSettings(near_duplicate=0.0), 2)
    rows = db.execute("SELECT calibrators, settings FROM rounds ORDER BY round_id").fetchall()
    assert [json.loads(row[0]) for row in rows] == [[], [1, 2]]
    assert [json.loads(row[1])["compared_by"] for row in rows] == ["mid_rank", "value"]
    assert (first.by_rank, second.by_rank) == (True, False)
    assert second.calibrators == (1, 2)


@pytest.mark.parametrize("methods", ["a", "ab"])
def test_neither_ids_nor_the_order_of_arrival_break_ties(
    db: Store, methods: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    numbers = [0.7, 0.3, 0.9, 0.1, 0.5, 0.6, 0.8, 0.2, 0.4, 0.05]
    given = {f"s{n:02}": number / 2 for n, number in enumerate(numbers)}
    monkeypatch.setattr("store.samples.permanent_random_number", lambda _, key: given[key])
    runs = [run(n, 0.5, methods[n % len(methods)]) for n in range(10)]
    add(db, runs[::-1])
    alike = SelectionSettings(near_duplicate=0.0)
    picked = {pick.sample_id for pick in select_batch(db, "v1", alike, 4).picks}
    # The same numbers on other ids, in another order of arrival.
    db = create_store(tmp_path / "another.db")
    turned = {f"s{9 - n:02}": number / 2 for n, number in enumerate(numbers)}
    given.update(turned)
    add(db, [run(9 - n, 0.5, methods[n % len(methods)]) for n in range(10)])
    again = {pick.sample_id for pick in select_batch(db, "v1", alike, 4).picks}
    db.close()
    assert again == {f"s{9 - int(one[1:]):02}" for one in picked}


def test_a_delivery_that_goes_on_keeps_the_model_version_that_it_began_with(db: Store) -> None:
    add(db, [run(0, 0.5)])
    batch = select_batch(db, "v1", SelectionSettings(near_duplicate=0.0), 1)
    assert batch.round_id is not None
    assert keep_model_version(db, batch.round_id, "v1") == "v1"
    assert keep_model_version(db, batch.round_id, "v1+calibrated.1") == "v1"
