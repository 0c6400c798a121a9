"""Grades: what became of each picked sample."""

from __future__ import annotations

from pathlib import Path

from store.grades import grades
from store.rounds import first_rounds
from store.tasks import ReviewProject, mark_delivered, mark_tasks_deleted, plan_tasks
from store.tasks import save_review_project as save
from tests.sync.cases import label, pick
from tests.sync.estimated import estimated


def test_a_picked_sample_whose_task_is_gone_is_deleted_unless_it_was_answered(
    tmp_path: Path,
) -> None:
    with estimated(tmp_path / "project", rounds=0, samples=20) as loop:
        answered, gone, waiting = picked = pick(loop, 3)
        with loop.store() as db, db.conn:
            save(db, ReviewProject(7, "http://there", "Review", "<View/>"))
            plan_tasks(db, 7, 1, picked, 10)
            mark_delivered(db, 7, {one: number for number, one in enumerate(picked, start=1)})
            mark_tasks_deleted(db, 7, [1, 2])
        label(loop, [answered])
        with loop.store() as db:
            found = {one.sample_id: one.outcome for one in grades(db, "correctness")}
    assert found == {answered: "answered", gone: "deleted", waiting: "waiting"}


def test_the_first_round_of_every_sample_is_the_one_that_picked_it(tmp_path: Path) -> None:
    with estimated(tmp_path / "project", rounds=0, samples=20) as loop:
        first, second = pick(loop, 3), pick(loop, 4)
        with loop.store() as db:
            found = first_rounds(db)
    assert found == dict.fromkeys(first, 1) | dict.fromkeys(second, 2)
