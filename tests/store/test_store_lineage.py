"""What is stored of one sample, and what is asked of all of them at once."""

from __future__ import annotations

from collections.abc import Callable

from goldloop.consensus import State, TaskConsensus
from goldloop.samples import Run, Sample, ToolCall
from store.consensus import save_consensus
from store.database import Store, transaction
from store.further_annotators import Request, confirm_request, plan_request
from store.lineage import (
    check_of,
    entry,
    further_asked,
    rounds_of,
    sample_ids,
    samples_in_states,
    tasks_of_sample,
    tools_called,
)
from store.samples import add_samples

Fill = Callable[..., list[str]]
Pick = Callable[..., tuple[int, list[str]]]


def test_an_unknown_sample_has_no_entry(db: Store, fill: Fill) -> None:
    fill(1)
    known = entry(db, "s000")
    assert known is not None
    assert 0 <= known["prn"] < 1
    assert entry(db, "' OR 1 --") is None
    assert sample_ids(db) == ["s000"]


def test_a_sample_of_the_pool_has_nothing_else(db: Store, fill: Fill) -> None:
    fill(1)
    assert (rounds_of(db, "s000"), tasks_of_sample(db, "s000")) == ([], [])
    assert (further_asked(db, "s000"), check_of(db, "s000")) == ([], None)


def test_a_round_says_why_it_picked_a_sample(db: Store, fill: Fill, pick: Pick) -> None:
    fill(4)
    number, picked = pick(3)
    [found] = rounds_of(db, picked[0])
    assert (found["round_id"], found["rank"], found["pool_size"]) == (number, 1, 4)
    assert found["reason"] in ("uncertain", "random")
    assert found["duplicate_of"] is None


def test_a_round_that_left_a_sample_out_names_what_it_resembles(
    db: Store, fill: Fill, pick: Pick
) -> None:
    ids = fill(4)
    number, picked = pick(3)
    [left] = {*ids} - {*picked}
    with transaction(db):
        db.execute("INSERT INTO near_duplicates VALUES (?, ?, ?)", [number, left, picked[0]])
    [found] = rounds_of(db, left)
    assert (found["reason"], found["rank"], found["duplicate_of"]) == (None, None, picked[0])


def test_only_tools_of_runs_that_people_were_given_count(db: Store, pick: Pick) -> None:
    add_samples(
        db,
        [
            (Sample(name, f"question {name}"), Run(name, "v1", (), "yes", calls, 0.5))
            for name, calls in {
                "a": (ToolCall("find", {}), ToolCall("find", {}), ToolCall("<b>|", {})),
                "b": (),
            }.items()
        ],
    )
    assert tools_called(db) == {}
    pick(2)
    add_samples(db, [(Sample("a", "question a"), Run("a", "v2", (), "no", (ToolCall("pay", {}),)))])
    assert tools_called(db) == {"a": {"find", "<b>|"}, "b": set()}


def test_samples_are_listed_by_their_state(db: Store, fill: Fill) -> None:
    states = {"s000": State.DISPUTED, "s001": State.AGREED, "s002": State.DISPUTED}
    fill(3)
    with transaction(db):
        save_consensus(
            db, {one: TaskConsensus(state, (), None, 1, 0, None) for one, state in states.items()}
        )
    assert samples_in_states(db, ["disputed", "waiting"]) == {"disputed": ["s000", "s002"]}


def test_a_further_annotator_is_named_with_the_people_asked_in_all(db: Store, fill: Fill) -> None:
    fill(1)
    request = Request("s000", 5, 3)
    with transaction(db):
        plan_request(db, 7, request)
    assert [(one["overlap"], one["confirmed_at"]) for one in further_asked(db, "s000")] == [
        (3, None)
    ]
    with transaction(db):
        confirm_request(db, request)
    assert further_asked(db, "s000")[0]["confirmed_at"] is not None
