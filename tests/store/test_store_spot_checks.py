"""What the store keeps of spot checks: one draw, and every form of every answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from store.database import Store, create_store
from store.side_tasks import SideAnswer
from store.spot_checks import (
    SpotCheckProject,
    correct_difficulty,
    get_spot_check,
    plan_spot_check,
    save_decision,
    save_spot_check_project,
    solving_replies,
    spot_check_project,
    spot_check_tasks,
    standing_answers,
    store_spot_check_answers,
)
from store.synthesis import accept_batch, candidates_of
from tests.store.synthetic import journal_of, stored_batch

FIRST = SideAnswer(
    7, 70, "2026-01-01T10:00:00Z", 1, "syn-0-1", 5, 3, [{"x": 1}], False, 2.5, "2026-01-01T09:00Z"
)


@pytest.fixture
def db(tmp_path: Path) -> Store:
    """A store with a batch of two, a project, and a check in which both are drawn."""
    made = create_store(tmp_path / "goldloop.db")
    stored_batch(made, 2)
    save_spot_check_project(made, SpotCheckProject(7, "http://one", "Check", "<View/>"))
    chosen = [("syn-1-1", "drawn", "easy"), ("syn-0-1", "drawn", "easy")]
    plan_spot_check(made, 1, {"easy": 2}, 0.05, chosen)  # type: ignore[arg-type]
    return made


def test_what_was_drawn_stays_and_keeps_its_order(db: Store) -> None:
    plan_spot_check(db, 1, {"easy": 9}, 0.5, [("syn-9-1", "drawn", "easy")])
    assert [task.name for task in spot_check_tasks(db, 1)] == ["1/syn-1-1", "1/syn-0-1"]
    found = get_spot_check(db, 1)
    assert found
    assert (found.population, found.max_rejected, found.decision) == ({"easy": 2}, 0.05, None)


def test_the_first_decision_stands(db: Store) -> None:
    save_decision(db, 1, "stopped", {"rejected": 2})
    save_decision(db, 1, "accepted", {"rejected": 0})
    found = get_spot_check(db, 1)
    assert found
    assert (found.decision, found.result) == ("stopped", {"rejected": 2})


def test_the_newest_form_of_a_persons_latest_answer_stands(db: Store) -> None:
    newer = replace(FIRST, updated_at="2026-01-02T10:00:00Z", result=[])
    other = replace(FIRST, annotation_id=71, annotator_id=4)
    store_spot_check_answers(db, 7, {5}, [FIRST, other])
    store_spot_check_answers(db, 7, {5}, [newer, other])
    assert sorted(standing_answers(db, 1)["syn-0-1"], key=lambda one: one.annotator_id) == [
        newer,
        other,
    ]
    assert db.execute("SELECT count(*) FROM spot_check_answers").fetchone()[0] == 3


def test_an_answer_that_is_gone_stands_no_more_until_it_is_there_again(db: Store) -> None:
    store_spot_check_answers(db, 7, {5}, [FIRST])
    store_spot_check_answers(db, 7, {5}, [])
    assert standing_answers(db, 1) == {}
    store_spot_check_answers(db, 7, {5}, [FIRST])
    assert standing_answers(db, 1) == {"syn-0-1": [FIRST]}


def test_answers_of_tasks_that_were_not_looked_at_stand(db: Store) -> None:
    store_spot_check_answers(db, 7, {5}, [FIRST])
    store_spot_check_answers(db, 7, {6}, [])
    assert standing_answers(db, 1) == {"syn-0-1": [FIRST]}


def test_an_id_that_label_studio_gave_anew_does_not_keep_the_old_answer(db: Store) -> None:
    store_spot_check_answers(db, 7, {5}, [FIRST])
    reused = replace(FIRST, sample_id="syn-1-1", task_id=6, updated_at="2026-01-03T10:00:00Z")
    store_spot_check_answers(db, 7, {5, 6}, [reused])
    assert standing_answers(db, 1) == {"syn-1-1": [reused]}


def test_the_newest_project_is_the_one_in_use(db: Store) -> None:
    save_spot_check_project(db, SpotCheckProject(9, "http://two", "Check", "<View/>"))
    found = spot_check_project(db)
    assert found
    assert found.project_id == 9


def test_a_corrected_difficulty_goes_into_the_pool(db: Store) -> None:
    db.execute("UPDATE synthesis_candidates SET outcome = 'kept'")
    db.conn.commit()
    correct_difficulty(db, 1, "syn-0-1", "hard")
    accept_batch(db, 1)
    stored = db.execute("SELECT sample_id, difficulty FROM samples ORDER BY sample_id").fetchall()
    assert stored == [("syn-0-1", "hard"), ("syn-1-1", "easy")]
    assert {one.slot.cell.difficulty for one in candidates_of(db, 1)} == {"easy"}


def test_what_the_model_solved_is_found_in_its_order(db: Store) -> None:
    journal = journal_of(db, 1)
    for step, text in ((1, "second"), (0, "first")):
        place = {"purpose": "solve", "slot": 0, "attempt": 1, "step": step, "text": text}
        journal.put(f"key-{step}", place)
    journal.put("judged", {"purpose": "judge", "slot": 0, "attempt": 1, "step": 0, "text": "no"})
    assert solving_replies(db, 1) == {(0, 1): ["first", "second"]}
