from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from goldloop.errors import RecordError, StoreError
from goldloop.prn import permanent_random_number
from goldloop.samples import Message, Run, Sample, ToolCall
from store.database import Store, project_fact, transaction
from store.runs import stored_runs
from store.samples import (
    Conflict,
    add_samples,
    count_samples,
    get_sample,
    get_samples,
    samples_without_run,
)

SAMPLE = Sample(
    sample_id="s1",
    user_input="Where is it?",
    conversation=(Message("system", "Be kind."),),
    expected_response="Lost.",
    expected_tool_calls=(ToolCall("track", {"id": 12345678901234567890, "é": ["漢", None]}),),
    difficulty="hard",
    tags=("a", "b"),
    source="trace",
    cluster_id="c1",
    metadata={"k": {"deep": [1.0, True]}},
)
RUN = Run("s1", "v1", (Message("user", "Where is it?"), Message("assistant", "Lost.")), "Lost.")
ODD_IDS = [
    "😀",
    "漢字",
    "e\u0301",
    "é",
    '"',
    "\\",
    "'; DROP TABLE samples; --",
    "%",
    "a b",
    "x" * 200,
]


def test_a_sample_comes_back_as_it_was(db: Store) -> None:
    counts, conflicts = add_samples(db, [(SAMPLE, None)])
    assert (counts["added"], conflicts) == (1, [])
    assert get_sample(db, "s1") == SAMPLE


def test_an_unknown_sample_is_none(db: Store) -> None:
    assert get_sample(db, "s1") is None
    assert get_samples(db, ["s1"]) == {}


def test_each_sample_gets_its_permanent_random_number(db: Store) -> None:
    add_samples(db, [(SAMPLE, None)])
    secret = bytes.fromhex(project_fact(db, "secret"))
    stored = db.execute("SELECT prn FROM samples").fetchone()[0]
    assert stored == permanent_random_number(secret, "s1")


@pytest.mark.parametrize("sample_id", ODD_IDS)
def test_ids_of_odd_characters_are_found_again(db: Store, sample_id: str) -> None:
    every = [replace(SAMPLE, sample_id=one) for one in ODD_IDS]
    add_samples(db, [(sample, None) for sample in every])
    assert list(get_samples(db, [sample_id])) == [sample_id]
    again, conflicts = add_samples(db, [(sample, None) for sample in every])
    assert (again["unchanged"], again["added"], conflicts) == (len(ODD_IDS), 0, [])


@pytest.mark.parametrize(
    "change",
    [
        {"user_input": "half \ud83d"},
        {"user_input": "NUL \x00"},
        {"sample_id": "s\ud800"},
        {"metadata": {"k": "\udfff"}},
        {"tags": ("\ud800",)},
    ],
    ids=ascii,
)
def test_what_sqlite_cannot_hold_is_refused_and_nothing_is_stored(
    db: Store, change: dict[str, Any]
) -> None:
    bad = replace(SAMPLE, **{"sample_id": "s2", **change})
    with pytest.raises(RecordError, match=r"^sample 's.*(surrogate|NUL)"):
        add_samples(db, [(SAMPLE, None), (bad, None)])
    assert count_samples(db) == 0


def test_a_backslash_that_only_looks_like_nul_is_stored(db: Store) -> None:
    sample = replace(SAMPLE, user_input="the text \\u0000")
    add_samples(db, [(sample, None)])
    assert get_sample(db, "s1") == sample


# Again and otherwise


def test_adding_the_same_again_changes_nothing(db: Store) -> None:
    add_samples(db, [(SAMPLE, RUN)])
    before = db.execute("SELECT * FROM samples JOIN runs USING (sample_id)").fetchall()
    counts, conflicts = add_samples(db, [(SAMPLE, RUN)])
    assert +counts == Counter(unchanged=1)
    assert conflicts == []
    assert db.execute("SELECT * FROM samples JOIN runs USING (sample_id)").fetchall() == before


def test_another_order_of_keys_is_the_same_sample(db: Store) -> None:
    add_samples(db, [(replace(SAMPLE, metadata={"a": 1, "b": 2}), None)])
    counts, _ = add_samples(db, [(replace(SAMPLE, metadata={"b": 2, "a": 1}), None)])
    assert counts["unchanged"] == 1


