"""What the store keeps of gate reviews: each case once, and every form of every answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldloop.evaluation import Case
from store.database import Store, create_store
from store.evaluation_writing import EvaluationPlan, begin_evaluation
from store.evaluations import save_gate
from store.gate_review import (
    FlippedCase,
    GateReviewProject,
    gate_review_answers,
    gate_review_project,
    gate_review_tasks,
    mark_gate_reviews_delivered,
    mark_gate_reviews_sending,
    plan_gate_review,
    planned_task,
    save_gate_review_project,
    store_gate_review_answers,
)
from store.side_tasks import SideAnswer

FIRST = SideAnswer(
    7, 70, "2026-01-01T10:00:00Z", 1, "s-1", 5, 3, [{"x": 1}], False, 2.5, "2026-01-01T09:00Z"
)


@pytest.fixture
def db(tmp_path: Path) -> Store:
    """A store with two evaluations, a gate of each, and the project."""
    made = create_store(tmp_path / "goldloop.db")
    for name in ("one", "two"):
        plan = EvaluationPlan(
            name, "golden", "1.0.0", "c", "l", name, (), "g", (Case("s-1", "x", ()),)
        )
        save_gate(made, begin_evaluation(made, plan), None, "regression", {"flips": []})
    save_gate_review_project(made, GateReviewProject(7, "http://one", "Gate", "<View/>"))
    return made


def flipped(sample_id: str, text: str) -> FlippedCase:
    return FlippedCase(sample_id, "regressed", 0, {"data": {"sample_id": text}})


def test_a_case_that_an_earlier_gate_gave_to_people_stays_as_it_was(db: Store) -> None:
    plan_gate_review(db, 1, 1, [flipped("s-1", "first")])
    plan_gate_review(db, 1, 1, [flipped("s-2", "other"), flipped("s-1", "second")])
    tasks = gate_review_tasks(db, 1)
    assert [(task.name, task.state) for task in tasks] == [
        ("1/s-1", "planned"),
        ("1/s-2", "planned"),
    ]
    assert planned_task(db, tasks[0])["data"]["sample_id"] == "first"


def test_the_same_sample_of_two_candidates_is_two_cases(db: Store) -> None:
    for number in (1, 2):
        plan_gate_review(db, number, number, [flipped("s-1", "shown")])
    first, second = gate_review_tasks(db)
    mark_gate_reviews_sending(db, 7, [first])
    mark_gate_reviews_delivered(db, 7, [(first, 5)])
    assert [(one.task_id, one.state) for one in gate_review_tasks(db)] == [
        (5, "delivered"),
        (None, "planned"),
    ]
    assert store_gate_review_answers(db, 7, {5}, [FIRST]) == 1
    assert gate_review_answers(db, 1) == {"s-1": [FIRST]}
    assert gate_review_answers(db, second.evaluation_id) == {}


def test_how_many_forms_changed_is_told_and_the_same_again_is_none(db: Store) -> None:
    plan_gate_review(db, 1, 1, [flipped("s-1", "shown")])
    said = [store_gate_review_answers(db, 7, {5}, given) for given in ([FIRST], [FIRST], [], [])]
    assert said == [1, 0, 1, 0]
    assert gate_review_answers(db, 1) == {}
    assert store_gate_review_answers(db, 7, {5}, [FIRST]) == 1
    assert gate_review_answers(db, 1) == {"s-1": [FIRST]}


def test_the_newest_project_is_the_one_in_use(db: Store) -> None:
    save_gate_review_project(db, GateReviewProject(9, "http://two", "Gate", "<View/>"))
    found = gate_review_project(db)
    assert found
    assert (found.project_id, found.url) == (9, "http://two")
