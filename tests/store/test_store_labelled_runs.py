from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from goldloop.consensus import FieldConsensus, State, TaskConsensus
from goldloop.samples import Run, Sample
from goldloop.settings import SelectionSettings
from store.consensus import save_consensus
from store.database import Store
from store.labelled_runs import MethodRuns, labelled_runs, versions_shown
from store.samples import add_samples
from sync.select_batch import select_batch


def add(db: Store, version: str = "v1", count: int = 20, method: str = "a", first: int = 0) -> None:
    """Runs whose confidence rises with their number."""
    batch = [
        (
            Sample(f"s{n:03}", "question", cluster_id=f"c{n // 2}" if n % 4 < 2 else None),
            Run(f"s{n:03}", version, response="x", confidence=n / 100, confidence_method=method),
        )
        for n in range(first, first + count)
    ]
    add_samples(db, batch)


def pick(db: Store, count: int, version: str = "v1", share: float = 0.5) -> list[str]:
    """A round; what it picked, by rank."""
    settings = SelectionSettings(uncertain_share=share, near_duplicate=0.0)
    batch = select_batch(db, version, settings, count)
    return [one.sample_id for one in batch.picks]


def label(db: Store, ids: Sequence[str], value: str | None = "correct", field: str = "ok") -> None:
    state = State.AGREED if value else State.DISPUTED
    one = FieldConsensus(field, state, value, 2, 1.0, bool(value), "majority", 1)
    save_consensus(db, {key: TaskConsensus(state, (one,), 1.0, 2, 0, None) for key in ids})


def of(db: Store, version: str = "v1", method: str = "a") -> MethodRuns:
    return labelled_runs(db, version, "ok")[method]


def test_labels_that_stand_are_found_with_the_score_and_the_answer(db: Store) -> None:
    add(db)
    picked = pick(db, 4)
    label(db, picked[:1])
    label(db, picked[1:2], "incorrect")
    label(db, picked[2:3], None)
    found = of(db).labelled
    assert {one.sample_id: one.value for one in found} == {
        picked[0]: "correct",
        picked[1]: "incorrect",
    }
    assert [one.confidence for one in found] == [int(one.sample_id[1:]) / 100 for one in found]
    assert {one.cluster_id for one in found} == {"c0"}


def test_another_question_is_no_label(db: Store) -> None:
    add(db)
    label(db, pick(db, 4), field="tone")
    assert of(db).labelled == []


def test_after_one_round_the_rest_is_what_was_not_taken_by_uncertainty(db: Store) -> None:
    add(db)
    picked = pick(db, 8)
    label(db, picked)
    found = of(db)
    assert (found.pool_certain, found.pool_rest) == (4, 16)
    assert {one.sample_id for one in found.labelled if one.certain} == set(picked[:4])


def test_over_rounds_the_rest_is_what_no_round_would_have_taken_for_sure(db: Store) -> None:
    add(db)
    picked = [*pick(db, 8), *pick(db, 8)]
    label(db, picked)
    found = of(db)
    certain = {one.sample_id for one in found.labelled if one.certain}
    # The least sure eight, whether the second round found them in the pool or picked at random.
    first = {f"s{n:03}" for n in range(4)}
    at_random = {*picked[4:8]}
    taken = {*picked[8:12]}
    cutoff = max(int(one[1:]) for one in taken)
    would_be = {one for one in at_random if int(one[1:]) < cutoff}
    assert certain == first | taken | would_be
    assert found.pool_certain == len(certain)
    assert found.pool_rest == 20 - len(certain)


def test_a_label_speaks_for_the_run_that_people_were_shown_alone(db: Store) -> None:
    add(db, "v1")
    add(db, "v2")
    label(db, pick(db, 6, "v1"))
    assert len(of(db, "v1").labelled) == 6
    assert labelled_runs(db, "v2", "ok") == {}
    pick(db, 6, "v2")
    assert of(db, "v2").labelled == []
    assert of(db, "v2").pool_certain + of(db, "v2").pool_rest == 14
    assert versions_shown(db) == ["v1", "v2"]


def test_each_method_has_its_own_runs(db: Store) -> None:
    add(db, count=6, method="a")
    add(db, count=6, method="b", first=10)
    label(db, pick(db, 12))
    found = labelled_runs(db, "v1", "ok")
    assert {name: len(one.labelled) for name, one in found.items()} == {"a": 6, "b": 6}
    assert {name: one.pool_certain + one.pool_rest for name, one in found.items()} == {
        "a": 6,
        "b": 6,
    }


def test_runs_without_a_confidence_teach_nothing(db: Store, fill: Callable[..., list[str]]) -> None:
    fill(4, confidence=None)
    label(db, pick(db, 4))
    assert labelled_runs(db, "v1", "ok") == {}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_selection_of_one_kind_alone_has_one_part(db: Store, share: float) -> None:
    add(db)
    label(db, pick(db, 6, share=share))
    found = of(db)
    assert (found.pool_certain, found.pool_rest) == ((6, 14) if share else (0, 20))
    assert all(one.certain is bool(share) for one in found.labelled)
