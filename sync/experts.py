"""experts: what annotators could not settle is decided in a project of its own.

A case goes there with the earlier answers, without names. What the expert answers goes back to the
disputed task as an annotation that is marked as ground truth, and so stands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from goldloop.consensus import STANDING, counted
from goldloop.fields import Answers
from label_config.expert_case import (
    EARLIER_ANSWERS,
    MODEL_VERSION,
    earlier_predictions,
    expert_interface,
    render_earlier_answers,
)
from label_config.interface import Interface
from label_config.tasks import check_task_data, task_data
from store.database import Store, project_fact
from store.returned_answers import (
    ExpertAnswer,
    answers_to_return,
    confirm_return,
    plan_return,
)
from store.runs import shown_runs, stored_runs
from store.samples import get_samples
from store.tasks import (
    ReviewProject,
    delivered_samples,
    expert_project,
    mark_tasks_deleted,
    plan_cases,
    save_review_project,
    tasks_under_way,
    unanswered_cases,
)
from sync.claims import claimed
from sync.client import LabelStudioClient
from sync.delivery import record_arrived, send_tasks
from sync.doubles import remove_doubles
from sync.project import Project
from sync.review_project import VIEW, find_or_create
from sync.webhook import install_webhook, is_webhook_set
from views.answers import in_no_order, read_annotations
from views.project import interface_in_use
from views.routing import expert_ids

ASKED = "expert project asked for"
CHUNK = 100
# Any fixed namespace will do: it makes the same id of the same answer every time.
NAMESPACE = UUID("5f0c8b0e-6f0e-4a53-9f0d-9a4c5b1f1a7e")
INSTRUCTION = (
    "<p>People disagree on these runs. Read what each of them answered, then decide: your answer "
    "stands. Skip what cannot be decided.</p>"
)


def send_cases(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    disputed: Mapping[str, Collection[str]],
) -> list[str]:
    """Give samples to the experts, with the fields that are disputed; those that are new to them.

    Does nothing while a push is at work, or where the settings name no experts' project.
    """
    if not project.settings.label_studio.expert_title or not _new(db, disputed):
        return []
    with claimed(project, "push") as held:
        if not held:
            return []
        interface = expert_interface(interface_in_use(project, db))
        experts = _ensure_project(project, db, client, interface)
        plan_cases(db, experts.project_id, list(disputed))
        return _deliver(project, db, client, experts, interface, disputed)


def _new(db: Store, sample_ids: Collection[str]) -> bool:
    """Whether one of these samples is not known to be with the experts."""
    known = expert_project(db)
    return not set(sample_ids) <= (delivered_samples(db, known.project_id) if known else set())


def _ensure_project(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    interface: Interface,
) -> ReviewProject:
    """The experts' project: the known one, else one that a dead process made, else a new one. One
    that somebody deleted is made anew.
    """
    known = expert_project(db)
    if known is None or client.project(known.project_id) is None:
        mark = f"goldloop experts of store {project_fact(db, 'store_id')}"
        found = find_or_create(db, client, ASKED, mark, _fields(project, interface, mark))
        if all(view["data"]["title"] != VIEW["title"] for view in client.views(found["id"])):
            client.create_view(found["id"], _view())
        if is_webhook_set(project.settings):
            install_webhook(project.settings, client, found["id"])
        known = ReviewProject(
            found["id"], client.url, found["title"], found["label_config"], "expert"
        )
    if known.label_config != interface.xml:
        client.update_project(known.project_id, {"label_config": interface.xml})
    known = replace(known, url=client.url, label_config=interface.xml)
    save_review_project(db, known)
    return known


def _fields(project: Project, interface: Interface, mark: str) -> Mapping[str, Any]:
    return {
        "title": project.settings.label_studio.expert_title,
        "description": f"What annotators could not settle ({mark}; leave this mark in place)",
        "label_config": interface.xml,
        "expert_instruction": INSTRUCTION,
        "maximum_annotations": 1,
        "sampling": "Sequential sampling",
        "show_collab_predictions": True,
        "evaluate_predictions_automatically": False,
        "enable_empty_annotation": False,
        "show_skip_button": True,
        "model_version": MODEL_VERSION,
    }


def _view() -> Mapping[str, Any]:
    hidden = {
        target: [*columns, f"tasks:data.{EARLIER_ANSWERS}", "tasks:predictions_score"]
        for target, columns in VIEW["hiddenColumns"].items()
    }
    return {**VIEW, "ordering": ["tasks:id"], "hiddenColumns": hidden}


def _deliver(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    experts: ReviewProject,
    interface: Interface,
    disputed: Mapping[str, Collection[str]],
) -> list[str]:
    """Send the cases that are planned and did not arrive in an earlier try; their samples."""
    under_way = tasks_under_way(db, experts.project_id)
    doubtful = [sample_id for sample_id, sent_at in under_way.items() if sent_at]
    missing = set(under_way)
    if doubtful:
        last = max(filter(None, under_way.values()))
        left = record_arrived(db, client, experts.project_id, doubtful, last)
        missing -= set(doubtful) - set(left)
    wanted = [sample_id for sample_id in under_way if sample_id in missing]
    for start in range(0, len(wanted), CHUNK):
        tasks = _cases(project, db, interface, wanted[start : start + CHUNK], disputed)
        send_tasks(db, client, experts.project_id, tasks)
    if doubtful:
        remove_doubles(db, client, experts.project_id, doubtful)
    return wanted


def _cases(
    project: Project,
    db: Store,
    interface: Interface,
    sample_ids: Sequence[str],
    disputed: Mapping[str, Collection[str]],
) -> list[dict[str, Any]]:
    samples, shown = get_samples(db, sample_ids), shown_runs(db, sample_ids)
    runs = {key[0]: run for key, run in stored_runs(db, sample_ids).items() if key in shown}
    annotations = read_annotations(project, db, sample_ids)
    return [
        _case(
            interface,
            task_data(samples[sample_id], runs[sample_id]),
            [one.answers for one in in_no_order(db, sample_id, counted(annotations[sample_id]))],
            disputed.get(sample_id, ()),
        )
        for sample_id in sample_ids
    ]


def _case(
    interface: Interface,
    data: dict[str, Any],
    answers: Sequence[Answers],
    disputed: Collection[str],
) -> dict[str, Any]:
    data[EARLIER_ANSWERS] = render_earlier_answers(interface.fields, answers, disputed)
    check_task_data(interface, data)
    return {
        "data": data,
        "meta": {"goldloop": {"disputed": sorted(disputed)}},
        "predictions": earlier_predictions(interface, answers, disputed),
    }


def return_answers(
    project: Project, db: Store, client: LabelStudioClient, review: ReviewProject
) -> list[str]:
    """Bring what experts answered, changed or took back to the disputed tasks; their samples.

    Raises SettingsError for an expert whom Label Studio does not know.
    """
    waiting = answers_to_return(db, review.project_id)
    experts = expert_ids(project, db) if waiting else set()
    returned = []
    for answer in waiting:
        if answer.stands and experts and answer.annotation.annotator_id not in experts:
            continue
        unique_id = _unique_id(db, answer)
        plan_return(db, answer, review.project_id, unique_id)
        returned_id = _write(client, review, answer, unique_id)
        if returned_id is not None:
            confirm_return(db, answer, returned_id)
            returned.append(answer.annotation.sample_id)
    return returned


def _unique_id(db: Store, answer: ExpertAnswer) -> str:
    """The same for every try, so that Label Studio takes the answer once."""
    name = f"{project_fact(db, 'store_id')}/{answer.annotation.annotation_id}"
    return str(uuid5(NAMESPACE, name))


def _write(
    client: LabelStudioClient, review: ReviewProject, answer: ExpertAnswer, unique_id: str
) -> int | None:
    """Write the answer to its disputed task; its id there, None when the task is gone."""
    annotation = answer.annotation
    # An answer that was taken back becomes a skip: it says nothing, and nothing is lost.
    fields = {
        "result": annotation.result,
        "ground_truth": answer.stands,
        "was_cancelled": not answer.stands,
        "lead_time": annotation.lead_time,
    }
    known = answer.returned_id
    if known is not None and client.update_annotation(known, fields):
        return known
    new = {**fields, "completed_by": annotation.annotator_id, "unique_id": unique_id}
    return client.create_annotation_once(review.project_id, answer.task_id, new)


def take_back_settled(db: Store, client: LabelStudioClient) -> int:
    """Remove the cases that were settled meanwhile and that no expert has begun; how many."""
    experts = expert_project(db)
    if experts is None:
        return 0
    settled = [
        task_id
        for task_id, state in unanswered_cases(db, experts.project_id).items()
        if state in STANDING
    ]
    removed = [
        task["id"]
        for task in client.export(experts.project_id, settled)
        if not task["annotations"] and not task["drafts"]
    ]
    for task_id in removed:
        client.delete_task(task_id)
        mark_tasks_deleted(db, experts.project_id, [task_id])
    return len(removed)
