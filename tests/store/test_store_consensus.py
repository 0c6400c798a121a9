from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from goldloop.consensus import FieldConsensus, State, TaskConsensus
from goldloop.fields import Value
from store.annotations import annotated_samples
from store.consensus import (
    Learned,
    learned,
    note_applied,
    note_changes,
    save_consensus,
    save_models,
    stored_consensus,
    stored_models,
)
from store.database import Store


@pytest.fixture(autouse=True)
def samples(fill: Callable[..., list[str]]) -> list[str]:
    """Samples to have a consensus on."""
    return fill(3)


def field(name: str, value: Value | None, state: State = State.AGREED) -> FieldConsensus:
    return FieldConsensus(name, state, value, 2, 1.0, True, "majority_vote", 1)


def task(*fields: FieldConsensus, state: State = State.AGREED, **changes: Any) -> TaskConsensus:
    facts = {"agreement_rate": 0.5, "annotators": 2, "skips": 1, "mean_confidence": 0.75}
    return TaskConsensus(state=state, fields=fields, **{**facts, **changes})


@pytest.mark.parametrize(
    "value",
    [
        "right",
        "",
        "漢 \u202e😀 \"'\\",
        "NUL \x00",
        "half \ud83d",
        "null",
        "[1]",
        4,
        0,
        3.0,
        0.1 + 0.2,
        -1e300,
        "2026-01-31",
        (),
        ("a",),
        ("a", "b, c"),
        (("A",),),
        (("A", "B"), ("C",)),
    ],
    ids=ascii,
)
def test_a_label_of_any_kind_comes_back_as_it_was(db: Store, value: Value) -> None:
    save_consensus(db, {"s000": task(field("x", value))})
    (found,) = stored_consensus(db)
    assert found.labels == {"x": value}
    assert type(found.labels["x"]) is type(value)


def test_everything_about_a_field_comes_back(db: Store) -> None:
    one = FieldConsensus(
        field="x",
        state=State.DISPUTED,
        value=None,
        votes=3,
        share=2 / 3,
        agreement=False,
        method="per_option",
        method_version=4,
        confidence=0.1 + 0.2,
        posterior=((("a", "b"), 0.1 + 0.2), ((("A", "B"), ("C",)), 1e-300), (4, 0.0)),
        vote=("a", "b"),
        spread=0.5,
        reason="because",
        warnings=("one", "half \ud83d"),
    )
    save_consensus(db, {"s000": task(one)})
    (found,) = stored_consensus(db)
    assert found.fields == {"x": one}


def test_a_record_has_every_field_and_what_follows_from_them(db: Store) -> None:
    warned = replace(field("b", None, State.AMBIGUOUS), warnings=("look",))
    save_consensus(db, {"s000": task(replace(field("a", "x"), confidence=0.5), warned)})
    (found,) = stored_consensus(db)
    record = found.record()
    assert record["fields"]["a"]["value"] == "x"
    assert record["labels"] == {"a": "x"}
    assert record["disputed"] == ("b",)
    assert record["methods"] == {"a": "majority_vote", "b": "majority_vote"}
    assert record["confidences"] == {"a": 0.5}
    assert record["warnings"] == ("b: look",)
    assert (record["sample_id"], record["state"], record["skips"]) == ("s000", "agreed", 1)


def test_the_facts_of_a_task_come_back(db: Store) -> None:
    save_consensus(db, {"s000": task(field("x", "y"))})
    (found,) = stored_consensus(db)
    assert (found.sample_id, found.state, found.agreement_rate) == ("s000", State.AGREED, 0.5)
    assert (found.annotators, found.skips, found.mean_confidence) == (2, 1, 0.75)
    assert found.updated_at.endswith("Z")


def test_what_is_not_known_comes_back_as_none(db: Store) -> None:
    save_consensus(db, {"s000": task(agreement_rate=None, mean_confidence=None)})
    (found,) = stored_consensus(db)
    assert (found.agreement_rate, found.mean_confidence) == (None, None)


def test_a_task_without_fields_has_no_labels(db: Store) -> None:
    save_consensus(db, {"s000": task(state=State.WAITING)})
    (found,) = stored_consensus(db)
    assert (found.labels, found.disputed) == ({}, ())


