"""Evaluations in the store: kept attempt by attempt, and never changed when they are finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from goldloop.errors import StoreError
from goldloop.evaluation import Attempt, Case, GraderFacts
from goldloop.graders import Grade, Grader
from goldloop.samples import Message, Run, ToolCall
from store.database import Store, transaction
from store.evaluation_writing import (
    EvaluationPlan,
    add_seconds,
    begin_evaluation,
    find_finished,
    find_unfinished,
    finish_evaluation,
    forget_errors,
    save_attempt,
    save_grades,
    stored_attempts,
)
from store.evaluations import (
    attempt_run,
    count_evaluations,
    get_evaluation,
    list_evaluations,
    newest_gate,
    save_gate,
    stored_evaluation,
)

GRADERS = (
    GraderFacts("tools", "tool_calls", "111111111111"),
    GraderFacts("tone", "judge", "222222222222", 0.5, 0.5, "judge-1"),
)
CASES = (
    Case("s-1", "0" * 16, (), "Where?", "c", ("a", "b"), "hard", "trace", 0.25, "http://task"),
    Case("s-2", "1" * 16, (), "When?"),
)
PLAN = EvaluationPlan(
    key="key-1",
    dataset="golden",
    version="1.0.0",
    content_fingerprint="c" * 64,
    labels_fingerprint="d" * 64,
    agent_version="agent-1",
    graders=GRADERS,
    graders_fingerprint="e" * 64,
    cases=CASES,
    runs_per_case=2,
    pass_score=0.5,
    specs=(Grader("tools", "tool_calls", {"mode": "strict"}),),
    agent={"kind": "http", "url": "http://agent"},
    branch="main",
    message="a new prompt",
    notes=("a note",),
)
RUN = Run(
    "s-1",
    "agent-1",
    (Message("user", "Where?"), Message("assistant", "There.")),
    "There.",
    (ToolCall("find", {"z": 1, "a": [None]}, "call-1"),),
    input_tokens=10,
    output_tokens=2,
    seconds=0.5,
    created_at="2026-01-01T00:00:00Z",
    stop_reason="length",
)
GRADE = Grade("tools", 0.5, False, "wrong id", {"missing": ["find"]})
FAILED = Grade("tone", None, None, error="the judge did not answer")


def attempted(db: Store) -> int:
    """An unfinished evaluation: s-1 is graded and failed by a judge, s-2 failed."""
    number = begin_evaluation(db, PLAN)
    save_attempt(db, number, 0, RUN, "0.0012")
    save_grades(db, number, "s-1", 0, [GRADE, FAILED], complete=True)
    save_attempt(db, number, 0, Run("s-2", "agent-1", error="it fell over"))
    return number


def test_what_was_stored_comes_back(db: Store) -> None:
    number = attempted(db)
    found = get_evaluation(db, number)
    assert found is not None
    made = Attempt((FAILED, GRADE), None, "There.", RUN.tool_calls, 0.5, 10, 2, "0.0012")
    kept = [replace(case, attempts=()) for case in found.cases]
    assert kept == list(CASES)
    assert [case.attempts for case in found.cases] == [
        (replace(made, grades=(FAILED, GRADE)),),
        (Attempt(error="it fell over"),),
    ]
    assert (found.graders, found.pass_score, found.branch) == (GRADERS, 0.5, "main")
    assert found.agent == {"kind": "http", "url": "http://agent"}
    assert found.notes == ("a note", "it is not finished")


def test_an_attempt_keeps_its_whole_trace(db: Store) -> None:
    number = attempted(db)
    assert attempt_run(db, number, "s-1", 0) == RUN
    assert attempt_run(db, number, "s-1", 1) is None


def test_what_graded_is_kept_whole(db: Store) -> None:
    begin_evaluation(db, PLAN)
    sql = "SELECT json_extract(graders, '$[0].settings.mode') FROM evaluations"
    assert db.execute(sql).fetchone() == ("strict",)


def test_an_attempt_that_was_not_graded_yet_is_not_complete(db: Store) -> None:
    number = begin_evaluation(db, PLAN)
    save_attempt(db, number, 1, RUN)
    save_grades(db, number, "s-1", 1, [GRADE], complete=False)
    (found,) = stored_attempts(db, number)
    assert (found.sample_id, found.attempt, found.complete) == ("s-1", 1, False)
    assert found.graded == {"tools"}
    evaluation = get_evaluation(db, number)
    assert evaluation is not None
    assert evaluation.cases[0].attempts == ()


def test_an_attempt_is_stored_once(db: Store) -> None:
    number = attempted(db)
    with pytest.raises(StoreError, match="could not be written"):
        save_attempt(db, number, 0, RUN)


def test_errors_are_forgotten_and_the_rest_is_kept(db: Store) -> None:
    number = attempted(db)
    assert forget_errors(db, number) == 2
    (found,) = stored_attempts(db, number)
    assert (found.sample_id, found.complete, found.graded) == (
        *("s-1", False, frozenset({"tools"})),
    )


def test_a_new_evaluation_takes_over_what_came_to_something(db: Store) -> None:
    number = attempted(db)
    finish_evaluation(db, number)
    again = begin_evaluation(db, PLAN, like=number)
    (found,) = stored_attempts(db, again)
    assert (found.sample_id, found.complete, found.graded) == (
        *("s-1", False, frozenset({"tools"})),
    )
    assert len(stored_attempts(db, number)) == 2


def test_evaluations_of_a_plan_are_found_by_their_state(db: Store) -> None:
    assert find_unfinished(db, "key-1") is None
    first, second = begin_evaluation(db, PLAN), begin_evaluation(db, PLAN)
    assert find_unfinished(db, "key-1") == second
    finish_evaluation(db, second)
    assert (find_unfinished(db, "key-1"), find_finished(db, "key-1")) == (first, second)
    assert find_unfinished(db, "key-2") is None


def test_evaluations_are_listed_oldest_first_and_by_what_is_asked(db: Store) -> None:
    begin_evaluation(db, PLAN)
    begin_evaluation(db, replace(PLAN, dataset="silver", branch=None))
    begin_evaluation(db, replace(PLAN, agent_version="agent-2"))
    assert [one.evaluation_id for one in list_evaluations(db)] == [1, 2, 3]
    assert [one.evaluation_id for one in list_evaluations(db, "golden")] == [1, 3]
    assert [one.evaluation_id for one in list_evaluations(db, None, "agent-2")] == [3]
    assert [one.evaluation_id for one in list_evaluations(db, branch="main")] == [1, 3]
    assert list_evaluations(db)[0].cases == 2


@pytest.mark.parametrize("number", [0, -1, 5, 2**63, 10**30])
def test_an_evaluation_that_is_not_there_is_none(db: Store, number: int) -> None:
    assert stored_evaluation(db, number) is None
    assert get_evaluation(db, number) is None


def test_finished_and_unfinished_evaluations_are_counted(db: Store) -> None:
    assert count_evaluations(db) == (0, 0)
    first, _ = begin_evaluation(db, PLAN), begin_evaluation(db, PLAN)
    finish_evaluation(db, first)
    assert count_evaluations(db) == (1, 1)


def test_time_is_counted_over_all_tries(db: Store) -> None:
    number = begin_evaluation(db, PLAN)
    add_seconds(db, number, 1.5)
    add_seconds(db, number, 2.0)
    found = stored_evaluation(db, number)
    assert found is not None
    assert found.seconds == 3.5


CHANGES: list[Callable[[Store, int], object]] = [
    lambda db, number: save_attempt(db, number, 1, RUN),
    lambda db, number: save_grades(db, number, "s-2", 0, [GRADE], complete=False),
    lambda db, number: add_seconds(db, number, 1.0),
    lambda db, number: forget_errors(db, number),
    lambda db, _: _sql(db, "DELETE FROM evaluation_attempts"),
    lambda db, _: _sql(db, "UPDATE evaluation_grades SET score = 1"),
    lambda db, _: _sql(db, "UPDATE evaluation_cases SET content = 'x'"),
    lambda db, _: _sql(db, "UPDATE evaluations SET agent_version = 'x'"),
    lambda db, _: _sql(db, "DELETE FROM evaluations"),
]


def _sql(db: Store, sql: str) -> None:
    with transaction(db):
        db.execute(sql)


@pytest.mark.parametrize("change", CHANGES)
def test_a_finished_evaluation_is_never_changed(
    db: Store, change: Callable[[Store, int], object]
) -> None:
    number = attempted(db)
    finish_evaluation(db, number)
    before = get_evaluation(db, number)
    with pytest.raises(StoreError, match="is never"):
        change(db, number)
    assert get_evaluation(db, number) == before


def test_the_newest_gate_of_a_candidate_is_found(db: Store) -> None:
    baseline, candidate = begin_evaluation(db, PLAN), begin_evaluation(db, PLAN)
    assert newest_gate(db, candidate) is None
    save_gate(db, candidate, baseline, "passed", {"flips": []})
    number = save_gate(db, candidate, None, "regressed", {"flips": [{"sample_id": "s-1"}]})
    found = newest_gate(db, candidate)
    assert found is not None
    assert (found.gate_id, found.candidate_id, found.baseline_id) == (number, candidate, None)
    assert (found.status, found.record) == ("regressed", {"flips": [{"sample_id": "s-1"}]})


def test_a_gate_is_never_changed(db: Store) -> None:
    save_gate(db, begin_evaluation(db, PLAN), None, "passed", {})
    for sql in ("UPDATE gates SET status = 'x'", "DELETE FROM gates"):
        with pytest.raises(StoreError, match="a gate is never changed"):
            _sql(db, sql)


def test_a_hostile_text_is_stored_as_it_is(db: Store) -> None:
    number = begin_evaluation(db, PLAN)
    run = replace(RUN, response="'; DROP TABLE evaluations; --\x1b[2J\u202e")
    save_attempt(db, number, 0, run)
    assert attempt_run(db, number, "s-1", 0) == run