def test_other_content_under_the_same_id_is_a_conflict(db: Store) -> None:
    add_samples(db, [(SAMPLE, None)])
    counts, conflicts = add_samples(db, [(replace(SAMPLE, user_input="Other?"), RUN)])
    why = "is in the store with other content; replace it with --update, or use a new sample_id"
    assert conflicts == [Conflict("s1", why)]
    assert +counts == Counter()
    assert get_sample(db, "s1") == SAMPLE
    assert stored_runs(db, ["s1"]) == {}


def test_an_update_replaces_the_content_and_keeps_number_and_birthday(db: Store) -> None:
    add_samples(db, [(SAMPLE, None)])
    before = db.execute("SELECT prn, created_at FROM samples").fetchone()
    other = replace(SAMPLE, user_input="Other?", tags=())
    counts, conflicts = add_samples(db, [(other, None)], update=True)
    assert (+counts, conflicts) == (Counter(updated=1), [])
    assert get_sample(db, "s1") == other
    assert db.execute("SELECT prn, created_at FROM samples").fetchone() == before


def test_the_columns_for_people_follow_an_update(db: Store) -> None:
    add_samples(db, [(SAMPLE, None)])
    add_samples(db, [(replace(SAMPLE, user_input="Other?", tags=("é",)), None)], update=True)
    assert db.execute("SELECT user_input, tags FROM samples").fetchone() == ("Other?", '["é"]')


@pytest.mark.parametrize("update", [False, True])
def test_a_sample_that_people_were_given_is_never_replaced(
    db: Store,
    fill: Callable[..., list[str]],
    pick: Callable[..., tuple[int, list[str]]],
    update: bool,
) -> None:
    fill(1)
    pick(1)
    _, conflicts = add_samples(db, [(Sample("s000", "Other?"), None)], update=update)
    assert [conflict.reason for conflict in conflicts] == [
        "is with annotators or labelled, and its content may not change; use a new sample_id"
    ]
    sample = get_sample(db, "s000")
    assert sample is not None
    assert sample.user_input == "question 0"


def test_one_id_twice_in_a_batch_is_unchanged_or_a_conflict(db: Store) -> None:
    other = replace(SAMPLE, user_input="Other?")
    counts, conflicts = add_samples(db, [(SAMPLE, None), (SAMPLE, None), (other, None)])
    assert (+counts, [c.sample_id for c in conflicts]) == (Counter(added=1, unchanged=1), ["s1"])
    assert get_sample(db, "s1") == SAMPLE


def test_one_id_twice_in_an_update_leaves_the_last(db: Store) -> None:
    other = replace(SAMPLE, user_input="Other?")
    add_samples(db, [(SAMPLE, None), (other, None)], update=True)
    assert get_sample(db, "s1") == other


def test_a_failed_transaction_leaves_no_sample(db: Store) -> None:
    with pytest.raises(ValueError), transaction(db):  # noqa: PT012 - it has to fail after
        add_samples(db, [(SAMPLE, RUN)])
        raise ValueError
    assert count_samples(db) == 0


# Their runs


def test_a_new_run_is_added_to_a_sample_that_is_there(db: Store) -> None:
    add_samples(db, [(SAMPLE, None)])
    counts, _ = add_samples(db, [(SAMPLE, RUN)])
    assert +counts == Counter(unchanged=1, runs=1)


def test_a_sample_has_one_run_by_each_version(db: Store) -> None:
    add_samples(db, [(SAMPLE, RUN), (SAMPLE, replace(RUN, agent_version="v2"))])
    assert set(stored_runs(db, ["s1"])) == {("s1", "v1"), ("s1", "v2")}


OTHER_RUNS = [
    replace(RUN, messages=RUN.messages[:1]),
    replace(RUN, response="Found."),
    replace(RUN, tool_calls=(ToolCall("track", {}),)),
    replace(RUN, confidence=0.1, confidence_method="recorded"),
    replace(RUN, seconds=2.0),
    replace(RUN, error="time-out"),
]


