from __future__ import annotations

from store.database import Store
from store.refreshed_predictions import (
    confirm_predictions,
    has_model_version,
    mark_predictions_sent,
    outdated_tasks,
)
from store.rounds import keep_model_version
from store.tasks import mark_tasks_deleted


def test_tasks_of_the_version_in_use_need_nothing(db: Store, tasks: dict[int, str]) -> None:
    assert outdated_tasks(db, 1, "v1") == []
    assert has_model_version(db, 1, "v1")


def test_tasks_imported_with_another_version_are_outdated(db: Store, tasks: dict[int, str]) -> None:
    found = outdated_tasks(db, 1, "v1+calibrated.1")
    assert [(one.task_id, one.sample_id) for one in found] == sorted(tasks.items())
    assert {(one.agent_version, one.sent_at) for one in found} == {("v1", None)}
    assert not has_model_version(db, 1, "v1+calibrated.1")


def test_what_was_sent_stays_outdated_until_it_is_confirmed(
    db: Store, tasks: dict[int, str]
) -> None:
    new = "v1+calibrated.1"
    mark_predictions_sent(db, 1, new, outdated_tasks(db, 1, new)[:2])
    found = outdated_tasks(db, 1, new)
    assert [one.sent_at is not None for one in found] == [True, True, False]
    assert not has_model_version(db, 1, new)
    confirm_predictions(db, 1, new, found[:2])
    assert outdated_tasks(db, 1, new) == found[2:]
    assert has_model_version(db, 1, new)


def test_a_later_version_makes_all_of_them_outdated_again(db: Store, tasks: dict[int, str]) -> None:
    first = outdated_tasks(db, 1, "v1+calibrated.1")
    mark_predictions_sent(db, 1, "v1+calibrated.1", first)
    confirm_predictions(db, 1, "v1+calibrated.1", first)
    assert len(outdated_tasks(db, 1, "v1+calibrated.2")) == 3


def test_tasks_that_are_gone_need_nothing(db: Store, tasks: dict[int, str]) -> None:
    mark_tasks_deleted(db, 1, list(tasks)[:2])
    assert len(outdated_tasks(db, 1, "v2")) == 1


def test_tasks_of_a_round_that_was_calibrated_when_it_was_sent_need_nothing(
    db: Store, tasks: dict[int, str]
) -> None:
    keep_model_version(db, 1, "v1+calibrated.1")
    assert outdated_tasks(db, 1, "v1+calibrated.1") == []
    assert len(outdated_tasks(db, 1, "v1")) == 3