def test_disputed_fields_are_named_and_have_no_label(db: Store) -> None:
    fields = [
        field("a", None, State.DISPUTED),
        field("b", "x"),
        field("c", None, State.UNANSWERED),
        field("d", None, State.DISPUTED),
    ]
    save_consensus(db, {"s000": task(*fields)})
    (found,) = stored_consensus(db)
    assert (set(found.disputed), found.labels) == ({"a", "d"}, {"b": "x"})


def test_saving_again_replaces_the_consensus_with_its_fields(db: Store) -> None:
    save_consensus(db, {"s000": task(field("a", "x"), field("b", "y"))})
    save_consensus(db, {"s000": task(field("a", "z"), state=State.DISPUTED)})
    (found,) = stored_consensus(db)
    assert (found.state, found.labels) == (State.DISPUTED, {"a": "z"})


def test_the_consensus_of_other_samples_is_left_alone(db: Store) -> None:
    save_consensus(db, {"s001": task(field("a", "x")), "s000": task(field("a", "y"))})
    save_consensus(db, {"s001": task(field("a", "z"))})
    assert {one.sample_id: one.labels["a"] for one in stored_consensus(db)} == {
        "s000": "y",
        "s001": "z",
    }


def test_consensus_comes_by_id_and_by_state(db: Store) -> None:
    states = {"s002": State.AGREED, "s000": State.AGREED, "s001": State.WAITING}
    save_consensus(db, {one: task(state=state) for one, state in states.items()})
    assert [one.sample_id for one in stored_consensus(db)] == ["s000", "s001", "s002"]
    assert [one.sample_id for one in stored_consensus(db, State.AGREED)] == ["s000", "s002"]
    assert stored_consensus(db, State.DISPUTED) == []


def test_consensus_comes_for_the_samples_that_are_asked_for(db: Store) -> None:
    save_consensus(db, {one: task() for one in ("s000", "s001", "s002")})
    found = stored_consensus(db, sample_ids=["s002", "nobody", "s000"])
    assert [one.sample_id for one in found] == ["s000", "s002"]
    assert stored_consensus(db, sample_ids=[]) == []


def test_a_sample_with_a_consensus_counts_as_annotated(db: Store) -> None:
    save_consensus(db, {"s001": task(state=State.WAITING)})
    assert annotated_samples(db) == ["s001"]


def test_the_votes_behind_a_label_are_stored_for_people_to_read(db: Store) -> None:
    save_consensus(db, {"s000": task(field("a", ("é", "x")))})
    row = db.execute("SELECT value, votes, share, agreement, method FROM field_consensus")
    assert row.fetchone() == ('["é", "x"]', 2, 1.0, 1, "majority_vote")


# Learning


def test_before_the_first_fit_nothing_is_learned(db: Store) -> None:
    assert learned(db) == Learned(version=0, annotations=0, samples=0, changed=0, applied=True)
    assert stored_models(db) == {}


def test_models_come_back_and_replace_the_earlier_ones(db: Store) -> None:
    save_models(db, {"a": {"x": [0.1 + 0.2]}, "b": {}}, 9, 3, learned(db))
    save_models(db, {"a": {"x": "\ud83d"}}, 12, 4, learned(db))
    assert stored_models(db) == {"a": {"x": "\ud83d"}}
    assert learned(db) == Learned(2, 12, 4, 0, applied=False)


def test_changes_before_a_fit_are_done_with_and_those_after_its_reading_are_not(db: Store) -> None:
    note_changes(db, 5)
    seen = learned(db)
    note_changes(db, 2)
    save_models(db, {}, 9, 3, seen)
    assert learned(db).changed == 2
    note_changes(db, 1)
    assert learned(db).changed == 3


def test_only_the_newest_models_count_as_applied(db: Store) -> None:
    save_models(db, {}, 9, 3, learned(db))
    save_models(db, {}, 9, 3, learned(db))
    note_applied(db, 1)
    assert not learned(db).applied
    note_applied(db, 2)
    assert learned(db).applied
