"""push from a gate: the cases that it found flipped, sent to people.

People judge what the candidate did: one attempt of each case that went from right to wrong, or
back. The cases are no samples of the pool, so that neither selection nor estimates change by them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from goldloop.errors import StoreError, VersionError
from goldloop.samples import Run, Sample
from label_config.agent_prediction import agent_prediction
from label_config.interface import Interface
from label_config.tasks import check_task_data, task_data
from store.database import Store
from store.evaluations import StoredGate, attempt_run, newest_gate, stored_evaluation
from store.gate_review import (
    Direction,
    FlippedCase,
    GateReviewTask,
    gate_review_answers,
    gate_review_tasks,
    plan_gate_review,
    planned_task,
)
from sync.claims import claimed
from sync.client import LabelStudioClient
from sync.exports.case import case_of
from sync.gate_review import CLAIM
from sync.gate_review_project import GateReviewLedger, ensure_gate_review_project
from sync.project import Project
from sync.side_tasks import Fetched, fetch_answers, send_side_tasks
from views.project import interface_in_use
from views.version_folder import checked_items

PATIENCE_SECONDS = 10.0


@dataclass
class PushedGate:
    """What a push of a gate did: the gate, where people label, how many cases of it flipped and are
    meant for people, and the tasks that were sent; `fetched` is what Label Studio had before.
    """

    evaluation: int
    gate: int
    project_id: int = 0
    url: str = ""
    cases: int = 0
    sent: int = 0
    fetched: Fetched = field(default_factory=Fetched)


def push_from_gate(
    project: Project, db: Store, evaluation_id: int, *, recovered: bool = False
) -> PushedGate:
    """Send the flipped cases of a candidate's newest gate to people, each once.

    Those that regressed, and with `recovered` also those that went from wrong to right. Safe to
    repeat. Raises VersionError for an evaluation that is not there or has no gate, and where its
    dataset version is not; StoreError while another push of a gate is at work.
    """
    gate = _gate(db, evaluation_id)
    wanted: tuple[Direction, ...] = ("regressed", "recovered") if recovered else ("regressed",)
    with claimed(project, CLAIM, PATIENCE_SECONDS) as ours:
        if not ours:
            raise StoreError(
                "another push from a gate, or a pull of its answers, is at work on this store; let "
                "it end, then run the same command"
            )
        _plan(project, db, gate, wanted)
        tasks = [one for one in gate_review_tasks(db, evaluation_id) if one.direction in wanted]
        done = PushedGate(evaluation_id, gate.gate_id, cases=len(tasks))
        if tasks:
            with project.client() as client:
                _meet_people(project, db, client, tasks, done)
    return done


def _gate(db: Store, evaluation_id: int) -> StoredGate:
    if stored_evaluation(db, evaluation_id) is None:
        raise VersionError(f"there is no evaluation {evaluation_id}; see: goldloop runs")
    found = newest_gate(db, evaluation_id)
    if found is None:
        raise VersionError(
            f"evaluation {evaluation_id} went through no gate yet; compare it first: "
            f"goldloop gate --baseline RUN --candidate {evaluation_id}"
        )
    return found


def _plan(project: Project, db: Store, gate: StoredGate, wanted: Collection[Direction]) -> None:
    """Write down the flipped cases that no earlier push of this evaluation wrote down."""
    planned = {one.sample_id for one in gate_review_tasks(db, gate.candidate_id)}
    new = [
        flip
        for flip in gate.record["flips"]
        if flip["direction"] in wanted and flip["sample_id"] not in planned
    ]
    samples = _samples(project, db, gate.candidate_id, {flip["sample_id"] for flip in new})
    interface, names = interface_in_use(project, db), project.settings.label_studio.prefill
    cases = [_flipped(db, interface, names, gate, flip, samples[flip["sample_id"]]) for flip in new]
    plan_gate_review(db, gate.candidate_id, gate.gate_id, cases)


def _samples(
    project: Project, db: Store, evaluation_id: int, wanted: Collection[str]
) -> dict[str, Sample]:
    """The cases as the dataset version has them: the pool may not hold them, or not any more."""
    evaluation = stored_evaluation(db, evaluation_id)
    if evaluation is None or not wanted:
        return {}
    root = project.path(project.settings.store.versions)
    items = checked_items(root, evaluation.dataset, evaluation.version)
    samples = (case_of(item) for item in items)
    found = {sample.sample_id: sample for sample in samples if sample.sample_id in wanted}
    if missing := sorted(set(wanted) - found.keys()):
        raise VersionError(
            f"{evaluation.dataset}@{evaluation.version} has no sample {missing[0][:80]!r}, which "
            f"evaluation {evaluation_id} has; restore the version's folder"
        )
    return found


def _flipped(
    db: Store,
    interface: Interface,
    names: Sequence[str],
    gate: StoredGate,
    flip: Mapping[str, Any],
    sample: Sample,
) -> FlippedCase:
    """The case with the candidate's run that shows the flip best."""
    attempt = int(flip["candidate"]["attempt"])
    run = attempt_run(db, gate.candidate_id, sample.sample_id, attempt)
    if run is None:
        raise StoreError(
            f"attempt {attempt} of sample {sample.sample_id[:80]!r} is not in evaluation "
            f"{gate.candidate_id}; evaluate again"
        )
    task = _task(interface, names, sample, run, f"{gate.candidate_id}/{sample.sample_id}")
    facts = {"evaluation": gate.candidate_id, "agent_version": run.agent_version}
    task["meta"] = {"goldloop": facts}
    return FlippedCase(sample.sample_id, flip["direction"], attempt, task)


def _task(
    interface: Interface, names: Sequence[str], sample: Sample, run: Run, name: str
) -> dict[str, Any]:
    """The task without what the graders said, which would anchor people."""
    # What grades the case is no fact about it for people, and may tell them what to say.
    plain = {key: value for key, value in sample.metadata.items() if key != "graders"}
    data = task_data(replace(sample, metadata=plain), run) | {"sample_id": name}
    check_task_data(interface, data)
    return {"data": data, "predictions": [agent_prediction(interface, names, sample, run)]}


def _meet_people(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    tasks: Sequence[GateReviewTask],
    done: PushedGate,
) -> None:
    """The project of the gate reviews, brought up to date in both directions."""
    there = ensure_gate_review_project(project, db, client)
    done.project_id, done.url = there.project_id, f"{client.url}/projects/{there.project_id}/data"
    ledger = GateReviewLedger(db)
    done.fetched = fetch_answers(ledger, client, there.project_id)
    answered = gate_review_answers(db, done.evaluation).keys()
    chosen = {task.key for task in tasks}
    missing = [
        task
        for task in gate_review_tasks(db, done.evaluation)
        if task.key in chosen and task.state != "delivered" and task.sample_id not in answered
    ]
    done.sent = send_side_tasks(
        ledger, client, there.project_id, missing, lambda task: planned_task(db, task)
    )
