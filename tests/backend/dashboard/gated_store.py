"""Evaluations, gates of them and what people said of flipped cases, as a store keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from goldloop.evaluation import Attempt, Case, Evaluation, Rules, gate
from goldloop.samples import Message, Run
from label_config.interface import builtin_interface
from label_config.results import write_result
from store.database import Store
from store.evaluation_writing import (
    EvaluationPlan,
    begin_evaluation,
    finish_evaluation,
    save_attempt,
    save_grades,
)
from store.evaluations import get_evaluation, save_gate
from store.gate_review import (
    FlippedCase,
    GateReviewProject,
    gate_review_tasks,
    mark_gate_reviews_delivered,
    plan_gate_review,
    save_gate_review_project,
    store_gate_review_answers,
)
from store.side_tasks import SideAnswer
from tests.sync.gating import JUDGE, MARKDOWN, SCRIPT, STEERING, TOOLS, evaluation

REVIEW = 70


def fill_gates(db: Store) -> None:
    """Evaluations 1 and 2 full of what nobody should write, gate 1 of them, and a half-done review
    of its flipped cases.
    """
    for name, wrong in ((f"v1 {MARKDOWN}", (0,)), (f"v2 {SCRIPT}", range(1, 8))):
        made = evaluation(name, wrong, 12, hostile=True, graders=(TOOLS, JUDGE))
        store_evaluation(db, replace(made, branch=f"{SCRIPT} {STEERING}"))
    ask_people(db, 2, store_gate(db, 1, 2), ["s-001", "s-002"])
    people_say(db, 2, "s-001", "correct", "incorrect")


def store_evaluation(db: Store, made: Evaluation, *, finished: bool = True) -> int:
    """Write an evaluation down, attempt by attempt; its number."""
    number = begin_evaluation(db, _plan(made))
    for case in made.cases:
        for at, attempt in enumerate(case.attempts):
            save_attempt(db, number, at, _run(made, case, attempt), attempt.usd)
            if attempt.grades:
                save_grades(db, number, case.sample_id, at, attempt.grades, complete=True)
    if finished:
        finish_evaluation(db, number)
    return number


def _plan(made: Evaluation) -> EvaluationPlan:
    return EvaluationPlan(
        key=f"{made.agent_version} {made.branch}",
        dataset=made.dataset,
        version=made.version,
        content_fingerprint=made.content_fingerprint,
        labels_fingerprint=made.labels_fingerprint,
        agent_version=made.agent_version,
        graders=made.graders,
        graders_fingerprint="9" * 64,
        cases=made.cases,
        runs_per_case=made.runs_per_case,
        pass_score=made.pass_score,
        branch=made.branch,
        notes=made.notes,
    )


def _run(made: Evaluation, case: Case, attempt: Attempt) -> Run:
    """The attempt with a trace of the question and the answer; without one where it broke."""
    said = (
        Message("user", case.user_input),
        Message("assistant", attempt.response, tool_calls=attempt.tool_calls),
    )
    return Run(
        sample_id=case.sample_id,
        agent_version=made.agent_version,
        messages=() if attempt.error else said,
        response=attempt.response,
        tool_calls=attempt.tool_calls,
        error=attempt.error,
        seconds=attempt.seconds,
        input_tokens=attempt.input_tokens,
        output_tokens=attempt.output_tokens,
    )


def store_gate(db: Store, baseline: int, candidate: int, rules: Rules | None = None) -> int:
    """Compare two stored evaluations and keep the verdict; the gate's number."""
    before, after = get_evaluation(db, baseline), get_evaluation(db, candidate)
    assert before is not None
    assert after is not None
    verdict = gate(before, after, rules or Rules())
    return save_gate(db, candidate, baseline, verdict.status, verdict.record())


def ask_people(db: Store, candidate: int, gate_id: int, cases: Iterable[str]) -> None:
    """Give these regressed cases to people, as tasks 1, 2, ..."""
    interface = builtin_interface()
    save_gate_review_project(db, GateReviewProject(REVIEW, "http://there", "Gate", interface.xml))
    flipped = [FlippedCase(sample_id, "regressed", 0, {"data": {}}) for sample_id in cases]
    plan_gate_review(db, candidate, gate_id, flipped)
    tasks = gate_review_tasks(db, candidate)
    mark_gate_reviews_delivered(db, REVIEW, [(one, n) for n, one in enumerate(tasks, 1)])


def people_say(db: Store, candidate: int, sample_id: str, *verdicts: str) -> None:
    """What persons 1, 2, ... answer to the question whether the agent was right."""
    [task] = [one for one in gate_review_tasks(db, candidate) if one.sample_id == sample_id]
    number = task.task_id or 0
    answers = [
        SideAnswer(
            project_id=REVIEW,
            annotation_id=number * 100 + person,
            updated_at="2026-01-01T10:00:00Z",
            group=candidate,
            sample_id=sample_id,
            task_id=number,
            annotator_id=person,
            result=write_result(builtin_interface(), {"correctness": verdict, "tool_use": "right"}),
            was_cancelled=False,
            lead_time=5.0,
            created_at="2026-01-01T10:00:00Z",
        )
        for person, verdict in enumerate(verdicts, 1)
    ]
    store_gate_review_answers(db, REVIEW, {number}, answers)
