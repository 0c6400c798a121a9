from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from goldloop.consensus import FieldConsensus, State, TaskConsensus
from goldloop.fields import Value
from store.annotations import annotated_samples
from store.consensus import save_consensus, stored_consensus
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


def test_a_sample_with_a_consensus_counts_as_annotated(db: Store) -> None:
    save_consensus(db, {"s001": task(state=State.WAITING)})
    assert annotated_samples(db) == ["s001"]


def test_the_votes_behind_a_label_are_stored_for_people_to_read(db: Store) -> None:
    save_consensus(db, {"s000": task(field("a", ("é", "x")))})
    row = db.execute("SELECT value, votes, share, agreement, method FROM field_consensus")
    assert row.fetchone() == ('["é", "x"]', 2, 1.0, 1, "majority_vote")
