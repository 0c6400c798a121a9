"""What people say of the cases that a gate found flipped, as plain values.

A plain majority of the votes decides, by the rules of [consensus] on how many it takes: what was
learned of annotators comes from the review's answers, and so few cases would teach nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from goldloop.consensus import Annotation, Rules, State, TaskConsensus, task_consensus
from goldloop.errors import VersionError
from label_config.interface import Interface, read_interface
from label_config.results import read_result
from store.annotations import people
from store.database import Store
from store.gate_review import (
    GateReviewTask,
    gate_review_answers,
    gate_review_project,
    gate_review_tasks,
)
from store.side_tasks import SideAnswer
from views.answers import consensus_rules
from views.project import Project, interface_in_use
from views.question import right_answers

Verdict = Literal["wrong", "right", "disputed", "open"]
VERDICTS: tuple[Verdict, ...] = ("wrong", "right", "disputed", "open")


@dataclass(frozen=True, slots=True)
class _Questions:
    """What people are asked, how many must answer, and which answers mean right."""

    interface: Interface
    rules: Rules
    field: str
    right: frozenset[str]


def gate_review(project: Project, db: Store, evaluation_id: int) -> dict[str, Any]:
    """How far people are with the flipped cases of a candidate, in plain JSON values.

    `regressed` and `recovered` count the cases by what people say of what the candidate did; open
    is what too few have answered. A regressed case that they find right speaks against the expected
    answer or the grader. Raises VersionError where nothing of the evaluation was pushed.
    """
    tasks = gate_review_tasks(db, evaluation_id)
    if not tasks:
        raise VersionError(
            f"no flipped case of evaluation {evaluation_id} was given to people; send them: "
            f"goldloop push --from-gate {evaluation_id}"
        )
    questions, answers = _questions(project, db), gate_review_answers(db, evaluation_id)
    names, url = people(db), _url(db)
    cases = [_case(questions, task, answers.get(task.sample_id, ()), names, url) for task in tasks]
    return {
        "evaluation": evaluation_id,
        "url": url and f"{url}/data",
        "field": questions.field,
        **{direction: _counts(cases, direction) for direction in ("regressed", "recovered")},
        "cases": cases,
    }


def _questions(project: Project, db: Store) -> _Questions:
    settings, interface = project.settings, interface_of_review(project, db)
    rules = consensus_rules(
        interface, settings.consensus, settings.label_studio.annotators_per_task
    )
    return _Questions(interface, rules, settings.calibration.field, right_answers(project, db))


def _url(db: Store) -> str | None:
    made = gate_review_project(db)
    return None if made is None else f"{made.url}/projects/{made.project_id}"


def _counts(cases: Sequence[dict[str, Any]], direction: str) -> dict[str, int]:
    found = Counter(one["verdict"] for one in cases if one["direction"] == direction)
    return {"cases": found.total(), **{verdict: found[verdict] for verdict in VERDICTS}}


def _case(
    questions: _Questions,
    task: GateReviewTask,
    given: Sequence[SideAnswer],
    names: dict[int, str],
    url: str | None,
) -> dict[str, Any]:
    found = _consensus(questions, given)
    there = url and task.state == "delivered"
    return {
        "sample_id": task.sample_id,
        "direction": task.direction,
        "attempt": task.attempt,
        "verdict": _verdict(questions, found),
        "labels": found.labels,
        "answers": found.annotators,
        "skips": found.skips,
        "said": _said(questions, given, names),
        "state": task.state,
        "task_id": task.task_id,
        "url": f"{url}/data?task={task.task_id}" if there else None,
    }


def _said(
    questions: _Questions, given: Sequence[SideAnswer], names: dict[int, str]
) -> list[dict[str, Any]]:
    """Each person's answer to the question that decides; None for a skip."""
    return [
        {
            "annotator": names.get(one.annotator_id, str(one.annotator_id)),
            "answer": None if one.was_cancelled else _answers(questions, one).get(questions.field),
        }
        for one in given
    ]


def _consensus(questions: _Questions, given: Sequence[SideAnswer]) -> TaskConsensus:
    return task_consensus(questions.rules, [_annotation(questions, one) for one in given])


def _annotation(questions: _Questions, answer: SideAnswer) -> Annotation:
    return Annotation(
        annotation_id=answer.annotation_id,
        annotator_id=answer.annotator_id,
        answers=_answers(questions, answer),
        updated_at=answer.updated_at,
        was_cancelled=answer.was_cancelled,
        lead_time=answer.lead_time,
    )


def _answers(questions: _Questions, answer: SideAnswer) -> dict[str, Any]:
    return read_result(questions.interface, answer.result)[0]


def _verdict(questions: _Questions, found: TaskConsensus) -> Verdict:
    of_field = next((one for one in found.fields if one.field == questions.field), None)
    if of_field is None or of_field.state in (State.WAITING, State.UNANSWERED):
        return "open"
    if of_field.value is None:
        return "disputed"
    return "right" if of_field.value in questions.right else "wrong"


def interface_of_review(project: Project, db: Store) -> Interface:
    """The interface that the gate reviews show; before the first, the review's."""
    made = gate_review_project(db)
    if made is None:
        return interface_in_use(project, db)
    return read_interface(made.label_config, f"the interface of project {made.project_id}")