@pytest.mark.parametrize("other", OTHER_RUNS)
def test_another_run_by_the_same_version_is_a_conflict(db: Store, other: Run) -> None:
    first = replace(RUN, confidence=0.9, confidence_method="recorded")
    add_samples(db, [(SAMPLE, first)])
    counts, conflicts = add_samples(db, [(SAMPLE, other)])
    assert conflicts[0].reason.startswith("has another run by v1; replace it with --update")
    assert counts["runs"] == 0
    assert stored_runs(db, ["s1"])["s1", "v1"].confidence == 0.9


@pytest.mark.parametrize("other", OTHER_RUNS)
def test_an_update_replaces_the_run(db: Store, other: Run) -> None:
    add_samples(db, [(SAMPLE, RUN)])
    counts, conflicts = add_samples(db, [(SAMPLE, other)], update=True)
    assert (counts["runs"], conflicts) == (1, [])
    found = stored_runs(db, ["s1"])["s1", "v1"]
    assert replace(found, created_at=None) == other


def test_a_confidence_that_was_filled_in_is_no_conflict(db: Store) -> None:
    add_samples(db, [(SAMPLE, RUN)])
    db.execute("UPDATE runs SET confidence = 0.3, confidence_method = 'agreement'")
    counts, conflicts = add_samples(db, [(SAMPLE, RUN)])
    assert (counts["runs"], conflicts) == (0, [])
    assert stored_runs(db, ["s1"])["s1", "v1"].confidence == 0.3


@pytest.mark.parametrize("update", [False, True])
def test_a_run_that_people_were_given_is_never_replaced(
    db: Store,
    fill: Callable[..., list[str]],
    pick: Callable[..., tuple[int, list[str]]],
    update: bool,
) -> None:
    fill(1)
    pick(1)
    sample = Sample("s000", "question 0")
    _, conflicts = add_samples(db, [(sample, Run("s000", "v1", response="no"))], update=update)
    assert [conflict.reason for conflict in conflicts] == [
        "has a run by v1 that annotators were given, and it may not change"
    ]
    assert stored_runs(db, ["s000"])["s000", "v1"].response == "yes"


def test_a_run_by_another_version_may_join_a_sample_that_people_were_given(
    db: Store, fill: Callable[..., list[str]], pick: Callable[..., tuple[int, list[str]]]
) -> None:
    fill(1)
    pick(1)
    run = Run("s000", "v2", response="no")
    counts, conflicts = add_samples(db, [(Sample("s000", "question 0"), run)])
    assert (counts["runs"], conflicts) == (1, [])


def test_a_run_of_a_sample_that_is_not_there_is_refused(db: Store) -> None:
    with pytest.raises(StoreError, match=r"FOREIGN KEY"):
        add_samples(db, [(SAMPLE, replace(RUN, sample_id="other"))])
    assert count_samples(db) == 0


# What is still to run


def test_samples_without_a_run_come_by_their_random_numbers(
    db: Store, fill: Callable[..., list[str]]
) -> None:
    fill(12)
    found = [sample.sample_id for sample in samples_without_run(db, "v2", retry=False)]
    order = [row[0] for row in db.execute("SELECT sample_id FROM samples ORDER BY prn")]
    assert found == order


def test_a_sample_with_a_run_by_that_version_is_left_out(
    db: Store, fill: Callable[..., list[str]]
) -> None:
    fill(3)
    assert list(samples_without_run(db, "v1", retry=True)) == []


@pytest.mark.parametrize(("retry", "found"), [(False, []), (True, ["s1"])])
def test_a_failed_run_is_tried_again_only_when_asked(
    db: Store, retry: bool, found: list[str]
) -> None:
    add_samples(db, [(SAMPLE, replace(RUN, error="time-out", response=None))])
    assert [s.sample_id for s in samples_without_run(db, "v1", retry)] == found


def test_more_samples_than_one_chunk_all_come(db: Store, fill: Callable[..., list[str]]) -> None:
    ids = fill(1100)
    assert sorted(s.sample_id for s in samples_without_run(db, "v2", retry=False)) == sorted(ids)


def test_the_stored_record_is_readable_json(db: Store) -> None:
    add_samples(db, [(SAMPLE, None)])
    text = db.execute("SELECT record FROM samples").fetchone()[0]
    assert "漢" in text
    assert json.loads(text)["metadata"] == SAMPLE.metadata
