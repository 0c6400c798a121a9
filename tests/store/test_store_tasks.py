from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from goldloop.errors import StoreError
from store.database import Store
from store.tasks import (
    ReviewProject,
    mark_delivered,
    mark_sending,
    mark_tasks_deleted,
    mark_tasks_present,
    open_chunks,
    plan_tasks,
    review_project,
    save_review_project,
    task_samples,
)

PROJECT = ReviewProject(7, "http://ls:8080", "Review", "<View/>")


@pytest.fixture
def planned(
    db: Store, fill: Callable[..., list[str]], pick: Callable[..., tuple[int, list[str]]]
) -> tuple[int, list[str]]:
    """A round of five samples that is planned in chunks of two."""
    fill(5)
    number, ids = pick(5)
    save_review_project(db, PROJECT)
    plan_tasks(db, 7, number, ids, chunk_size=2)
    return number, ids


def test_there_is_no_project_before_the_first_push(db: Store) -> None:
    assert review_project(db) is None


def test_the_project_is_remembered_with_its_newest_interface(db: Store) -> None:
    save_review_project(db, PROJECT)
    changed = replace(PROJECT, label_config="<View>new</View>", title="Other", url="http://b")
    save_review_project(db, changed)
    assert review_project(db) == changed


def test_a_round_is_planned_in_chunks_by_rank(db: Store, planned: tuple[int, list[str]]) -> None:
    number, ids = planned
    chunks = open_chunks(db, number)
    assert [chunk.number for chunk in chunks] == [0, 1, 2]
    assert [chunk.sample_ids for chunk in chunks] == [tuple(ids[:2]), tuple(ids[2:4]), (ids[4],)]
    assert {chunk.sent_at for chunk in chunks} == {None}


def test_planning_again_changes_nothing(db: Store, planned: tuple[int, list[str]]) -> None:
    number, ids = planned
    mark_delivered(db, 7, {ids[0]: 100})
    before = db.execute("SELECT * FROM tasks").fetchall()
    plan_tasks(db, 7, number, ids, chunk_size=3)
    assert db.execute("SELECT * FROM tasks").fetchall() == before


def test_a_chunk_that_was_being_sent_is_open_and_says_since_when(
    db: Store, planned: tuple[int, list[str]]
) -> None:
    number, ids = planned
    mark_sending(db, 7, ids[:1])
    first, second, _ = open_chunks(db, number)
    assert first.sent_at is not None
    assert second.sent_at is None


def test_what_arrived_is_no_longer_open(db: Store, planned: tuple[int, list[str]]) -> None:
    number, ids = planned
    mark_sending(db, 7, ids[:2])
    mark_delivered(db, 7, {ids[0]: 100, ids[1]: 101})
    mark_delivered(db, 7, {ids[2]: 102})
    assert [chunk.sample_ids for chunk in open_chunks(db, number)] == [(ids[3],), (ids[4],)]
    assert task_samples(db, 7) == {100: ids[0], 101: ids[1], 102: ids[2]}


def test_what_arrived_is_not_marked_as_being_sent_again(
    db: Store, planned: tuple[int, list[str]]
) -> None:
    _, ids = planned
    mark_delivered(db, 7, {ids[0]: 100})
    mark_sending(db, 7, ids[:1])
    state = db.execute("SELECT state FROM tasks WHERE sample_id = ?", [ids[0]]).fetchone()[0]
    assert state == "delivered"


def test_one_task_cannot_be_two_samples(db: Store, planned: tuple[int, list[str]]) -> None:
    _, ids = planned
    with pytest.raises(StoreError, match=r"UNIQUE"):
        mark_delivered(db, 7, {ids[0]: 100, ids[1]: 100})
    assert task_samples(db, 7) == {}


def test_a_deleted_task_is_kept_and_may_come_back(
    db: Store, planned: tuple[int, list[str]]
) -> None:
    _, ids = planned
    mark_delivered(db, 7, {ids[0]: 100, ids[1]: 101})

    def states() -> list[str]:
        return [
            row[0]
            for row in db.execute("SELECT state FROM tasks WHERE task_id > 0 ORDER BY task_id")
        ]

    mark_tasks_deleted(db, 7, [100])
    assert states() == ["deleted", "delivered"]
    assert task_samples(db, 7) == {100: ids[0], 101: ids[1]}
    mark_tasks_present(db, 7, [100, 101])
    assert states() == ["delivered", "delivered"]


def test_a_task_of_another_project_is_another_task(
    db: Store, planned: tuple[int, list[str]]
) -> None:
    _, ids = planned
    mark_delivered(db, 7, {ids[0]: 100})
    mark_tasks_deleted(db, 8, [100])
    assert task_samples(db, 8) == {}
    assert db.execute("SELECT state FROM tasks WHERE task_id = 100").fetchone()[0] == "delivered"
